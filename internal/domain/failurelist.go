package domain

import (
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// ListedAs is the status by which a failure is listed, empty for one that is in the history only.
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
	Since, Until time.Time            // failed at Since or after, and before Until; zero: no bound
	Error, State func(string) bool    // nil: every one
	Match        func(Failure) bool   // what keys do not tell; nil: nothing more
}

// Listed is the status by which the failures are listed.
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
