package autoreplay

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

const (
	explainMark  = "explain"
	explainPage  = 100
	explainPages = 5
)

// explain adds cause and state to failures in quarantine that were taken in while Step Functions could not be asked about
// each: a person will look at them. It goes on from run to run, as far as the quota of questions allows.
func (r *run) explain(ctx context.Context) error {
	mark, err := r.Book.Marks.Get(ctx, explainMark)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	for range explainPages {
		rows, next, err := r.Book.Failures.Quarantined(ctx, domain.QuarantineFilter{}, mark.Token, explainPage)
		if err != nil {
			return err
		}
		for _, f := range rows {
			if f.State != "" || f.Cause != "" || f.ARN == "" {
				continue
			}
			if err := r.explainOne(ctx, f); err != nil {
				return err // the page comes again
			}
		}
		if next == mark.Token {
			return nil
		}
		mark.Name, mark.Token, mark.TakenAt = explainMark, next, domain.At(r.now())
		if err := r.Book.Marks.Save(ctx, mark); err != nil {
			return err
		}
		if next == "" || ctx.Err() != nil {
			return nil //nolint:nilerr // out of time: the next run goes on
		}
	}
	return nil
}

func (r *run) explainOne(ctx context.Context, f domain.Failure) error {
	d, err := r.Machine.Describe(ctx, f.Execution)
	if errors.Is(err, sfn.ErrNotFound) || err == nil && d.RedriveCount != f.RedriveCount {
		return nil // nobody can tell any more
	}
	if err != nil {
		return err
	}
	state, err := r.Machine.FailedState(ctx, f.Execution)
	if err != nil && !errors.Is(err, sfn.ErrNotFound) {
		return err
	}
	_, cause := domain.UnwrapError(d.Error, d.Cause)
	return r.Book.Failures.Explain(ctx, f, state, domain.Excerpt(cause))
}
