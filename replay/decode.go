package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

// Decode reads and validates a request. Defaults are filled in, repeated ids removed, and times given relative to now
// made absolute: what it returns, encoded and decoded again, stays the same. The error is an *InvalidError that names
// every fault, up to MaxFaults.
func Decode(body []byte, now time.Time) (Request, error) {
	d := decoder{now: now}
	r := d.request(body)
	if len(d.faults) > 0 {
		return Request{}, &InvalidError{Faults: d.faults}
	}
	return r, nil
}

// decoder collects faults. It reads objects by hand instead of into structs, because encoding/json stops at the first
// fault and does not tell the path of an unknown field.
type decoder struct {
	now    time.Time
	faults []Fault
}

func (d *decoder) fault(field string, value any, detail string) {
	if len(d.faults) == MaxFaults {
		return
	}
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
	r := Request{Action: Rerun, Publish: PublishNormal}
	fields, ok := d.object("body", body, "apply", "action", "select", "versions", "transform", "publish", "target", "allowStale",
		"maxPerSecond", "ignorePauseAlarm", "maxItems", "maxFailures", "ramp", "dryRun", "reason")
	if !ok {
		return r
	}
	if path := repeated(body); path != "" {
		d.fault(path, nil, "is given twice: leave one out")
	}
	if raw, given := fields["apply"]; given {
		return d.apply(raw, fields)
	}
	choice(d, "action", fields["action"], &r.Action, Rerun, Republish, Redrive)
	choice(d, "publish", fields["publish"], &r.Publish, PublishNormal, PublishSuppress)
	if raw, given := fields["select"]; given {
		r.Select = d.selection(raw)
	} else {
		d.fault("select", nil, `is required: {"resourceIds": [...]}, {"ownerId": "..."}, {"failures": {}} or {"all": true}`)
	}
	r.Versions = d.versions(fields["versions"], r.Select, r.Action)
	if raw, given := fields["transform"]; given {
		r.Transform = d.transform(raw)
	}
	if raw, given := fields["target"]; given && d.text("target", raw, &r.Target) {
		d.line("target", raw, r.Target, MaxTargetBytes)
	}
	d.boolean("allowStale", fields["allowStale"], &r.AllowStale)
	d.boolean("dryRun", fields["dryRun"], &r.DryRun)
	d.boolean("ignorePauseAlarm", fields["ignorePauseAlarm"], &r.IgnorePauseAlarm)
	d.number("maxPerSecond", fields["maxPerSecond"], 1, MaxPerSecond, &r.MaxPerSecond)
	d.number("maxItems", fields["maxItems"], 1, MaxItems, &r.MaxItems)
	if raw, given := fields["maxFailures"]; given {
		r.MaxFailures = new(int)
		d.number("maxFailures", raw, 0, MaxItems, r.MaxFailures)
	}
	r.Ramp = d.ramp(fields["ramp"])
	d.reason(fields["reason"], &r.Reason)
	d.together(fields, r)
	return r
}

// together checks what depends on more than one field.
func (d *decoder) together(fields map[string]json.RawMessage, r Request) {
	if _, given := fields["maxItems"]; r.Select.All && !given {
		d.fault("maxItems", nil, `is required with select.all: say how many items the replay may have at most`)
	}
	switch r.Action {
	case Republish:
		if r.Transform != nil {
			d.fault("transform", nil, "does not go with a republish: a republish sends the stored output as it is: use rerun")
		}
		if r.Publish == PublishSuppress {
			d.fault("publish", fields["publish"], "does not go with a republish, which only publishes: leave it out")
		}
		if r.Ramp != nil {
			d.fault("ramp", fields["ramp"], "does not go with a republish, which cannot see how subscribers fare: use maxPerSecond")
		}
	case Redrive:
		d.redrive(fields, r)
	}
}

// redrive refuses what would have to change an execution that goes on with its own input.
func (d *decoder) redrive(fields map[string]json.RawMessage, r Request) {
	if r.Transform != nil {
		d.fault("transform", nil, "does not go with a redrive, which goes on with the input of the execution: use rerun")
	}
	if r.Publish == PublishSuppress {
		d.fault("publish", fields["publish"], "does not go with a redrive, which publishes as the execution would have: use rerun")
	}
	if r.Target != "" {
		d.fault("target", fields["target"], "does not go with a redrive, which publishes as the execution would have: use rerun")
	}
	if r.Select.All {
		d.fault("select.all", nil, `does not go with a redrive, which is about failures: use {"failures": {}}`)
	}
	if r.Versions.Mode != FailedVersion {
		d.fault("versions", fields["versions"], "does not go with a redrive, which goes on with the execution that failed: leave it out")
	}
}

func (d *decoder) reason(raw json.RawMessage, reason *string) {
	d.required(raw, reason, "is required: say why, the text is kept with the replay and sent with every event")
}

// required reads a reason, with a remedy where there is none.
func (d *decoder) required(raw json.RawMessage, reason *string, remedy string) {
	if raw == nil {
		d.fault("reason", nil, remedy)
		return
	}
	if !d.text("reason", raw, reason) {
		return
	}
	if *reason = strings.TrimSpace(*reason); *reason == "" {
		d.fault("reason", raw, remedy)
		return
	}
	d.line("reason", raw, *reason, MaxReasonBytes)
}

// line checks a string of one line.
func (d *decoder) line(field string, raw json.RawMessage, s string, most int) {
	if len(s) > most {
		d.fault(field, raw, fmt.Sprintf("has %d bytes, the most is %d: shorten it", len(s), most))
	} else if err := checkID(s); err != nil {
		d.fault(field, raw, "must be one line of text: "+err.Error())
	}
}

// ordered checks that a range of time is none that nothing can be in.
func (d *decoder) ordered(field string, raw json.RawMessage, from, to *time.Time) {
	if from != nil && to != nil && !from.Before(*to) {
		d.fault(field, raw, "must be later than the beginning of the range, "+from.Format(time.RFC3339Nano))
	}
}

func (d *decoder) time(field string, raw json.RawMessage) *time.Time {
	var s string
	if raw == nil || !d.text(field, raw, &s) {
		return nil
	}
	t, err := ParseTime(s, d.now)
	if err != nil {
		d.fault(field, raw, err.Error())
		return nil
	}
	return &t
}

// texts reads an array of 1 to most strings.
func (d *decoder) texts(field string, raw json.RawMessage, most int, what string) ([]string, bool) {
	var texts []*string
	if err := json.Unmarshal(raw, &texts); err != nil || texts == nil || slices.Contains(texts, nil) {
		d.fault(field, raw, "must be an array of strings")
		return nil, false
	}
	if len(texts) == 0 || len(texts) > most {
		d.fault(field, fmt.Sprintf("%d entries", len(texts)), fmt.Sprintf("must name 1 to %d %s", most, what))
		return nil, false
	}
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = *t
	}
	return out, true
}

func unique(texts []string) []string {
	seen := make(map[string]bool, len(texts))
	return slices.DeleteFunc(texts, func(s string) bool {
		before := seen[s]
		seen[s] = true
		return before
	})
}

func (d *decoder) text(field string, raw json.RawMessage, into *string) bool {
	if err := json.Unmarshal(raw, into); err != nil {
		d.fault(field, raw, "must be a string")
		return false
	}
	return true
}

func (d *decoder) boolean(field string, raw json.RawMessage, into *bool) bool {
	if raw == nil {
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		d.fault(field, raw, "must be true or false")
		return false
	}
	return true
}

func (d *decoder) number(field string, raw json.RawMessage, least, most int, into *int) {
	if raw == nil {
		return
	}
	var n float64
	if err := json.Unmarshal(raw, &n); err != nil || n != math.Trunc(n) || n < float64(least) || n > float64(most) {
		d.fault(field, raw, fmt.Sprintf("must be a whole number from %d to %d", least, most))
		return
	}
	*into = int(n)
}

// choice reads one of a few words. An absent one leaves the default.
func choice[T ~string](d *decoder, field string, raw json.RawMessage, into *T, known ...T) {
	if raw == nil {
		return
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil || !slices.Contains(known, T(s)) {
		words := make([]string, len(known))
		for i, k := range known {
			words[i] = fmt.Sprintf("%q", k)
		}
		d.fault(field, raw, "must be "+strings.Join(words, " or "))
		return
	}
	*into = T(s)
}

// object reads a JSON object and reports fields that are not known. A field that is null counts as absent.
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
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		err = fmt.Errorf("it is of type %s", kind.Value)
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
	for name, value := range fields {
		if !slices.Contains(known, name) {
			unknown = append(unknown, name)
		} else if string(value) == "null" {
			delete(fields, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		shown := Shorten(name)
		if name == "" {
			shown = `""`
		}
		d.fault(prefix+shown, nil, "is not known here: the fields are "+strings.Join(known, ", "))
		delete(fields, name)
	}
	return fields, true
}
