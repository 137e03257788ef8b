package domain

import (
	"strconv"
	"strings"
	"time"
)

// FailureStatus is the status of a failure.
type FailureStatus string

// Statuses of a failure. Those after Retrying are final, except that a quarantined failure, or one that an operator
// closed, can still heal.
const (
	Waiting     FailureStatus = "WAITING"      // until it is due
	Retrying    FailureStatus = "RETRYING"     // its automatic replay is queued or runs
	Healed      FailureStatus = "HEALED"       // a replay of it succeeded
	FailedAgain FailureStatus = "FAILED_AGAIN" // its automatic replay failed; that failure has its own row
	Superseded  FailureStatus = "SUPERSEDED"   // a newer event of the resource is responsible
	Quarantined FailureStatus = "QUARANTINED"  // kept for a person
	Closed      FailureStatus = "CLOSED"       // nothing to do: redriven with success, stopped, or closed by an operator
)

// Open reports whether auto-replay still has to decide on the failure.
func (s FailureStatus) Open() bool { return s == Waiting || s == Retrying }

// RedrivableFor is for how long after its end an execution can be redriven (RedriveExecution, Step Functions API
// Reference).
const RedrivableFor = 14 * 24 * time.Hour

// Failure is the row of one failed run of an execution. A redrive that fails again makes another row.
type Failure struct {
	Execution    string        `row:"execution"`
	ARN          string        `row:"arn,omitempty"`
	RedriveCount int           `row:"redriveCount"`
	Status       FailureStatus `row:"status"`
	ResourceID   string        `row:"resourceId,omitempty"` // empty: the event has no usable id
	OwnerID      string        `row:"ownerId,omitempty"`
	VersionID    string        `row:"versionId,omitempty"` // empty: the event never reached the log
	RecordedAt   Stamp         `row:"recordedAt,omitempty"`
	InputKey     string        `row:"inputKey,omitempty"` // the object that keeps the input of such an event
	State        string        `row:"state,omitempty"`    // name of the state that failed
	Error        string        `row:"error"`
	Storm        string        `row:"group,omitempty"`     // the error whose storm may hold it; empty: it is not retriable
	Held         bool          `row:"held,omitempty"`      // waits until its storm releases it, not for its due time
	Cause        string        `row:"cause,omitempty"`     // the first MaxCauseBytes
	Root         string        `row:"root"`                // its lineage: the execution that failed first, see LineageOf
	Attempt      int           `row:"attempt"`             // automatic replays made before this failure
	StartedAt    Stamp         `row:"startedAt,omitempty"` // start of the root
	FailedAt     Stamp         `row:"failedAt"`
	FirstAt      Stamp         `row:"firstAt"` // when the root failed
	DueAt        Stamp         `row:"dueAt,omitempty"`
	Decision     string        `row:"decision,omitempty"`  // what was decided last, and why
	HealedBy     string        `row:"healedBy,omitempty"`  // name of the execution that succeeded
	ReplayID     string        `row:"replayId,omitempty"`  // of the requested replay that failed
	ChangedAt    Stamp         `row:"changedAt,omitempty"` // when it got its status, or was held; set by the store
	Job          string        `row:"job,omitempty"`       // id of the last job that closed or reopened it
	Redrive      string        `row:"redrive,omitempty"`   // id of the replay that redrives it, while one does
}

// Unsettled reports whether a failure is open or in quarantine.
func (f Failure) Unsettled() bool { return f.Status.Open() || f.Status == Quarantined }

// FailurePrefix begins every id of a failure.
const FailurePrefix = "F#"

// FailureID is the id of a failure. Executions that may heal it refer to it by that id.
func FailureID(execution string, redriveCount int) string {
	return FailurePrefix + execution + "#" + strconv.Itoa(redriveCount)
}

// ID returns the id of a failure.
func (f Failure) ID() string { return FailureID(f.Execution, f.RedriveCount) }

// LineageOf names the lineage that a failure begins. The failures of its automatic replays have it as their root, and
// count their attempts within it. Each redriven run begins its own lineage.
func LineageOf(execution string, redriveCount int) string {
	if redriveCount == 0 {
		return execution
	}
	return execution + "#" + strconv.Itoa(redriveCount) // names of executions have no #
}

// FirstOf returns the id of the failure that began a lineage.
func FirstOf(lineage string) string {
	if strings.Contains(lineage, "#") {
		return FailurePrefix + lineage
	}
	return FailureID(lineage, 0)
}

// Move is a change of a failure's status.
type Move struct {
	To       FailureStatus
	Decision string // why
	DueAt    time.Time
	HealedBy string
	Hold     bool   // until its storm releases it
	Job      string // id of the job that it is a part of
	Redrive  string // of a move to Retrying: id of the replay that redrives the execution
}

// Storm is the row of an error that so many failures share that they are held, and released step by step.
type Storm struct {
	Error    string   `row:"error"`
	Holds    bool     `row:"gated"`              // false: the storm is over, and failures are not held
	Step     int      `row:"step"`               // failures that are released at once; 1: a probe
	Misses   int      `row:"misses"`             // failed probes in a row
	Probes   int      `row:"probes"`             // all probes since the storm began
	Released []string `row:"released,omitempty"` // ids of the failures of the step under way
	NextAt   Stamp    `row:"nextAt,omitempty"`   // when the next check is due
	BegunAt  Stamp    `row:"gatedAt,omitempty"`
	Revision int      `row:"revision"`

	ReleasedAt Stamp `row:"releasedAt,omitempty"`
	EmptyAt    Stamp `row:"emptyAt,omitempty"` // since when no held failure was found
}
