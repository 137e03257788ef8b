package replay

import "time"

// OwnedResource is a resource of which an owner has had events.
type OwnedResource struct {
	ResourceID  string     `json:"resourceId"`
	LastEventAt time.Time  `json:"lastEventAt"`         // when the last event with this owner was recorded
	OwnerID     string     `json:"ownerId,omitempty"`   // of its latest version: another one where the resource has moved
	VersionID   string     `json:"versionId,omitempty"` // its latest version that an execution is known of
	Latest      *Execution `json:"latest,omitempty"`    // the last execution of that version
}

// Resources is a page of GET /resources, in no order that means anything.
type Resources struct {
	Resources  []OwnedResource `json:"resources"`
	NextCursor string          `json:"nextCursor,omitempty"`
}

// EndStatus is how an execution ended.
type EndStatus string

// Statuses by which ended executions are listed.
const (
	EndSucceeded  EndStatus = "SUCCEEDED"
	EndSuperseded EndStatus = "SUPERSEDED" // a replay that succeeded, and whose output was not published
	EndFailed     EndStatus = "FAILED"
	EndTimedOut   EndStatus = "TIMED_OUT"
	EndAborted    EndStatus = "ABORTED"
)

// EndStatuses lists every status by which ended executions are listed.
func EndStatuses() []EndStatus {
	return []EndStatus{EndSucceeded, EndSuperseded, EndFailed, EndTimedOut, EndAborted}
}

// ExecutionQuery selects ended executions: every field that is set must hold. Since is before Until where both are set.
type ExecutionQuery struct {
	Status     EndStatus  // default: every one
	Error      string     // glob of error names, see path.Match: 1 to MaxTargetBytes
	ResourceID string     // of one resource
	OwnerID    string     // of one owner
	Since      *time.Time // reported at this time or after; default and earliest: EndsKept ago
	Until      *time.Time // reported before this time
}

// EndsKept is how long ended executions are listed. The history of a resource has them for good.
const EndsKept = 3 * 24 * time.Hour

// EndedExecution is how an execution ended.
type EndedExecution struct {
	Name         string     `json:"name"`
	Status       EndStatus  `json:"status"`
	Error        string     `json:"error,omitempty"` // the first 256 bytes
	ResourceID   string     `json:"resourceId,omitempty"`
	OwnerID      string     `json:"ownerId,omitempty"`
	RedriveCount int        `json:"redriveCount,omitempty"`
	ReportedAt   time.Time  `json:"reportedAt"`          // when the ingestion was told, some seconds after it
	Kind         string     `json:"kind,omitempty"`      // live, auto or api; empty where nothing but the end is known
	VersionID    string     `json:"versionId,omitempty"` // empty where the event never reached the log
	Attempt      int        `json:"attempt,omitempty"`   // of automatic replays
	ReplayID     string     `json:"replayId,omitempty"`
	StartedAt    *time.Time `json:"startedAt,omitempty"`
	StoppedAt    *time.Time `json:"stoppedAt,omitempty"`
}

// Executions is a page of GET /executions: what was reported last first, or with follow first. An end that was reported
// twice may be there twice. With follow there is always a next cursor.
type Executions struct {
	Executions []EndedExecution `json:"executions"`
	NextCursor string           `json:"nextCursor,omitempty"`
}
