package autoreplay

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// mark returns where an earlier run stopped, the zero mark if there is none.
func (a *Runner) mark(ctx context.Context, name string) (domain.Mark, error) {
	mark, err := a.Book.Marks.Get(ctx, name)
	if errors.Is(err, ledger.ErrNotFound) {
		return domain.Mark{Name: name}, nil
	}
	return mark, err
}

const quarantinePage = 100

// walkQuarantine calls do with some pages of the quarantine. The next run continues, and begins again after the last
// page. A page for which do returns an error is read again.
func (r *run) walkQuarantine(
	ctx context.Context, name string, pages int, do func(context.Context, []domain.Failure) error,
) error {
	mark, err := r.mark(ctx, name)
	if err != nil {
		return err
	}
	for range pages {
		rows, next, err := r.Book.Failures.List(ctx, domain.FailureFilter{}, mark.Token, quarantinePage)
		if err != nil {
			return err
		}
		if err := do(ctx, rows); err != nil {
			return err
		}
		if next == mark.Token { // both are empty: all of it is one page
			return nil
		}
		mark.Token, mark.TakenAt = next, domain.At(r.Now())
		if err := r.Book.Marks.Save(ctx, mark); err != nil {
			return err
		}
		if next == "" || ctx.Err() != nil {
			return nil //nolint:nilerr // out of time: the next run continues
		}
	}
	return nil
}
