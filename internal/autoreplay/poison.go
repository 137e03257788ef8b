package autoreplay

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

const (
	poisonMessage = "PoisonMessage"
	// givenUp is the reason why work ends whose message became a dead letter.
	givenUp = "its message could not be handled and came back too often"
	// maxRevivals is how often a message is sent again after it was a dead letter. Each time it is received as often as
	// the queue allows, which takes most of a day.
	maxRevivals = 3
)

// poison handles a message of the Replay queue that the listener could not handle in any delivery. A delivery may have
// done its work, and died before it could say so. Nothing is given up before the ledger and Step Functions say what was
// started. Work that is given up gets its outcome first, so that a late delivery starts nothing.
func (r *run) poison(ctx context.Context, m sqs.Message, msg protocol.ReplayMessage) error {
	switch msg.Kind {
	case protocol.KindItem:
		return r.poisonItem(ctx, msg)
	case protocol.KindAuto:
		return r.poisonAuto(ctx, msg)
	case protocol.KindSweep:
		row, err := r.Book.Replays.Get(ctx, msg.ReplayID)
		if err != nil || !row.Stopped() || row.Swept || row.Status.Final() {
			return err
		}
	case protocol.KindClose:
		s, err := r.Book.Series.Get(ctx, domain.SeriesOf(msg.Series))
		if err != nil || !s.Open() || msg.Series != s.Execution() {
			return err
		}
	case protocol.KindResend:
		row, err := r.Book.Replays.Get(ctx, msg.ReplayID)
		if err != nil || row.Resends != msg.Resend || row.ResendAt.IsZero() {
			return err
		}
	case protocol.KindJob: // continuing a part that is done does nothing
	default:
		return r.poisonPage(ctx, m, msg)
	}
	return r.revive(ctx, m, msg)
}

// revive sends a message again if nothing else does its work. It gives up a message that failed too often.
func (r *run) revive(ctx context.Context, m sqs.Message, msg protocol.ReplayMessage) error {
	if msg.Revived >= maxRevivals {
		return r.giveUp(ctx, m, msg)
	}
	msg.Revived, msg.Tries = msg.Revived+1, 0
	r.Logger.WarnContext(ctx, "dead letter sent again", "kind", msg.Kind, "replayId", msg.ReplayID, "page", msg.Page,
		"series", msg.Series, "jobId", msg.JobID, "revived", msg.Revived)
	return r.Replays.Send(ctx, msg.Encode())
}

// giveUp halts the replay of a page that cannot be expanded, and keeps the message for a person.
func (r *run) giveUp(ctx context.Context, m sqs.Message, msg protocol.ReplayMessage) error {
	what := fmt.Sprintf("%s of replay %s, page %d", msg.Kind, msg.ReplayID, msg.Page)
	switch msg.Kind {
	case protocol.KindJob:
		what = fmt.Sprintf("part %d of job %s", msg.Part, msg.JobID)
	case protocol.KindClose:
		what = "close of series " + msg.Series
	case protocol.KindExpand:
		if err := r.halt(ctx, msg, givenUp); err != nil {
			return err
		}
	}
	return r.quarantineMessage(ctx, m, poisonMessage, what+": "+givenUp)
}

// poisonPage sends the message of a bound page again, because nothing else sends the messages of its items. A page that
// is not bound could not be expanded.
func (r *run) poisonPage(ctx context.Context, m sqs.Message, msg protocol.ReplayMessage) error {
	row, err := r.Book.Replays.Get(ctx, msg.ReplayID)
	if err != nil {
		return err
	}
	if row.Stopped() || row.Status.Final() { // a sweep skips the waiting items
		return r.Progress.CompleteIfDone(ctx, row.ID, r.Now())
	}
	p, err := r.Book.Pages.Get(ctx, msg.ReplayID, msg.Page)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return r.giveUp(ctx, m, msg)
	case err != nil || p.Sent:
		return err
	}
	return r.revive(ctx, m, msg)
}

// poisonAuto gives up an automatic replay that was not started. One that was started ends by itself, or has ended.
func (r *run) poisonAuto(ctx context.Context, msg protocol.ReplayMessage) error {
	f, err := r.Book.Failures.Get(ctx, domain.FailureID(msg.Execution, msg.RedriveCount))
	if err != nil || !f.Status.Open() || f.Redrive != "" {
		return err
	}
	name := domain.AutoName(f.Root, f.Attempt+1)
	d, err := r.Machine.Describe(ctx, name)
	switch {
	case errors.Is(err, sfn.ErrNotFound):
		if err := r.neverStarted(ctx, name); err != nil {
			return err
		}
		return r.move(ctx, f, domain.Move{To: domain.Quarantined, Decision: givenUp})
	case err != nil:
		return err
	case d.Status.Terminal():
		return r.recordEnd(ctx, d.Ended)
	}
	return r.move(ctx, f, domain.Move{
		To: domain.Retrying, Decision: "its automatic replay " + name + " runs", DueAt: r.Now().Add(recheckAfter),
	})
}

// neverStarted ends an announced execution that Step Functions does not know, and its failure or item.
func (r *run) neverStarted(ctx context.Context, name string) error {
	return r.Outcomes.Record(ctx, []domain.Ended{domain.NeverStartedEnd(name, givenUp, r.Now())})[0]
}

// bindRounds is how often an item is read again if another delivery has bound it meanwhile.
const bindRounds = 3

// poisonItem gives up an item that was not started.
func (r *run) poisonItem(ctx context.Context, msg protocol.ReplayMessage) error {
	for range bindRounds {
		it, err := r.Book.Items.Get(ctx, msg.ReplayID, msg.Page, msg.Ordinal, 0)
		if err != nil {
			return err
		}
		s, err := r.Book.Series.Get(ctx, domain.SeriesName(msg.ReplayID, msg.Page, msg.Ordinal))
		switch {
		case err == nil:
			return r.poisonSeries(ctx, it, s)
		case !errors.Is(err, ledger.ErrNotFound):
			return err
		case it.Outcome != replay.Waiting: // started or ended: it may have been the last
			return r.Progress.CompleteIfDone(ctx, it.ReplayID, r.Now())
		case it.Execution != "":
			return r.poisonBound(ctx, it)
		}
		if err := r.failItem(ctx, it, givenUp); err != nil {
			return err
		}
	}
	return fmt.Errorf("give up item %d of page %d of replay %s: %w", msg.Ordinal, msg.Page, msg.ReplayID,
		ledger.ErrConflict)
}

// failItem ends an item, unless another delivery has bound it since it was read.
func (r *run) failItem(ctx context.Context, it domain.Item, why string) error {
	return r.apply(ctx, progress.Transition{
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, Index: it.Index, To: replay.Failed, Reason: why,
		Execution: it.Execution, At: r.Now(),
	})
}

func (r *run) apply(ctx context.Context, s progress.Transition) error {
	return r.Progress.Apply(ctx, []progress.Transition{s})[s.ReplayID]
}

// poisonBound completes the work of the delivery that bound the item.
func (r *run) poisonBound(ctx context.Context, it domain.Item) error {
	row, err := r.Book.Replays.Get(ctx, it.ReplayID)
	if err != nil {
		return err
	}
	if row.Action == replay.Republish { // the execution to which it is bound ran long ago, and says nothing about the item
		return r.failItem(ctx, it, progress.OutputNotSent(givenUp))
	}
	if row.Action == replay.Redrive {
		return r.poisonRedrive(ctx, it)
	}
	d, err := r.Machine.Describe(ctx, it.Execution)
	switch {
	case errors.Is(err, sfn.ErrNotFound):
		if err := r.neverStarted(ctx, it.Execution); err != nil {
			return err
		}
		return r.failItem(ctx, it, givenUp) // if its row is lost; else it has failed by now
	case err != nil:
		return err
	case d.Status.Terminal():
		return r.recordEnd(ctx, d.Ended)
	}
	return r.apply(ctx, progress.Transition{
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, Index: it.Index, To: replay.Started,
		ARN: d.ARN, At: d.StartedAt,
	})
}

// poisonSeries gives up a series that was not started. The listener gives its items an outcome.
func (r *run) poisonSeries(ctx context.Context, it domain.Item, s domain.Series) error {
	if s.Parked { // resuming sends another message
		return nil
	}
	d, err := r.Series.Describe(ctx, s.Execution())
	switch {
	case errors.Is(err, sfn.ErrNotFound):
		if err := r.Book.Series.GiveUp(ctx, s.Name); err != nil {
			return err
		}
		if it.Execution == "" {
			if err := r.failItem(ctx, it, givenUp); err != nil {
				return err
			}
		}
		return r.Replays.Send(ctx, closeGivenUp(s.Execution()))
	case err != nil:
		return err
	case d.Status.Terminal():
		return r.closeSeries(ctx, d.Ended)
	}
	return r.Book.Series.MarkStarted(ctx, s.Name)
}

func closeGivenUp(series string) string {
	return protocol.ReplayMessage{Kind: protocol.KindClose, Series: series, Reason: givenUp}.Encode()
}
