package domain

import (
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// ListedAs is the status under which a failure is listed. It is empty if only the history has the failure.
func (f Failure) ListedAs() replay.FailureStatus {
	switch {
	case f.Status == Quarantined:
		return replay.FailureQuarantined
	case f.Status == Retrying:
		return replay.FailureRetrying
	case f.Status == Waiting && f.Held:
		return replay.FailureHeld
	case f.Status == Waiting:
		return replay.FailureWaiting
	case f.Status == Closed && f.Job != "":
		return replay.FailureClosed
	}
	return ""
}

// FailureFilter narrows a list of failures. The zero value selects all of the quarantine.
type FailureFilter struct {
	Status       replay.FailureStatus // empty: replay.FailureQuarantined
	ResourceID   string               // empty: of every resource
	Since, Until time.Time            // when it failed: at Since or later, before Until; zero: no bound
	Error, State func(string) bool    // nil: every one
	Match        func(Failure) bool   // what is not in the keys; nil: nothing more
}

// Listed is the status of the failures that are listed.
func (f FailureFilter) Listed() replay.FailureStatus {
	if f.Status == "" {
		return replay.FailureQuarantined
	}
	return f.Status
}

// Matches reports whether a row is selected.
func (f FailureFilter) Matches(row Failure) bool {
	return row.Execution != "" && row.ListedAs() == f.Listed() && (f.ResourceID == "" || row.ResourceID == f.ResourceID) &&
		!row.FailedAt.Before(f.Since) && (f.Until.IsZero() || row.FailedAt.Before(f.Until)) &&
		(f.Error == nil || f.Error(row.Error)) && (f.State == nil || f.State(row.State)) && (f.Match == nil || f.Match(row))
}
