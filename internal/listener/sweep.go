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

// What one message sweeps. The next one goes on behind it.
const (
	sweepItems = 1000 // looked at, at least: a read gives ledger.MaxItemChanges
	sweepReads = 25   // of a page each, which may have no items
)

// sweep skips what has not started of a stopped replay. What is bound starts: its execution may have been started by a
// delivery that did not come to note it.
func (l *Listener) sweep(ctx context.Context, msg protocol.ReplayMessage) error {
	r, err := l.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil {
		return err
	}
	if !r.Stopped() || r.Status.Final() {
		return nil
	}
	if r.Swept { // by a delivery that may not have come to look
		return l.Progress.CompleteIfDone(ctx, r.ID, l.now())
	}
	// The sweep is further than this message: another one goes on with it, or was to be sent by an earlier delivery.
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
		if _, err := l.Progress.ApplyTo(ctx, r.ID, skipped); err != nil { // the end of the sweep looks
			return "", err
		}
		if looked += len(items); looked >= sweepItems {
			break
		}
		if now := l.now(); now.Sub(marked) >= progress.SweepAgain/4 { // nobody must take it for dead
			if err := l.Book.Replays.MarkSweeping(ctx, r.ID, domain.At(now)); err != nil {
				return "", err
			}
			marked = now
		}
	}
	return to, nil
}
