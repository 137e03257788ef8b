package domain

import "github.com/ce873799/replayable-ingestion/replay"

// FailureJob is the row of a request to close or to reopen failures. Its parts are done in parallel.
type FailureJob struct {
	ID          string               `row:"id"`
	Action      replay.FailureAction `row:"action"`
	DryRun      bool                 `row:"dryRun,omitempty"`
	RequestedBy string               `row:"requestedBy"`
	Reason      string               `row:"reason"`
	Select      string               `row:"select"` // the replay.FailureQuery, as JSON
	AskedAt     Stamp                `row:"askedAt"`
	Parts       int                  `row:"parts"`
}

// Move is what the job does to a failure.
func (j FailureJob) Move() Move {
	if j.Action == replay.ReopenFailures {
		return Move{To: Quarantined, Decision: "reopened by " + j.RequestedBy + ": " + j.Reason, Job: j.ID}
	}
	return Move{To: Closed, Decision: "closed by " + j.RequestedBy + ": " + j.Reason, Job: j.ID}
}

// FailureJobPart is the row of a part of a job, with its progress.
type FailureJobPart struct {
	Number   int    `row:"number"`
	Cursor   string `row:"cursor,omitempty"`
	Count    int    `row:"count"` // failures that it has changed, or would change
	Done     bool   `row:"done"`
	Revision int    `row:"revision"`
}
