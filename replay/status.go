package replay

import (
	"encoding/json"
	"time"
)

// Status is where a replay stands.
type Status string

// A replay moves from Pending through Expanding and Running to one of the last four, and never back. Until its end it
// may be Paused, any number of times.
const (
	Pending   Status = "PENDING"   // accepted, nothing done yet
	Expanding Status = "EXPANDING" // finding out which resources it is about
	Running   Status = "RUNNING"   // every resource is known, some are not finished
	Paused    Status = "PAUSED"    // a person paused it, or its ramp, or all replays are: nothing more starts until it is resumed
	Completed Status = "COMPLETED" // every item has an outcome
	Planned   Status = "PLANNED"   // a dry run: every item has been looked at, nothing was started
	Halted    Status = "HALTED"    // too many failures, or a part of its resources could not be found out
	Cancelled Status = "CANCELLED" // a person cancelled it, and all started items have ended
)

// Statuses lists every status in the order in which a replay may pass them.
func Statuses() []Status {
	return []Status{Pending, Expanding, Running, Paused, Completed, Planned, Halted, Cancelled}
}

// Final reports whether a replay with this status is finished.
func (s Status) Final() bool { return s == Completed || s == Planned || s == Halted || s == Cancelled }

// Outcome is the outcome of one item of a replay.
type Outcome string

// An item moves from Waiting through Started to Succeeded or Failed, or from Waiting to one of the last four.
const (
	Waiting   Outcome = "WAITING"   // in the queue
	Started   Outcome = "STARTED"   // its execution runs
	Succeeded Outcome = "SUCCEEDED" // its execution succeeded, or its output was published again
	Failed    Outcome = "FAILED"    // its execution failed, timed out or was aborted, or its transform failed
	Skipped   Outcome = "SKIPPED"   // a guard kept it from starting; see the reason
	WouldRun  Outcome = "PLANNED"   // of a dry run: it would be started
)

// Outcomes lists every outcome in the order in which an item may pass them.
func Outcomes() []Outcome { return []Outcome{Waiting, Started, Succeeded, Failed, Skipped, WouldRun} }

// Final reports whether an item with this outcome is finished.
func (o Outcome) Final() bool { return o != Waiting && o != Started }

// Counts counts the items of a replay. Started includes those that have ended since.
type Counts struct {
	Matched   int `json:"matched"`
	Started   int `json:"started"`
	Skipped   int `json:"skipped"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
}

// Replay is the answer to GET /replays/{replayId}.
type Replay struct {
	Summary
	Request Request `json:"request"`        // with every default filled in and every time absolute
	Plan    *Plan   `json:"plan,omitempty"` // of a dry run that ended as PLANNED
}

// Summary is a replay without its request.
type Summary struct {
	ReplayID    string            `json:"replayId"`
	Status      Status            `json:"status"`
	Action      Action            `json:"action"`
	DryRun      bool              `json:"dryRun"`
	Reason      string            `json:"reason"`
	RequestedBy string            `json:"requestedBy"` // the caller's ARN, "unknown" where API Gateway names none
	CreatedAt   time.Time         `json:"createdAt"`
	CompletedAt *time.Time        `json:"completedAt,omitempty"`
	Stopped     *Stop             `json:"stopped,omitempty"`   // cancelled or halted; what had started by then goes on
	Paused      *Pause            `json:"paused,omitempty"`    // with the status PAUSED
	Resumed     *Resumption       `json:"resumed,omitempty"`   // the last time that it was resumed by itself
	Truncated   bool              `json:"truncated,omitempty"` // maxItems was reached, the selection has more
	Looked      int               `json:"looked,omitempty"`    // events that the filters of the selection looked at
	Counts      Counts            `json:"counts"`
	Links       map[string]string `json:"links"` // self, items, cancel, pause, resume: paths

	PlanID    string `json:"planId,omitempty"`    // of a replay that applies a plan
	AppliedBy string `json:"appliedBy,omitempty"` // of a plan: id of the replay that applied it, which may be done once

	MaxPerSecond int           `json:"maxPerSecond,omitempty"` // its own bound now; 0: none
	Ramp         *RampProgress `json:"ramp,omitempty"`         // nil: it has no ramp
}

// Stop says why a replay ended before its time.
type Stop struct {
	Status Status    `json:"status"`       // CANCELLED or HALTED: how the replay ends
	By     string    `json:"by,omitempty"` // who cancelled it: the caller's ARN
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Replays is a page of GET /replays, newest first.
type Replays struct {
	Replays    []Summary `json:"replays"`
	NextCursor string    `json:"nextCursor,omitempty"`
}

// Plan is what a dry run found out.
type Plan struct {
	Items   int    `json:"items"`            // would be started
	Skipped int    `json:"skipped"`          // would be skipped
	Failed  int    `json:"failed"`           // have an event that the transform cannot be applied to
	Warned  int    `json:"warned,omitempty"` // would be started, and have a warning
	Sample  []Item `json:"sample"`           // the first items of each kind, at most PlanSample of each

	PlanHash  string    `json:"planHash,omitempty"` // what Apply takes; absent while it is being computed
	ExpiresAt time.Time `json:"expiresAt"`          // from then on the plan cannot be applied
	Estimate  Estimate  `json:"estimate"`
}

// Estimate is what running a plan takes, as far as it is known before.
type Estimate struct {
	Seconds int     `json:"seconds"` // at least: by maxPerSecond, and by how many executions an account may start
	USD     float64 `json:"usd"`     // of the ingestion's own calls, as counted by its benchmark, in us-east-1
	Without string  `json:"without"` // what is not in it
}

// Accepted is the answer to POST /replays.
type Accepted struct {
	ReplayID string            `json:"replayId"`
	Status   Status            `json:"status"`
	Request  Request           `json:"request"` // with every default filled in and every time absolute
	Links    map[string]string `json:"links"`
	Repeated bool              `json:"repeated,omitempty"` // an earlier request with this Idempotency-Key started the replay
}

// Item is one version of one resource of a replay. A resource of which no version was found is one item as well.
type Item struct {
	ResourceID   string          `json:"resourceId"`
	Outcome      Outcome         `json:"outcome"`
	VersionID    string          `json:"versionId,omitempty"`
	ExecutionARN string          `json:"executionArn,omitempty"` // of a republish: the execution whose output was sent
	Reason       string          `json:"reason,omitempty"`       // why it was skipped, or the error that it failed with
	StartedAt    *time.Time      `json:"startedAt,omitempty"`
	EndedAt      *time.Time      `json:"endedAt,omitempty"`
	Diff         json.RawMessage `json:"diff,omitempty"` // in a plan: what the transform does, as RFC 6902 operations

	// Warning is of an item that a plan would run although that may not be meant: its version succeeded last with a
	// patch, which the replay would undo.
	Warning string `json:"warning,omitempty"`
}

// Items is a page of GET /replays/{replayId}/items.
type Items struct {
	Items      []Item `json:"items"`
	NextCursor string `json:"nextCursor,omitempty"`
}

// Execution is one run of a version.
type Execution struct {
	Name      string     `json:"name"`
	Kind      string     `json:"kind"`   // live, auto or api
	Status    string     `json:"status"` // STARTING, RUNNING, SUCCEEDED, SUPERSEDED, FAILED, TIMED_OUT, ABORTED
	Error     string     `json:"error,omitempty"`
	Attempt   int        `json:"attempt,omitempty"` // of automatic replays
	ReplayID  string     `json:"replayId,omitempty"`
	Patched   bool       `json:"patched,omitempty"` // a transform changed the event on its way
	StartedAt time.Time  `json:"startedAt"`
	StoppedAt *time.Time `json:"stoppedAt,omitempty"`
	Published *time.Time `json:"publishedAt,omitempty"`
}

// Version is one event of a resource's history.
type Version struct {
	VersionID  string      `json:"versionId"`
	RecordedAt time.Time   `json:"recordedAt"`
	OwnerID    string      `json:"ownerId,omitempty"`
	Size       int64       `json:"size"`                 // in bytes
	Deleted    bool        `json:"deleted,omitempty"`    // a delete marker: the object was deleted at this point
	Executions []Execution `json:"executions"`           // oldest first
	Failures   []Setback   `json:"failures,omitempty"`   // oldest first
	Correction *Correction `json:"correction,omitempty"` // nil: it is an event of a producer
}

// Setback is a failure of a version. It stays in the history whatever becomes of the version.
type Setback struct {
	Execution string    `json:"execution"`
	Status    string    `json:"status"`          // WAITING, RETRYING, HEALED, FAILED_AGAIN, SUPERSEDED, QUARANTINED, CLOSED
	State     string    `json:"state,omitempty"` // name of the state that failed; empty where none is known
	Error     string    `json:"error"`
	Cause     string    `json:"cause,omitempty"` // the first 1,024 bytes; of the newest 10 failures of a version
	Decision  string    `json:"decision"`        // what was decided last, and why
	Attempt   int       `json:"attempt"`         // automatic replays made before
	FailedAt  time.Time `json:"failedAt"`
}

// History is a page of GET /versions, newest first.
type History struct {
	ResourceID string    `json:"resourceId"`
	Versions   []Version `json:"versions"`
	NextCursor string    `json:"nextCursor,omitempty"`
}
