package progress

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// GoOn has messages sent again for the waiting items of a replay whose messages were deleted while it was paused.
// Nothing happens if it is still paused, or if messages were last sent less than a time ago. Repeating it is harmless,
// and needed if a caller died.
func (p *Replays) GoOn(ctx context.Context, id string, now time.Time, after time.Duration) error {
	r, err := p.replays.Get(ctx, id)
	switch {
	case err != nil:
		return err
	case r.Paused() || r.Stopped() || r.Status.Final():
		return nil
	case r.Parked:
		return p.Resend(ctx, r, now)
	case !r.ResendAt.IsZero() && now.Sub(r.ResendAt.Time) >= after:
		return p.sendResend(ctx, r)
	}
	return nil
}

// Resend has messages sent again for all that waits in a replay.
func (p *Replays) Resend(ctx context.Context, r domain.Replay, now time.Time) error {
	r, err := p.replays.BeginResend(ctx, r, domain.At(now))
	if errors.Is(err, ledger.ErrConflict) { // another call began it, or the replay has ended
		return nil
	}
	if err != nil {
		return err
	}
	return p.sendResend(ctx, r)
}

func (p *Replays) sendResend(ctx context.Context, r domain.Replay) error {
	msg := protocol.ReplayMessage{Kind: protocol.KindResend, ReplayID: r.ID, Resend: r.Resends, Cursor: r.ResendTo}
	return p.queue.Send(ctx, msg.Encode())
}
