package listener

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/replay"
)

// sweepPages is how many pages of a replay one message sweeps.
const sweepPages = 20

// sweep skips what has not started of a stopped replay. What is bound starts: its execution may have been started by a
// delivery that did not come to note it.
func (l *Listener) sweep(ctx context.Context, msg message.Replay) error {
	r, err := l.Book.Replay(ctx, msg.ReplayID)
	if err != nil {
		return err
	}
	if !r.Stopped() || r.Swept || r.Status.Final() {
		return nil
	}
	if err := l.Book.MarkSweeping(ctx, r.ID, ledger.At(l.now())); err != nil {
		return err
	}
	page := msg.Page
	for ; page < min(r.Pages, msg.Page+sweepPages); page++ {
		if err := l.sweepPage(ctx, r, page); err != nil {
			return err
		}
	}
	if page < r.Pages {
		return l.Queue.Send(ctx, message.Replay{Kind: message.KindSweep, ReplayID: r.ID, Page: page}.Encode())
	}
	if err := l.Book.MarkSwept(ctx, r.ID); err != nil {
		return err
	}
	return l.Board.Look(ctx, r.ID, l.now())
}

func (l *Listener) sweepPage(ctx context.Context, r ledger.Replay, page int) error {
	for cursor := ""; ; {
		items, next, err := l.Book.PageItems(ctx, r.ID, page, cursor, ledger.MaxItemChanges)
		if err != nil {
			return err
		}
		var steps []progress.Step
		for _, it := range items {
			if it.Outcome == replay.Waiting && it.Execution == "" {
				steps = append(steps, *l.step(it, replay.Skipped, stopped(r)))
			}
		}
		if err := l.take(ctx, r.ID, steps...); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}
