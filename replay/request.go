package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Action says what a replay does with each event.
type Action string

// Rerun runs the workflow again. It is the default.
const Rerun Action = "rerun"

// LatestVersion selects each resource's latest event, bound when the item starts. It is the default.
const LatestVersion = "latest"

// Request is the body of POST /replays. The zero value is invalid: Select and Reason are required.
type Request struct {
	Action   Action `json:"action"`
	Select   Select `json:"select"`
	Versions string `json:"versions"`
	Reason   string `json:"reason"`
}

// Select names the resources to replay: exactly one field is set.
type Select struct {
	ResourceIDs []string `json:"resourceIds,omitempty"` // 1 to MaxResourceIDs; repeated ids count once
	OwnerID     string   `json:"ownerId,omitempty"`
}

// Decode reads and validates a request. Defaults are filled in and repeated resource ids removed. The error is an
// *InvalidError that names every fault.
func Decode(body []byte) (Request, error) {
	d := decoder{}
	r := d.request(body)
	if len(d.faults) > 0 {
		return Request{}, &InvalidError{Faults: d.faults}
	}
	return r, nil
}

// decoder collects faults. It reads objects by hand instead of into structs, because encoding/json stops at the first
// fault and does not tell the path of an unknown field.
type decoder struct {
	faults []Fault
}

func (d *decoder) fault(field string, value any, detail string) {
	f := Fault{Field: field, Detail: detail}
	switch v := value.(type) {
	case nil:
	case json.RawMessage:
		f.Value = Shorten(string(v))
	default:
		f.Value = Shorten(fmt.Sprint(v))
	}
	d.faults = append(d.faults, f)
}

func (d *decoder) request(body []byte) Request {
	r := Request{Action: Rerun, Versions: LatestVersion}
	fields, ok := d.object("body", body, "action", "select", "versions", "reason")
	if !ok {
		return r
	}
	if raw, given := fields["action"]; given {
		if d.text("action", raw, (*string)(&r.Action)) && r.Action != Rerun {
			d.fault("action", raw, `must be "rerun"`)
		}
	}
	if raw, given := fields["versions"]; given {
		if d.text("versions", raw, &r.Versions) && r.Versions != LatestVersion {
			d.fault("versions", raw, `must be "latest"`)
		}
	}
	if raw, given := fields["select"]; given {
		r.Select = d.selection(raw)
	} else {
		d.fault("select", nil, `is required: {"resourceIds": [...]} or {"ownerId": "..."}`)
	}
	d.reason(fields["reason"], &r.Reason)
	return r
}

func (d *decoder) reason(raw json.RawMessage, reason *string) {
	const remedy = "is required: say why, the text is kept with the replay and sent with every event"
	if raw == nil {
		d.fault("reason", nil, remedy)
		return
	}
	if !d.text("reason", raw, reason) {
		return
	}
	*reason = strings.TrimSpace(*reason)
	switch {
	case *reason == "":
		d.fault("reason", raw, remedy)
	case len(*reason) > MaxReasonBytes:
		d.fault("reason", raw, fmt.Sprintf("has %d bytes, the most is %d: shorten it", len(*reason), MaxReasonBytes))
	default:
		if err := checkID(*reason); err != nil {
			d.fault("reason", raw, "must be one line of text: "+err.Error())
		}
	}
}

func (d *decoder) selection(raw json.RawMessage) Select {
	var s Select
	fields, ok := d.object("select", raw, "resourceIds", "ownerId")
	if !ok {
		return s
	}
	if len(fields) != 1 {
		d.fault("select", raw, "must have exactly one of resourceIds and ownerId")
		return s
	}
	if ids, given := fields["resourceIds"]; given {
		s.ResourceIDs = d.resourceIDs(ids)
	}
	if owner, given := fields["ownerId"]; given && d.text("select.ownerId", owner, &s.OwnerID) {
		if err := CheckOwnerID(s.OwnerID); err != nil {
			d.fault("select.ownerId", owner, err.Error())
		}
	}
	return s
}

func (d *decoder) resourceIDs(raw json.RawMessage) []string {
	const field = "select.resourceIds"
	var ids []string
	if err := json.Unmarshal(raw, &ids); err != nil || ids == nil {
		d.fault(field, raw, "must be an array of strings")
		return nil
	}
	if len(ids) == 0 || len(ids) > MaxResourceIDs {
		d.fault(field, fmt.Sprintf("%d ids", len(ids)),
			fmt.Sprintf("must name 1 to %d resources: split a longer list into several requests", MaxResourceIDs))
		return nil
	}
	seen := make(map[string]bool, len(ids))
	for i, id := range ids {
		if _, err := EventKey(id); err != nil {
			d.fault(fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%q", Shorten(id)), err.Error())
		}
		seen[id] = true
	}
	if len(seen) == len(ids) {
		return ids
	}
	return slices.DeleteFunc(ids, func(id string) bool {
		first := seen[id]
		seen[id] = false
		return !first
	})
}

func (d *decoder) text(field string, raw json.RawMessage, into *string) bool {
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		d.fault(field, raw, "must be a string")
		return false
	}
	*into = *s
	return true
}

// object reads a JSON object and reports fields that are not known.
func (d *decoder) object(field string, raw []byte, known ...string) (map[string]json.RawMessage, bool) {
	var fields map[string]json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(raw))
	err := dec.Decode(&fields)
	if err == nil && fields == nil {
		err = errors.New("it is null")
	}
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows it")
		}
	}
	if err != nil {
		d.fault(field, json.RawMessage(raw), "must be a JSON object: "+err.Error())
		return nil, false
	}
	prefix := field + "."
	if field == "body" {
		prefix = ""
	}
	unknown := make([]string, 0, len(fields))
	for name := range fields {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		d.fault(prefix+Shorten(name), nil, "is not known here: the fields are "+strings.Join(known, ", "))
		delete(fields, name)
	}
	return fields, true
}
