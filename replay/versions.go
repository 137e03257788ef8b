package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// versionForms are what versions may be.
const versionForms = `must be "latest", "failed", {"ids": [...]}, {"asOf": time} or {"series": ...}`

// versions reads which versions are replayed.
func (d *decoder) versions(raw json.RawMessage, s Select, a Action) Versions {
	v := Versions{Mode: LatestVersion}
	failed := s.Failures != nil || a == Redrive
	if failed {
		v.Mode = FailedVersion
	}
	switch {
	case raw == nil:
	case raw[0] == '"':
		var word VersionMode
		if json.Unmarshal(raw, &word) != nil || word != LatestVersion && word != FailedVersion {
			d.fault("versions", raw, versionForms)
			return v
		}
		if v.Mode = word; v.Mode == FailedVersion && !failed {
			d.fault("versions", raw, `needs select.failures, which says what failed: use "latest"`)
		}
	case raw[0] == '{':
		v = d.versionsObject(raw, s)
	default:
		d.fault("versions", raw, versionForms)
	}
	return v
}

func (d *decoder) versionsObject(raw json.RawMessage, s Select) Versions {
	v := Versions{Mode: LatestVersion}
	fields, ok := d.object("versions", raw, "ids", "asOf", "series", "onFailure")
	if !ok {
		return v
	}
	onFailure, given := fields["onFailure"]
	delete(fields, "onFailure")
	if len(fields) != 1 {
		d.fault("versions", raw, versionForms)
		return v
	}
	if asOf, is := fields["asOf"]; is {
		v.Mode, v.AsOf = VersionAsOf, d.time("versions.asOf", asOf)
		if given {
			d.fault("versions.onFailure", onFailure, "goes with ids and series only: leave it out")
		}
		return v
	}
	v.OnFailure = StopOnFailure
	if ids, is := fields["ids"]; is {
		v.Mode, v.IDs = VersionIDs, d.versionIDs(ids)
		if len(s.ResourceIDs) != 1 {
			d.fault("versions.ids", ids, "needs one resource, to which the versions belong: select it by resourceIds")
		}
	}
	if series, is := fields["series"]; is {
		v.Mode = VersionSeries
		v.Series = d.series(series, s, &v.OnFailure, given)
	}
	choice(d, "versions.onFailure", onFailure, &v.OnFailure, StopOnFailure, ContinueOnFailure)
	return v
}

func (d *decoder) versionIDs(raw json.RawMessage) []string {
	ids, ok := d.texts("versions.ids", raw, MaxSeriesVersions, "versions")
	if !ok {
		return nil
	}
	for i, id := range ids {
		if err := CheckVersionID(id); err != nil {
			d.fault(fmt.Sprintf("versions.ids[%d]", i), fmt.Sprintf("%q", Shorten(id)), err.Error())
		}
	}
	return unique(ids)
}

// CheckVersionID reports why a string cannot be a version id: the same faults as of a resource id, with
// MaxVersionIDBytes.
func CheckVersionID(id string) error {
	if len(id) > MaxVersionIDBytes {
		return fmt.Errorf("has %d bytes, a version id has at most %d", len(id), MaxVersionIDBytes)
	}
	if err := checkID(id); err != nil {
		return fmt.Errorf("is not a version id: %w", err)
	}
	return nil
}

// series reads a range of versions. It may have onFailure, which belongs beside it, if that is not given there.
func (d *decoder) series(raw json.RawMessage, s Select, onFailure *OnFailure, given bool) *Series {
	const remedy = `must be "all", {"last": n} or {"from": ..., "to": ...}`
	out := &Series{}
	if raw[0] != '{' {
		var all string
		if json.Unmarshal(raw, &all) != nil || all != "all" {
			d.fault("versions.series", raw, remedy)
		}
		return out
	}
	fields, ok := d.object("versions.series", raw, "last", "from", "to", "onFailure")
	if !ok {
		return out
	}
	if inside := fields["onFailure"]; inside != nil && given {
		d.fault("versions.series.onFailure", inside, "is given beside series as well: leave one out")
	} else {
		choice(d, "versions.series.onFailure", inside, onFailure, StopOnFailure, ContinueOnFailure)
	}
	delete(fields, "onFailure")
	if last, given := fields["last"]; given && len(fields) > 1 || len(fields) == 0 {
		d.fault("versions.series", raw, remedy)
	} else if given {
		d.number("versions.series.last", last, 1, MaxSeriesVersions, &out.Last)
	}
	out.From, out.To = d.bound("versions.series.from", fields["from"], s), d.bound("versions.series.to", fields["to"], s)
	if out.From != nil && out.To != nil {
		d.ordered("versions.series.to", fields["to"], out.From.Time, out.To.Time)
	}
	return out
}

func (d *decoder) bound(field string, raw json.RawMessage, s Select) *Bound {
	var text string
	if raw == nil || !d.text(field, raw, &text) {
		return nil
	}
	if t, err := ParseTime(text, d.now); err == nil {
		return &Bound{Time: &t}
	}
	if err := CheckVersionID(text); err != nil {
		d.fault(field, raw, err.Error())
	} else if len(s.ResourceIDs) != 1 {
		d.fault(field, raw, errTime.Error()+", or a version id of the one resource that resourceIds select")
	}
	return &Bound{VersionID: text}
}

// MarshalJSON writes the form of the request: a version id or a time.
func (b Bound) MarshalJSON() ([]byte, error) {
	if b.Time != nil {
		return json.Marshal(b.Time)
	}
	return json.Marshal(b.VersionID)
}

// UnmarshalJSON reads what MarshalJSON writes. It knows no now, to which a time could be relative.
func (b *Bound) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("bound of a series: %w", err)
	}
	*b = Bound{VersionID: text}
	if t, ok := absolute(text); ok {
		*b = Bound{Time: &t}
	}
	return nil
}

type seriesJSON struct {
	Last int    `json:"last,omitempty"`
	From *Bound `json:"from,omitempty"`
	To   *Bound `json:"to,omitempty"`
}

// MarshalJSON writes "all", or an object with last, or with from and to.
func (s Series) MarshalJSON() ([]byte, error) {
	if s == (Series{}) {
		return []byte(`"all"`), nil
	}
	return json.Marshal(seriesJSON(s))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Series) UnmarshalJSON(raw []byte) error {
	*s = Series{}
	if string(raw) == `"all"` {
		return nil
	}
	var in seriesJSON
	if err := json.Unmarshal(raw, &in); err != nil {
		return fmt.Errorf("series: %w", err)
	}
	*s = Series(in)
	return nil
}

type versionsJSON struct {
	IDs       []string   `json:"ids,omitempty"`
	AsOf      *time.Time `json:"asOf,omitempty"`
	Series    *Series    `json:"series,omitempty"`
	OnFailure OnFailure  `json:"onFailure,omitempty"`
}

// MarshalJSON writes a word or an object, as a request has it. Without a mode it writes "latest".
func (v Versions) MarshalJSON() ([]byte, error) {
	switch v.Mode {
	case "":
		return json.Marshal(LatestVersion)
	case LatestVersion, FailedVersion:
		return json.Marshal(v.Mode)
	default:
		return json.Marshal(versionsJSON{IDs: v.IDs, AsOf: v.AsOf, Series: v.Series, OnFailure: v.OnFailure})
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Versions) UnmarshalJSON(raw []byte) error {
	*v = Versions{}
	if len(raw) > 0 && raw[0] != '{' {
		if err := json.Unmarshal(raw, &v.Mode); err != nil { // null leaves the zero value
			return fmt.Errorf("versions: %w", err)
		}
		return nil
	}
	var in versionsJSON
	if err := json.Unmarshal(raw, &in); err != nil {
		return fmt.Errorf("versions: %w", err)
	}
	v.IDs, v.AsOf, v.Series, v.OnFailure = in.IDs, in.AsOf, in.Series, in.OnFailure
	switch {
	case in.Series != nil:
		v.Mode = VersionSeries
	case in.AsOf != nil:
		v.Mode = VersionAsOf
	case in.IDs != nil:
		v.Mode = VersionIDs
	default:
		return errors.New("versions: an object must have ids, asOf or series")
	}
	return nil
}
