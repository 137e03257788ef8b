package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Bounds of what one message sweeps. The next message continues.
const (
	sweepItems = 1000 // items that are read, and at most ledger.MaxItemChanges more
	sweepReads = 25   // reads, each of one page, which may have no items
)

// sweep skips the waiting items of a stopped replay. Bound items still start, because a delivery may have started their
// execution without recording that.
func (l *Listener) sweep(ctx context.Context, msg protocol.ReplayMessage) error {
	r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil {
		return err
	}
	if !r.Stopped() || r.Status.Final() {
		return nil
	}
	if r.Swept { // by a delivery that may have died before it could end the replay
		return l.Progress.CompleteIfDone(ctx, r.ID, l.now())
	}
	// The sweep is further than this message: another message continues it, or an earlier delivery was about to send
	// one.
	if msg.Cursor != r.SweptTo && msg.Tries == 0 && l.now().Sub(r.SweepAt.Time) < progress.SweepAgain {
		return nil
	}
	to, err := l.sweepOn(ctx, r)
	if err != nil {
		return err
	}
	if to == "" {
		if err := l.Book.Replays.MarkSwept(ctx, r.ID); err != nil {
			return err
		}
		return l.Progress.CompleteIfDone(ctx, r.ID, l.now())
	}
	err = l.Book.Replays.AdvanceSweep(ctx, r.ID, r.SweptTo, to, domain.At(l.now()))
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.send(ctx, protocol.ReplayMessage{Kind: protocol.KindSweep, ReplayID: r.ID, Cursor: to}, 0)
}

// sweepOn sweeps as much as one message may and returns where the next one goes on, empty if nothing is left.
func (l *Listener) sweepOn(ctx context.Context, r domain.Replay) (string, error) {
	to, looked, marked := r.SweptTo, 0, l.now()
	if err := l.Book.Replays.MarkSweeping(ctx, r.ID, domain.At(marked)); err != nil {
		return "", err
	}
	for items, err := range l.readOn(ctx, r, &to, sweepReads) {
		if err != nil {
			return "", err
		}
		var skipped []progress.Transition
		for _, it := range items {
			if it.Outcome == replay.Waiting && it.Execution == "" {
				skipped = append(skipped, *l.transition(it, replay.Skipped, stopped(r)))
			}
		}
		if _, err := l.Progress.ApplyTo(ctx, r.ID, skipped); err != nil { // whether the replay is complete is checked at the end of the sweep
			return "", err
		}
		if looked += len(items); looked >= sweepItems {
			break
		}
		if now := l.now(); now.Sub(marked) >= progress.SweepAgain/4 { // others must not take the sweep for dead
			if err := l.Book.Replays.MarkSweeping(ctx, r.ID, domain.At(now)); err != nil {
				return "", err
			}
			marked = now
		}
	}
	return to, nil
}
