package autoreplay

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
)

const (
	// supersededMark is where the walk through the quarantine continues. It looks for superseded failures.
	supersededMark = "close-superseded"
	// supersededPages is how many pages of 100 failures a run looks at. The next one goes on, and begins anew at the end.
	supersededPages = 20
	supersededPage  = 100
)

// closeSuperseded takes failures out of the quarantine once a newer event of their resource has succeeded and was published.
func (r *run) closeSuperseded(ctx context.Context) error {
	if !r.policy.CloseSuperseded {
		return nil
	}
	mark, err := r.Book.Marks.Get(ctx, supersededMark)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	cursor := mark.Token
	for n := 0; n < supersededPages && (n == 0 || cursor != "") && ctx.Err() == nil; n++ { // the next run goes on
		var err error
		if cursor, err = r.supersededPage(ctx, cursor); err != nil {
			return err
		}
		if err := r.Book.Marks.Save(ctx, domain.Mark{Name: supersededMark, Token: cursor, TakenAt: domain.At(r.now())}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) supersededPage(ctx context.Context, cursor string) (next string, err error) {
	failures, next, err := r.Book.Failures.Quarantined(ctx, domain.QuarantineFilter{}, cursor, supersededPage)
	if err != nil {
		return cursor, err
	}
	since, err := outcome.NewSuccesses(r.Book.Executions, r.Book.Publications).NewerSuccess(ctx, failures)
	if err != nil {
		return cursor, err
	}
	for i, f := range failures {
		if since[i].IsZero() {
			continue
		}
		m := domain.Move{To: domain.Superseded, Decision: fmt.Sprintf("a newer event succeeded at %s or before", since[i])}
		err := r.Book.Failures.Move(ctx, f, m, domain.Quarantined)
		switch {
		case errors.Is(err, ledger.ErrConflict): // it was replayed or closed meanwhile
		case err != nil:
			return cursor, err
		default:
			r.sum.Superseded++
			r.Logger.InfoContext(ctx, "failure decided on", "execution", f.Execution, "resourceId", f.ResourceID, "error", f.Error,
				"status", m.To, "decision", m.Decision)
		}
	}
	return next, nil
}
