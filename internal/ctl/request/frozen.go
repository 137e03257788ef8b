package request

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Request is what one command asks for: a replay, or several if it has more ids than a replay takes. Its relative times
// are absolute, counted from one moment, so that every part, the dry run and a repetition mean the same events.
type Request struct {
	Typed Document
	Parts []replay.Request
}

// Freeze makes the request of a document, its relative times counted from a moment. It finds what the API would refuse,
// and names it by its flag.
func Freeze(d Document, moment time.Time) (Request, error) {
	r := Request{Typed: d}
	var faults []string
	for _, part := range d.parts() {
		body, err := json.Marshal(part)
		if err != nil {
			return r, exit.Usagef("encode the request: %w", err)
		}
		decoded, err := replay.Decode(body, moment)
		if faults, err = named(faults, err); err != nil {
			return r, err
		}
		r.Parts = append(r.Parts, decoded)
	}
	return r, usage(faults)
}

// Faults is what the API would refuse of a request, named by flags; nil if it would refuse nothing.
func Faults(err error) error {
	faults, err := named(nil, err)
	if err != nil {
		return err
	}
	return usage(faults)
}

// named adds the faults of an error to others, each once.
func named(faults []string, err error) ([]string, error) {
	var invalid *replay.InvalidError
	switch {
	case errors.As(err, &invalid):
		for _, f := range invalid.Faults {
			if text := flagname.Of(f); !slices.Contains(faults, text) && len(faults) < maxShownFaults {
				faults = append(faults, text)
			}
		}
	case err != nil:
		return nil, exit.Usagef("read the request: %w", err)
	}
	return faults, nil
}

func usage(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return &exit.Error{Code: exit.Usage, Err: errors.New(faults[0]), Do: faults[1:]}
}

const maxShownFaults = 20

// parts splits a document so that each has as many ids as the API takes at once.
func (d Document) parts() []Document {
	if len(d.IDs) <= replay.MaxResourceIDs {
		return []Document{d}
	}
	var parts []Document
	for ids := range slices.Chunk(d.IDs, replay.MaxResourceIDs) {
		part := d
		part.IDs = ids
		part.Select = map[string]any{}
		for k, v := range d.Select {
			part.Select[k] = v
		}
		part.Select["resourceIds"] = ids
		parts = append(parts, part)
	}
	return parts
}

// Dry is the request as a dry run.
func (r Request) Dry() Request {
	r.Typed.DryRun = true
	r.Parts = slices.Clone(r.Parts)
	for i := range r.Parts {
		r.Parts[i].DryRun = true
	}
	return r
}

// Bounded reports whether the request has bounds that its parts must keep to together.
func (r Request) Bounded() bool {
	return r.Typed.MaxPerSecond != nil || r.Typed.MaxItems != nil || r.Typed.MaxFailures != nil || r.Typed.Ramp != nil
}

// Few reports whether a request cannot have more items than may be started without a question.
func (r Request) Few(atMost int) bool {
	if d := r.Typed; d.MaxItems != nil && *d.MaxItems <= atMost {
		return true
	}
	v := r.Parts[0].Versions
	if v.Mode == replay.VersionSeries {
		return false
	}
	n := len(r.Typed.IDs) * max(1, len(v.IDs))
	return n > 0 && n <= atMost
}

// AsBefore is the request as it was when its first part became the replay before: with the moment of that time. It
// reports whether there is one, which takes a relative time.
func (r Request) AsBefore(before replay.Request, moment time.Time) (Request, bool) {
	later, err := Freeze(r.Typed, moment.Add(time.Hour))
	if err != nil {
		return r, false
	}
	now, moved, then := timesOf(r.Parts[0]), timesOf(later.Parts[0]), timesOf(before)
	for i, t := range now {
		if t == nil || then[i] == nil || moved[i].Equal(*t) {
			continue
		}
		again, err := Freeze(r.Typed, moment.Add(then[i].Sub(*t)))
		return again, err == nil
	}
	return r, false
}

// timesOf lists the times of a request, each at its own place.
func timesOf(r replay.Request) [7]*time.Time {
	var times [7]*time.Time
	if f := r.Select.Failures; f != nil {
		times[0], times[1] = f.Since, f.Until
	}
	if w := r.Select.Recorded; w != nil {
		times[2], times[3] = w.From, w.To
	}
	times[4] = r.Versions.AsOf
	if s := r.Versions.Series; s != nil {
		if s.From != nil {
			times[5] = s.From.Time
		}
		if s.To != nil {
			times[6] = s.To.Time
		}
	}
	return times
}
