package autoreplay

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

const (
	explainMark  = "explain"
	explainPages = 5
)

// explain adds cause and state to failures in quarantine that were recorded while Step Functions could not be asked
// about each. People need them.
func (r *run) explain(ctx context.Context) error {
	return r.walkQuarantine(ctx, explainMark, explainPages, func(ctx context.Context, rows []domain.Failure) error {
		for _, f := range rows {
			if f.State != "" || f.Cause != "" || f.ARN == "" {
				continue
			}
			if err := r.explainOne(ctx, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *run) explainOne(ctx context.Context, f domain.Failure) error {
	d, err := r.Machine.Describe(ctx, f.Execution)
	if errors.Is(err, sfn.ErrNotFound) || err == nil && d.RedriveCount != f.RedriveCount {
		return nil // nobody knows it any more
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
