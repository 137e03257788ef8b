package ledger

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// PauseRamp pauses a replay because too many items of its ramp have failed. It returns ErrConflict if the replay was
// paused, resumed or stopped, or has ended, since it was counted.
func (l *Replays) PauseRamp(ctx context.Context, r domain.Replay, p replay.Pause) error {
	_, err := applied[domain.Replay](ctx, l.table, pauseChange(r.ID, p).sameRamp(r), "pause ramp of replay "+r.ID)
	return err
}

// NextStep lets the next step of a ramp begin, or all that is left. Its messages are not sent yet: until they are, the
// row looks like that of a resend that stopped long ago, so any caller may send them. It returns the row, with
// ErrConflict if the ramp has moved since the replay was counted.
func (l *Replays) NextStep(ctx context.Context, r domain.Replay) (domain.Replay, error) {
	unsent := domain.At(r.CreatedAt.Add(-domain.ResendAgain))
	c := newChange(replayKey(r.ID)).Add("resends", 1).Set("resendAt", str(unsent.String())).Remove("resendTo").
		ifOpen().sameRamp(r).If("attribute_not_exists({pausedAt}) AND attribute_not_exists({rampOver})")
	if resources, over := r.Next(); over {
		c.Set("rampOver", flag(true))
	} else {
		c.Set("rampStep", num(resources)).Set("rampTo", num(r.RampTo+resources))
	}
	return applied[domain.Replay](ctx, l.table, c, "next step of replay "+r.ID)
}

// sameRamp is a condition: the ramp is at the step at which the replay was read, and judged by the same items.
func (c *change) sameRamp(r domain.Replay) *change {
	c.If("{rampTo} = ?", num(r.RampTo))
	for attr, n := range map[string]int{"rampRan": r.RampRan, "rampFailed": r.RampFailed} {
		if n == 0 {
			c.If("attribute_not_exists({"+attr+"}) OR {"+attr+"} = ?", num(0))
		} else {
			c.If("{"+attr+"} = ?", num(n))
		}
	}
	return c
}

// judgeAnew makes only items that end from now on count for a ramp. If the ramp itself had paused the replay, it begins
// with 1 resource again.
func (c *change) judgeAnew(r domain.Replay) *change {
	if !r.Ramped() {
		return c
	}
	c.Set("rampRan", num(r.Succeeded+r.Failed)).Set("rampFailed", num(r.Failed))
	if r.Paused() && r.PausedBy == "" {
		c.Set("rampStep", num(0))
	}
	return c
}
