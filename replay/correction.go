package replay

import "encoding/json"

// CorrectionRequest is the body of POST /versions: it corrects one version of a resource for good. The corrected event
// is recorded as a version of its own and runs. Later replays take it in place of the version that was corrected.
type CorrectionRequest struct {
	ResourceID string     `json:"resourceId"`
	VersionID  string     `json:"versionId,omitempty"` // default: the latest
	Transform  *Transform `json:"transform"`
	AllowStale bool       `json:"allowStale,omitempty"` // also a version that is not the latest; default: false
	DryRun     bool       `json:"dryRun,omitempty"`     // plans it and records nothing; default: false
	Reason     string     `json:"reason"`               // one line, 1 to MaxReasonBytes
}

// Correction says what a version corrects, by whom, and why.
type Correction struct {
	Of       string `json:"of"`       // id of the version that it corrects
	By       string `json:"by"`       // the caller's ARN, "unknown" where API Gateway names none
	Reason   string `json:"reason"`   // as it was given; cut where only the event log still knows it
	ReplayID string `json:"replayId"` // of the replay that recorded it
}

// DecodeCorrection reads and validates the body of POST /versions, as Decode does that of a replay. It returns what the
// correction is to the API: a replay of one version with the action Correct.
func DecodeCorrection(body []byte) (Request, error) {
	r := Request{Action: Correct, Publish: PublishNormal, Versions: Versions{Mode: LatestVersion}}
	var d decoder
	fields, ok := d.object("body", body, "resourceId", "versionId", "transform", "allowStale", "dryRun", "reason")
	if ok {
		d.correction(body, fields, &r)
	}
	if len(d.faults) > 0 {
		return Request{}, &InvalidError{Faults: d.faults}
	}
	return r, nil
}

func (d *decoder) correction(body []byte, fields map[string]json.RawMessage, r *Request) {
	if path := repeated(body); path != "" {
		d.fault(path, nil, "is given twice: leave one out")
	}
	var id string
	if raw, given := fields["resourceId"]; !given {
		d.fault("resourceId", nil, "is required: the id of the resource whose event is wrong")
	} else if d.text("resourceId", raw, &id) {
		if _, err := EventKey(id); err != nil {
			d.fault("resourceId", raw, err.Error())
		}
		r.Select.ResourceIDs = []string{id}
	}
	if raw, given := fields["versionId"]; given {
		var version string
		if d.text("versionId", raw, &version) {
			if err := CheckVersionID(version); err != nil {
				d.fault("versionId", raw, err.Error())
			}
			r.Versions = Versions{Mode: VersionIDs, IDs: []string{version}, OnFailure: StopOnFailure}
		}
	}
	if raw, given := fields["transform"]; given {
		if r.Transform = d.transform(raw); r.Transform != nil && (r.Transform.JSONata != "" || r.Transform.Function != "") {
			d.fault("transform", raw, "must be a patch, mergePatch or jsonPatch: only replays compute events")
		}
	} else {
		d.fault("transform", nil, `is required: {"mergePatch": {...}} or {"jsonPatch": [...]}`)
	}
	d.boolean("allowStale", fields["allowStale"], &r.AllowStale)
	d.boolean("dryRun", fields["dryRun"], &r.DryRun)
	d.reason(fields["reason"], &r.Reason)
}
