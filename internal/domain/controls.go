package domain

import (
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Controls is the row that says what is paused in the whole ingestion. It has the zero value until something is paused.
type Controls struct {
	ReplaysPausedAt    Stamp  `row:"replaysPausedAt,omitempty"` // zero: replays are not paused
	ReplaysPausedBy    string `row:"replaysPausedBy,omitempty"`
	ReplaysPauseReason string `row:"replaysPauseReason,omitempty"`
	ReplaysResumedAt   Stamp  `row:"replaysResumedAt,omitempty"`
	ReplaysResumedBy   string `row:"replaysResumedBy,omitempty"`

	AutoPausedAt    Stamp  `row:"autoPausedAt,omitempty"` // zero: auto-replay is not paused
	AutoPausedBy    string `row:"autoPausedBy,omitempty"`
	AutoPauseReason string `row:"autoPauseReason,omitempty"`
	AutoPausedFrom  Stamp  `row:"autoPausedFrom,omitempty"` // when the last pause that was resumed had begun
	AutoResumedAt   Stamp  `row:"autoResumedAt,omitempty"`
	AutoResumedBy   string `row:"autoResumedBy,omitempty"`

	AlarmAt     Stamp  `row:"alarmAt,omitempty"` // since when PauseAlarm has paused replays; zero: it does not
	AlarmReason string `row:"alarmReason,omitempty"`

	YieldAt Stamp `row:"yieldAt,omitempty"` // when the pace of all replays was last halved, because starts were throttled; zero: never
	YieldTo int   `row:"yieldTo,omitempty"` // the share of the pace then, see Pace
}

// Pausing returns the pause of the whole ingestion that holds a replay, nil if there is none. A dry run starts nothing,
// so nothing pauses it.
func (c Controls) Pausing(r Replay) *replay.Pause {
	switch {
	case r.DryRun || r.Stopped() || r.Status.Final():
		return nil
	case !c.ReplaysPausedAt.IsZero():
		return &replay.Pause{By: c.ReplaysPausedBy, At: c.ReplaysPausedAt.Time, Reason: replay.AllPaused + c.ReplaysPauseReason}
	case !c.AlarmAt.IsZero() && !r.IgnorePauseAlarm:
		return &replay.Pause{At: c.AlarmAt.Time, Reason: c.AlarmReason}
	}
	return nil
}

// AutoPaused reports whether automatic replays are paused, by a person or by PauseAlarm.
func (c Controls) AutoPaused() bool { return !c.AutoPausedAt.IsZero() || !c.AlarmAt.IsZero() }

// WithoutPause returns now, earlier by as long as auto-replay has been paused since from: a pause must not make
// failures too old. Only the current pause and the last one are known.
func (c Controls) WithoutPause(from, now time.Time) time.Time {
	paused := time.Duration(0)
	add := func(since, until time.Time) {
		if since.Before(from) {
			since = from
		}
		paused += max(until.Sub(since), 0)
	}
	if !c.AutoPausedFrom.IsZero() && !c.AutoResumedAt.IsZero() {
		add(c.AutoPausedFrom.Time, c.AutoResumedAt.Time)
	}
	if !c.AutoPausedAt.IsZero() {
		add(c.AutoPausedAt.Time, now)
	}
	return now.Add(-paused)
}
