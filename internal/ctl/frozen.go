package ctl

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// request is what one command asks for: a replay, or several if it has more ids than a replay takes. Its relative times
// are absolute, counted from one moment, so that every part, the dry run and a repetition mean the same events.
type request struct {
	typed document
	parts []replay.Request
}

// freeze makes the request of a document, its relative times counted from a moment. It finds what the API would refuse,
// and names it by its flag.
func freeze(d document, moment time.Time) (request, error) {
	r := request{typed: d}
	var faults []string
	for _, part := range d.parts() {
		body, err := json.Marshal(part)
		if err != nil {
			return r, usage("encode the request: %w", err)
		}
		decoded, err := replay.Decode(body, moment)
		var invalid *replay.InvalidError
		switch {
		case errors.As(err, &invalid):
			for _, f := range invalid.Faults {
				if text := onCommandLine(f); !slices.Contains(faults, text) && len(faults) < maxShownFaults {
					faults = append(faults, text)
				}
			}
		case err != nil:
			return r, usage("read the request: %w", err)
		}
		r.parts = append(r.parts, decoded)
	}
	if len(faults) > 0 {
		return r, &Error{Code: ExitUsage, Err: errors.New(faults[0]), Do: faults[1:]}
	}
	return r, nil
}

const maxShownFaults = 20

// parts splits a document so that each has as many ids as the API takes at once.
func (d document) parts() []document {
	if len(d.ids) <= replay.MaxResourceIDs {
		return []document{d}
	}
	var parts []document
	for ids := range slices.Chunk(d.ids, replay.MaxResourceIDs) {
		part := d
		part.ids = ids
		part.Select = map[string]any{}
		for k, v := range d.Select {
			part.Select[k] = v
		}
		part.Select["resourceIds"] = ids
		parts = append(parts, part)
	}
	return parts
}

// dry is the request as a dry run.
func (r request) dry() request {
	r.typed.DryRun = true
	r.parts = slices.Clone(r.parts)
	for i := range r.parts {
		r.parts[i].DryRun = true
	}
	return r
}

// bounded reports whether the request has bounds that its parts must keep to together.
func (r request) bounded() bool {
	return r.typed.MaxPerSecond != nil || r.typed.MaxItems != nil || r.typed.MaxFailures != nil
}

// few reports whether a request cannot have more items than may be started without a question.
func (r request) few() bool {
	if d := r.typed; d.MaxItems != nil && *d.MaxItems <= askAbove {
		return true
	}
	v := r.parts[0].Versions
	if v.Mode == replay.VersionSeries {
		return false
	}
	n := len(r.typed.ids) * max(1, len(v.IDs))
	return n > 0 && n <= askAbove
}

// asBefore is the request as it was when its first part became the replay before: with the moment of that time. It
// reports whether there is one, which takes a relative time.
func (r request) asBefore(before replay.Request, moment time.Time) (request, bool) {
	later, err := freeze(r.typed, moment.Add(time.Hour))
	if err != nil {
		return r, false
	}
	now, moved, then := timesOf(r.parts[0]), timesOf(later.parts[0]), timesOf(before)
	for i, t := range now {
		if t == nil || then[i] == nil || moved[i].Equal(*t) {
			continue
		}
		again, err := freeze(r.typed, moment.Add(then[i].Sub(*t)))
		return again, err == nil
	}
	return r, false
}

// timesOf lists the times of a request, each at its own place.
func timesOf(r replay.Request) []*time.Time {
	times := make([]*time.Time, 7)
	if f := r.Select.Failures; f != nil {
		times[0], times[1] = f.Since, f.Until
	}
	if w := r.Select.Recorded; w != nil {
		times[2], times[3] = w.From, w.To
	}
	times[4] = r.Versions.AsOf
	if s := r.Versions.Series; s != nil {
		for i, b := range []*replay.Bound{s.From, s.To} {
			if b != nil {
				times[5+i] = b.Time
			}
		}
	}
	return times
}
