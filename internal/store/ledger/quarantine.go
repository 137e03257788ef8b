package ledger

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Quarantined returns a page of the quarantined failures, newest first, and the cursor of the next page. With a filter,
// a page may have fewer entries than the limit although others follow.
func (l *Failures) Quarantined(ctx context.Context, filter domain.QuarantineFilter, cursor string, limit int) ([]domain.Failure, string, error) {
	return l.List(ctx, domain.FailureFilter{
		Since: filter.Since, Until: filter.Until, Error: filter.Error, State: filter.State, Match: filter.Match,
	}, cursor, limit)
}
