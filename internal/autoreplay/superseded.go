package autoreplay

import (
	"context"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
)

const (
	supersededMark  = "close-superseded"
	supersededPages = 20
)

// closeSuperseded takes failures out of the quarantine once a newer event of their resource has succeeded and was
// published.
func (r *run) closeSuperseded(ctx context.Context) error {
	if !r.policy.CloseSuperseded {
		return nil
	}
	return r.walkQuarantine(ctx, supersededMark, supersededPages, r.closeSupersededOf)
}

func (r *run) closeSupersededOf(ctx context.Context, failures []domain.Failure) error {
	since, err := outcome.NewSuccesses(r.Book.Executions, r.Book.Publications).NewerSuccess(ctx, failures)
	if err != nil {
		return err
	}
	for i, f := range failures {
		if since[i].IsZero() {
			continue
		}
		m := domain.Move{To: domain.Superseded, Decision: fmt.Sprintf("a newer event succeeded at %s or before", since[i])}
		moved, err := r.tryMove(ctx, f, m, domain.Quarantined) // it may have been replayed or closed meanwhile
		if err != nil {
			return err
		}
		if moved {
			r.sum.Superseded++
			r.logDecision(ctx, f, m)
		}
	}
	return nil
}
