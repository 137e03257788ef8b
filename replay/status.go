package replay

import "time"

// Status is where a replay stands.
type Status string

// A replay moves from Pending to Completed and never back, or ends as Halted.
const (
	Pending   Status = "PENDING"   // accepted, nothing done yet
	Expanding Status = "EXPANDING" // finding out which resources it is about
	Running   Status = "RUNNING"   // every resource is known, some are not finished
	Completed Status = "COMPLETED" // every resource has an outcome
	Halted    Status = "HALTED"    // a part of its resources could not be found out; see the quarantine
)

// Outcome is what became of one resource of a replay.
type Outcome string

// An item moves from Waiting through Started to one of the last three, or from Waiting to Skipped.
const (
	Waiting   Outcome = "WAITING"   // in the queue
	Started   Outcome = "STARTED"   // its execution runs
	Succeeded Outcome = "SUCCEEDED" // its execution succeeded
	Failed    Outcome = "FAILED"    // its execution failed, timed out or was aborted
	Skipped   Outcome = "SKIPPED"   // a guard kept it from starting; see the reason
)

// Outcomes lists every outcome in the order in which an item may pass them.
func Outcomes() []Outcome { return []Outcome{Waiting, Started, Succeeded, Failed, Skipped} }

// Final reports whether an item with this outcome is finished.
func (o Outcome) Final() bool { return o == Succeeded || o == Failed || o == Skipped }

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
	ReplayID    string            `json:"replayId"`
	Status      Status            `json:"status"`
	Request     Request           `json:"request"`
	RequestedBy string            `json:"requestedBy"` // the caller's ARN, "unknown" where API Gateway names none
	CreatedAt   time.Time         `json:"createdAt"`
	CompletedAt *time.Time        `json:"completedAt,omitempty"`
	Counts      Counts            `json:"counts"`
	Links       map[string]string `json:"links"`
}

// Accepted is the answer to POST /replays.
type Accepted struct {
	ReplayID string            `json:"replayId"`
	Status   Status            `json:"status"`
	Links    map[string]string `json:"links"`
}

// Item is one resource of a replay.
type Item struct {
	ResourceID   string     `json:"resourceId"`
	Outcome      Outcome    `json:"outcome"`
	VersionID    string     `json:"versionId,omitempty"`
	ExecutionARN string     `json:"executionArn,omitempty"`
	Reason       string     `json:"reason,omitempty"` // why it was skipped, or the error that it failed with
	StartedAt    *time.Time `json:"startedAt,omitempty"`
	EndedAt      *time.Time `json:"endedAt,omitempty"`
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
	StartedAt time.Time  `json:"startedAt"`
	StoppedAt *time.Time `json:"stoppedAt,omitempty"`
	Published *time.Time `json:"publishedAt,omitempty"`
}

// Version is one event of a resource's history.
type Version struct {
	VersionID  string      `json:"versionId"`
	RecordedAt time.Time   `json:"recordedAt"`
	OwnerID    string      `json:"ownerId,omitempty"`
	Size       int64       `json:"size"`              // in bytes
	Deleted    bool        `json:"deleted,omitempty"` // a delete marker: somebody deleted the object at this point
	Executions []Execution `json:"executions"`        // oldest first
}

// Versions is a page of GET /versions, newest first.
type Versions struct {
	ResourceID string    `json:"resourceId"`
	Versions   []Version `json:"versions"`
	NextCursor string    `json:"nextCursor,omitempty"`
}

// Failure is a quarantined failure.
type Failure struct {
	Execution  string    `json:"execution"`
	ResourceID string    `json:"resourceId,omitempty"` // empty where the event has no usable id
	VersionID  string    `json:"versionId,omitempty"`  // empty where the event never reached the log
	InputKey   string    `json:"inputKey,omitempty"`   // object in the event log bucket that keeps such an event
	Error      string    `json:"error"`
	Cause      string    `json:"cause,omitempty"` // the first 1,024 bytes
	Decision   string    `json:"decision"`        // why it is not replayed automatically
	Attempt    int       `json:"attempt"`         // automatic replays made before
	FailedAt   time.Time `json:"failedAt"`
}

// Failures is a page of GET /failures, newest first.
type Failures struct {
	Failures   []Failure `json:"failures"`
	NextCursor string    `json:"nextCursor,omitempty"`
}
