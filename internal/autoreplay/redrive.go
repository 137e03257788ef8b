package autoreplay

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/replay"
)

// addRedriven adds the failure of a run that a requested redrive began. As with a requested replay, a person decides
// what follows.
func (r *run) addRedriven(ctx context.Context, f domain.Failure, row domain.Execution) error {
	f.ReplayID = row.RedriveID
	f.Status, f.Decision = domain.Quarantined, "its redrive failed: correct the cause, then redrive or replay it again"
	if row.Mode == domain.API && (row.Patched || row.Suppress) {
		f.Status, f.Decision = domain.Closed, "a replay with a patch or without publication failed: see its items"
	}
	if err := r.closeIfSucceeded(ctx, &f); err != nil {
		return err
	}
	if err := r.insert(ctx, f); err != nil {
		return err
	}
	return r.closeBefore(ctx, f, row)
}

// poisonRedrive gives up the redrive of an item that is bound. If the redrive has begun, the end of the execution
// counts.
func (r *run) poisonRedrive(ctx context.Context, it domain.Item) error {
	row, err := r.Book.Executions.Get(ctx, it.Execution)
	if err != nil {
		return err
	}
	if row.RedriveID == it.ReplayID {
		d, err := r.Machine.Describe(ctx, row.Name)
		switch {
		case err != nil && !errors.Is(err, sfn.ErrNotFound):
			return err
		case err == nil && d.RedriveCount >= row.RedriveRun && d.Status.Terminal():
			return r.recordEnd(ctx, d.Ended)
		case err == nil && d.RedriveCount >= row.RedriveRun:
			return r.apply(ctx, progress.Transition{
				ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, To: replay.Started, ARN: d.ARN, At: r.Now(),
			})
		}
		if err := r.Book.Items.WithdrawRedrive(ctx, it.ReplayID, row, "not redriven: "+givenUp); err != nil {
			return err
		}
	}
	return r.failItem(ctx, it, givenUp)
}
