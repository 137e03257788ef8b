package replay

import (
	"encoding/json"
	"fmt"
	"time"
)

// Pause says who paused something, when and why.
type Pause struct {
	By     string    `json:"by,omitempty"` // the caller's ARN; empty: the ingestion itself
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// AllPaused begins the reason in the Pause of a replay while all replays are paused.
const AllPaused = "all replays: "

// Resumption says who resumed something last, and when.
type Resumption struct {
	By string    `json:"by,omitempty"` // the caller's ARN; empty: the ingestion itself
	At time.Time `json:"at"`
}

// Control is whether something is paused. The zero value is not, and never was.
type Control struct {
	Paused  *Pause      `json:"paused,omitempty"`  // nil: it is not paused
	Resumed *Resumption `json:"resumed,omitempty"` // the last time; nil: never
}

// Controls is the answer to GET and PATCH /controls: what is paused of a whole ingestion.
type Controls struct {
	Replays    Control `json:"replays"`              // all replays but dry runs and automatic ones
	AutoReplay Control `json:"autoReplay"`           // starts of automatic replays; failures are taken in all the same
	PauseAlarm *Pause  `json:"pauseAlarm,omitempty"` // since when auto-replay has found PauseAlarm in ALARM, which pauses both
	Yielding   *Yield  `json:"yielding,omitempty"`   // nil: replays have their whole pace
}

// Yield says that replays give way to live traffic, because Step Functions refused starts.
type Yield struct {
	At    time.Time `json:"at"`    // when their pace was halved last; it grows from there
	Share float64   `json:"share"` // of the pace that they have otherwise, now
}

// ControlsChange is the body of PATCH /controls. At least one of the first two fields is set.
type ControlsChange struct {
	PauseReplays    *bool  `json:"pauseReplays,omitempty"`    // nil: as it is
	PauseAutoReplay *bool  `json:"pauseAutoReplay,omitempty"` // nil: as it is
	Reason          string `json:"reason,omitempty"`          // one line, 1 to MaxReasonBytes; required to pause
}

func (c ControlsChange) pauses() bool {
	return c.PauseReplays != nil && *c.PauseReplays || c.PauseAutoReplay != nil && *c.PauseAutoReplay
}

// PauseRequest is the body of POST /replays/{replayId}/pause.
type PauseRequest struct {
	Reason string `json:"reason"` // one line, 1 to MaxReasonBytes
}

// ReplayChange is the body of PATCH /replays/{replayId}.
type ReplayChange struct {
	MaxPerSecond *int `json:"maxPerSecond"` // 1 to MaxPerSecond; nil, in JSON null: no bound of its own
}

// DecodeControlsChange reads and validates the body of PATCH /controls. The error is an *InvalidError.
func DecodeControlsChange(body []byte) (ControlsChange, error) {
	var c ControlsChange
	err := decodeObject(body, func(d *decoder, fields map[string]json.RawMessage) {
		if fields["pauseReplays"] == nil && fields["pauseAutoReplay"] == nil {
			d.fault("body", nil, "must say what to pause or to resume: pauseReplays, pauseAutoReplay or both, each true or false")
		}
		for name, into := range map[string]**bool{"pauseReplays": &c.PauseReplays, "pauseAutoReplay": &c.PauseAutoReplay} {
			var pause bool
			if d.boolean(name, fields[name], &pause) {
				*into = &pause
			}
		}
		if fields["reason"] != nil || c.pauses() {
			d.whyPaused(fields["reason"], &c.Reason)
		}
	}, "pauseReplays", "pauseAutoReplay", "reason")
	return c, err
}

// DecodePause reads and validates the body of POST /replays/{replayId}/pause. The error is an *InvalidError.
func DecodePause(body []byte) (PauseRequest, error) {
	var p PauseRequest
	err := decodeObject(body, func(d *decoder, fields map[string]json.RawMessage) { d.whyPaused(fields["reason"], &p.Reason) }, "reason")
	return p, err
}

// DecodeReplayChange reads and validates the body of PATCH /replays/{replayId}. The error is an *InvalidError.
func DecodeReplayChange(body []byte) (ReplayChange, error) {
	var c ReplayChange
	err := decodeObject(body, func(d *decoder, fields map[string]json.RawMessage) {
		var given map[string]json.RawMessage
		_ = json.Unmarshal(body, &given) // it is an object
		if _, named := given["maxPerSecond"]; !named {
			d.fault("maxPerSecond", nil, fmt.Sprintf("is required: 1 to %d starts a second, or null for no bound of its own", MaxPerSecond))
		}
		if raw := fields["maxPerSecond"]; raw != nil {
			c.MaxPerSecond = new(int)
			d.number("maxPerSecond", raw, 1, MaxPerSecond, c.MaxPerSecond)
		}
	}, "maxPerSecond")
	return c, err
}

// decodeObject reads a body of a few fields.
func decodeObject(body []byte, read func(*decoder, map[string]json.RawMessage), known ...string) error {
	var d decoder
	if fields, ok := d.object("body", body, known...); ok {
		if path := repeated(body); path != "" {
			d.fault(path, nil, "is given twice: leave one out")
		}
		read(&d, fields)
	}
	if len(d.faults) > 0 {
		return &InvalidError{Faults: d.faults}
	}
	return nil
}

// whyPaused reads the reason of a pause.
func (d *decoder) whyPaused(raw json.RawMessage, reason *string) {
	d.required(raw, reason, "is required to pause: say why, whoever is to resume reads it")
}
