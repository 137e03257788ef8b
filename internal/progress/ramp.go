package progress

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// climb lets the next step of a ramp begin once every item of the steps so far has its outcome, or pauses the replay if
// too many have failed. It takes the replay as it was counted.
//
// A sum of the counters mixes moments, see ledger.Replays.Finish. A step has therefore ended when two sums with the
// same items say so.
func (p *Replays) climb(ctx context.Context, r domain.Replay, now time.Time) error {
	for r.Ramped() && !r.Stopped() && !r.Status.Final() && !r.Paused() {
		if why := r.FailsTooOften(); why != "" {
			err := p.replays.PauseRamp(ctx, r, replay.Pause{At: now, Reason: why})
			if errors.Is(err, ledger.ErrConflict) {
				return nil
			}
			return err
		}
		if !r.ResendAt.IsZero() && now.Sub(r.ResendAt.Time) >= domain.ResendAgain { // whoever let it begin may have died
			return p.sendResend(ctx, r)
		}
		if !r.StepDone() {
			return nil
		}
		again, err := p.counted(ctx, r.ID)
		if err != nil {
			return err
		}
		same := again.RampTo == r.RampTo && again.Matched == r.Matched
		if same && again.StepDone() && !again.Paused() && again.FailsTooOften() == "" {
			next, err := p.replays.NextStep(ctx, again)
			if err == nil {
				return p.sendResend(ctx, next)
			}
			if !errors.Is(err, ledger.ErrConflict) {
				return err
			}
			if again, err = p.counted(ctx, r.ID); err != nil {
				return err
			}
		}
		r = again
	}
	return nil
}

func (p *Replays) counted(ctx context.Context, id string) (domain.Replay, error) {
	r, err := p.replays.Get(ctx, id)
	if err != nil {
		return r, err
	}
	return p.replays.Count(ctx, r)
}
