package replay

import "time"

// FailureStatus is where a failure stands.
type FailureStatus string

// Statuses by which failures are listed and grouped. A failure that has healed or was superseded is in the history of
// its resource only.
const (
	FailureQuarantined FailureStatus = "QUARANTINED" // not retried automatically, or not any more: kept for a person
	FailureWaiting     FailureStatus = "WAITING"     // retried automatically when it is due
	FailureHeld        FailureStatus = "HELD"        // waits for a probe: many failures share its error
	FailureRetrying    FailureStatus = "RETRYING"    // its automatic replay is queued or runs
	FailureClosed      FailureStatus = "CLOSED"      // closed by a person, see POST /failures/close
)

// FailureStatuses lists every status by which failures are listed.
func FailureStatuses() []FailureStatus {
	return []FailureStatus{FailureQuarantined, FailureWaiting, FailureHeld, FailureRetrying, FailureClosed}
}

// FailureQuery selects failures: every field that is set must hold. Since is before Until where both are set.
type FailureQuery struct {
	Status     FailureStatus `json:"status,omitempty"`     // default: FailureQuarantined
	Error      string        `json:"error,omitempty"`      // glob of error names, see path.Match: 1 to MaxTargetBytes
	State      string        `json:"state,omitempty"`      // glob of the names of states that failed: 1 to MaxTargetBytes
	Cause      string        `json:"cause,omitempty"`      // part of the cause, of its first 1,024 bytes: 1 to MaxTargetBytes
	ResourceID string        `json:"resourceId,omitempty"` // of one resource
	OwnerID    string        `json:"ownerId,omitempty"`    // of one owner
	JobID      string        `json:"jobId,omitempty"`      // closed by this job
	Superseded bool          `json:"superseded,omitempty"` // only those of which a newer event of the resource has succeeded
	Since      *time.Time    `json:"since,omitempty"`      // failed at this time or after
	Until      *time.Time    `json:"until,omitempty"`      // failed before this time
}

// Failure is a failure that auto-replay or a person still has to do with, or that a person has closed.
type Failure struct {
	Execution  string        `json:"execution"`
	Status     FailureStatus `json:"status"`
	ResourceID string        `json:"resourceId,omitempty"` // empty where the event has no usable id
	OwnerID    string        `json:"ownerId,omitempty"`
	VersionID  string        `json:"versionId,omitempty"` // empty where the event never reached the log
	InputKey   string        `json:"inputKey,omitempty"`  // object in the event log bucket that keeps such an event
	State      string        `json:"state,omitempty"`     // name of the state that failed; empty where none is known
	Error      string        `json:"error"`
	Cause      string        `json:"cause,omitempty"` // the first 1,024 bytes
	Decision   string        `json:"decision"`        // what was decided last, and why
	Attempt    int           `json:"attempt"`         // automatic replays made before
	FailedAt   time.Time     `json:"failedAt"`
	NextAt     *time.Time    `json:"nextAttemptAt,omitempty"` // of one that is WAITING: when it is decided on next
	JobID      string        `json:"jobId,omitempty"`         // of the job that closed or reopened it last

	// SupersededSince is when, at the latest, a newer event of the resource had succeeded and was published; of one
	// that is in quarantine. Nothing is to be done about the failure then: its replay would be skipped as stale.
	SupersededSince *time.Time `json:"supersededSince,omitempty"`
}

// Failures is a page of GET /failures: newest first, and those that wait or are retried by when they are looked at
// next.
type Failures struct {
	Failures   []Failure `json:"failures"`
	NextCursor string    `json:"nextCursor,omitempty"`
}

// FailureGroup are the failures that share a status, an error and the state that failed.
type FailureGroup struct {
	Status  FailureStatus `json:"status"`
	Error   string        `json:"error"`
	State   string        `json:"state,omitempty"`
	Count   int           `json:"count"`
	FirstAt time.Time     `json:"firstFailedAt"`
	LastAt  time.Time     `json:"lastFailedAt"`
	NextAt  *time.Time    `json:"nextAttemptAt,omitempty"` // when the next of them is retried, or probed
	Before  *int          `json:"countBefore,omitempty"`   // at FailureGroups.BeforeAt: 0 if there was no such failure
	Sample  *Failure      `json:"sample,omitempty"`        // the latest; nil if it has moved on since it was counted
}

// FailureGroups is the answer to GET /failures/groups, the largest group first.
type FailureGroups struct {
	Groups     []FailureGroup `json:"groups"`                  // at most MaxFailureGroups
	CountedAt  time.Time      `json:"countedAt"`               // at the request, or earlier if there are too many to count at once
	BeforeAt   *time.Time     `json:"beforeAt,omitempty"`      // about TrendSpan earlier; nil if nothing was counted then
	Others     int            `json:"others,omitempty"`        // failures of further groups
	Partial    bool           `json:"partial,omitempty"`       // there are more than could be counted, and auto-replay has not counted yet
	NotTakenIn *int           `json:"notYetTakenIn,omitempty"` // about so many dead letters wait for auto-replay; nil: it is not known
}

// FailureAction is what a job does with failures.
type FailureAction string

// Actions of jobs.
const (
	CloseFailures  FailureAction = "close"  // nobody has to do anything about them: they leave the lists
	ReopenFailures FailureAction = "reopen" // what was closed is in quarantine again
)

// FailureJobRequest is the body of POST /failures/close and POST /failures/reopen.
type FailureJobRequest struct {
	// Select has at least one field. A job changes what it selects at the request, and nothing that comes later. Its
	// default status is FailureQuarantined, to reopen FailureClosed.
	Select FailureQuery `json:"select"`
	DryRun bool         `json:"dryRun"` // only counts
	Reason string       `json:"reason"` // one line, 1 to MaxReasonBytes
}

// FailureJob closes or reopens failures. It is kept for good.
type FailureJob struct {
	JobID       string            `json:"jobId"`
	Action      FailureAction     `json:"action"`
	Status      Status            `json:"status"` // Running or Completed
	DryRun      bool              `json:"dryRun"`
	Reason      string            `json:"reason"`
	RequestedBy string            `json:"requestedBy"`
	CreatedAt   time.Time         `json:"createdAt"`
	Select      FailureQuery      `json:"select"`
	Count       int               `json:"count"` // failures that it has changed so far, or would change
	Links       map[string]string `json:"links"` // self
}

// FailureJobs is a page of GET /failures/jobs, newest first.
type FailureJobs struct {
	Jobs       []FailureJob `json:"jobs"`
	NextCursor string       `json:"nextCursor,omitempty"`
}
