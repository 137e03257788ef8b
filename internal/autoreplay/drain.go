package autoreplay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/fault"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/tracker"
	"github.com/ce873799/replayable-ingestion/replay"
)

// hide is how long a dead letter stays hidden while it is worked on.
const hide = time.Minute

// drain takes dead letters into the ledger. A message is deleted once its row exists, never before: what fails stays
// in the queue for the next run.
func (r *round) drain(ctx context.Context) error {
	for ctx.Err() == nil {
		batch, err := r.DeadLetters.Receive(ctx, hide)
		if err != nil {
			return err
		}
		if r.left == nil {
			r.left = map[string]bool{}
		}
		if len(batch) == 0 {
			return nil
		}
		errs := make([]error, len(batch))
		var group errgroup.Group
		for i, m := range batch {
			group.Go(func() error {
				errs[i] = r.dissolve(ctx, m)
				return nil // one message's error must not keep the others back
			})
		}
		_ = group.Wait() // no function above returns an error
		for i, err := range errs {
			if err != nil {
				r.sum.Errors++
				r.Logger.Log(ctx, fault.Level(err), "dead letter left in the queue", "messageId", batch[i].ID, "error", err)
				if ctx.Err() == nil { // else there was no time for it, and the next run has it
					r.left[batch[i].ID] = true
				}
				continue
			}
			delete(r.left, batch[i].ID) // a run may get a message twice
			r.sum.DeadLetters++
		}
	}
	return nil
}

// dissolve takes a dead letter into the ledger and out of the queue.
func (r *round) dissolve(ctx context.Context, m queue.Message) error {
	err := r.takeIn(ctx, m)
	if errors.Is(err, ledger.ErrNotFound) { // what it is about is gone: the message is all that is left
		err = r.unknown(ctx, m, "PoisonMessage", err.Error())
	}
	if err != nil {
		return err
	}
	return r.DeadLetters.Delete(ctx, m)
}

// takeIn tells dead letters apart: the end of an execution, a message of the Replay queue that was delivered too
// often, or something else.
func (r *round) takeIn(ctx context.Context, m queue.Message) error {
	if status, err := message.DecodeStatus(m.Body); err == nil {
		return r.ended(ctx, tracker.Ended(status))
	}
	if msg, err := message.DecodeReplay(m.Body); err == nil {
		return r.poison(ctx, m, msg)
	}
	return r.unknown(ctx, m, "UnknownMessage", "the dead-letter queue had a message of unknown form")
}

// poison deals with a message that the listener could not handle in all its deliveries.
func (r *round) poison(ctx context.Context, m queue.Message, msg message.Replay) error {
	const why = "its message could not be handled and came back too often"
	switch msg.Kind {
	case message.KindItem:
		return r.poisonItem(ctx, msg, why)
	case message.KindAuto:
		f, err := r.Book.Failure(ctx, ledger.FailurePartition(msg.Execution, msg.RedriveCount))
		if err == nil {
			err = r.Book.MoveFailure(ctx, f, ledger.Move{To: ledger.Quarantined, Decision: why}, ledger.Waiting, ledger.Retrying)
		}
		if errors.Is(err, ledger.ErrConflict) {
			return nil // it moved on by another message
		}
		return err
	case message.KindSweep, message.KindClose: // the replay, or the series, is open and will be looked after
		return r.unknown(ctx, m, "PoisonMessage", fmt.Sprintf("%s of replay %s%s: %s", msg.Kind, msg.ReplayID, msg.Series, why))
	default:
		p, err := r.Book.Page(ctx, msg.ReplayID, msg.Page)
		if err == nil && p.Sent {
			return nil // a late delivery of a page that is done
		}
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
		if err := r.halt(ctx, msg, why); err != nil {
			return err
		}
		return r.unknown(ctx, m, "PoisonMessage", fmt.Sprintf("page %d of replay %s: %s", msg.Page, msg.ReplayID, why))
	}
}

// poisonItem gives an item its outcome, and has what its series left settled, if it has one.
func (r *round) poisonItem(ctx context.Context, msg message.Replay, why string) error {
	it, err := r.Book.Item(ctx, msg.ReplayID, msg.Page, msg.Ordinal, 0)
	if err != nil {
		return err
	}
	failed := r.Board.Take(ctx, []progress.Step{{
		ReplayID: msg.ReplayID, Page: msg.Page, Ordinal: msg.Ordinal, To: replay.Failed, Reason: why,
		Bound: it.Execution, At: r.now(),
	}})
	if err := failed[msg.ReplayID]; err != nil {
		return err
	}
	name := naming.Series(msg.ReplayID, msg.Page, msg.Ordinal)
	if _, err := r.Book.Series(ctx, name); errors.Is(err, ledger.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	return r.Replays.Send(ctx, message.Replay{Kind: message.KindClose, Series: name, Reason: why}.Encode())
}

// unknown quarantines a message with its body, under a name of its own.
func (r *round) unknown(ctx context.Context, m queue.Message, name, why string) error {
	execution := "message-" + m.ID
	key := eventlog.UnrecordedKey(execution)
	if err := r.Log.PutObject(ctx, key, []byte(m.Body)); err != nil {
		return err
	}
	now := ledger.At(r.now())
	_, err := r.Book.AddFailure(ctx, ledger.Failure{
		Execution: execution, Root: execution, Status: ledger.Quarantined, InputKey: key,
		Error: name, Cause: why, Decision: why, FailedAt: now, FirstAt: now,
	})
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	return err
}
