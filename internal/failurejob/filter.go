package failurejob

import (
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Filter is a query that was checked, as the ledger takes it. Superseded is not in it: the ledger does not know.
func Filter(q replay.FailureQuery) domain.FailureFilter {
	f := domain.FailureFilter{Status: q.Status, ResourceID: q.ResourceID, Error: matcher(q.Error), State: matcher(q.State)}
	if q.Since != nil {
		f.Since = *q.Since
	}
	if q.Until != nil {
		f.Until = *q.Until
	}
	if q.Cause+q.OwnerID+q.JobID != "" {
		f.Match = func(row domain.Failure) bool {
			return strings.Contains(row.Cause, q.Cause) && (q.OwnerID == "" || row.OwnerID == q.OwnerID) &&
				(q.JobID == "" || row.Job == q.JobID)
		}
	}
	return f
}

func matcher(glob string) func(string) bool {
	if glob == "" {
		return nil
	}
	return func(name string) bool { return domain.MatchError(glob, name) }
}
