package domain

import (
	"strings"
	"time"
)

// ExecutionStatus is the status of an execution in the ledger: one of Step Functions, or Starting.
type ExecutionStatus string

// Statuses of an execution.
const (
	Starting  ExecutionStatus = "STARTING" // the row is written, and the execution is about to start
	Running   ExecutionStatus = "RUNNING"
	Succeeded ExecutionStatus = "SUCCEEDED"
	Failed    ExecutionStatus = "FAILED"
	TimedOut  ExecutionStatus = "TIMED_OUT"
	Aborted   ExecutionStatus = "ABORTED"
)

// Terminal reports whether an execution with this status has ended.
func (s ExecutionStatus) Terminal() bool {
	return s == Succeeded || s == Failed || s == TimedOut || s == Aborted
}

// NeverStarted is the error of an execution whose row was written and that was then not started.
const NeverStarted = "NeverStarted"

// Mode says who started an execution.
type Mode string

// Modes of an execution.
const (
	Live    Mode = "live"    // a producer
	Auto    Mode = "auto"    // auto-replay, with a recorded event
	Restart Mode = "restart" // auto-replay, with the input of an execution that never reached the log
	API     Mode = "api"     // the replay API
)

// Execution is the row of one execution.
type Execution struct {
	Name         string          `row:"name"`
	ARN          string          `row:"arn,omitempty"`
	Mode         Mode            `row:"mode"`
	Status       ExecutionStatus `row:"status"`
	ResourceID   string          `row:"resourceId,omitempty"`
	OwnerID      string          `row:"ownerId,omitempty"`
	VersionID    string          `row:"versionId,omitempty"`
	RecordedAt   Stamp           `row:"recordedAt,omitempty"`
	StartedAt    Stamp           `row:"startedAt"`
	Place        Stamp           `row:"place,omitempty"` // of a replay: the place of its event, see Placed
	StoppedAt    Stamp           `row:"stoppedAt,omitempty"`
	CheckAt      Stamp           `row:"-"` // while it is open: when it is due for a check
	RedriveCount int             `row:"redriveCount"`
	Error        string          `row:"error,omitempty"`
	Cause        string          `row:"cause,omitempty"` // the first MaxCauseBytes

	PublishedAt Stamp  `row:"publishedAt,omitempty"`
	OutputKey   string `row:"outputKey,omitempty"`
	Superseded  bool   `row:"superseded,omitempty"` // a replay whose output was not published: see Withheld
	Withheld    string `row:"withheld,omitempty"`   // why

	// Of replays.
	Reason   string `row:"reason,omitempty"`
	Attempt  int    `row:"attempt,omitempty"`  // auto, restart: from 1
	Root     string `row:"root,omitempty"`     // auto, restart: the execution that failed first
	Failure  string `row:"failure,omitempty"`  // auto, restart, unrecorded: id of the failure that it heals
	ReplayID string `row:"replayId,omitempty"` // api
	Page     int    `row:"page,omitempty"`     // api
	Ordinal  int    `row:"ordinal,omitempty"`  // api
	Index    int    `row:"index,omitempty"`    // api: position in the series
	Target   string `row:"target,omitempty"`   // api
	Suppress bool   `row:"suppress,omitempty"` // api: the output is not published
	Patched  bool   `row:"patched,omitempty"`  // api: the event is under derived/

	AllowStale bool  `row:"allowStale,omitempty"` // api: its output may be published after that of newer events
	MayFollow  Stamp `row:"over,omitempty"`       // api, of a series: the newest place after which its output may be published

	Unrecorded bool `row:"unrecorded,omitempty"` // api: it runs the kept input of an execution that never reached the log

	// Of a correction. VersionID is empty until Record has recorded it.
	Corrects    string `row:"corrects,omitempty"`    // api: id of the version that it corrects
	CorrectsAt  Stamp  `row:"correctsAt,omitempty"`  // api: when that version was recorded; zero: unknown
	RequestedBy string `row:"requestedBy,omitempty"` // api: who asked for it

	// Of a correction, and of a replay of one.
	Correction string `row:"correction,omitempty"` // api: the execution that recorded the correction that it corrects or runs

	Source string `row:"source,omitempty"` // api, of a republish: the execution whose output is sent

	// Of the run that a requested redrive has begun or will begin. A later redrive replaces it.
	RedriveID      string `row:"redriveId,omitempty"` // id of the replay; empty: none
	RedriveRun     int    `row:"redriveRun,omitempty"`
	RedrivePage    int    `row:"redrivePage,omitempty"`
	RedriveOrdinal int    `row:"redriveOrdinal,omitempty"`
	RedriveStale   bool   `row:"redriveStale,omitempty"` // its output may be published after that of newer events
}

// Redriven reports whether a run of an execution is the one that a requested redrive has begun, or a later one.
func (e Execution) Redriven(redriveCount int) bool {
	return e.RedriveID != "" && redriveCount >= e.RedriveRun
}

// Records reports whether the execution is a replay that records its event, as a live execution does.
func (e Execution) Records() bool { return e.Mode == Restart || e.Unrecorded || e.Corrects != "" }

// RecordedNothing reports whether the execution of a correction has ended without recording a version.
func (e Execution) RecordedNothing() bool { return e.Status.Terminal() && e.VersionID == "" }

// CorrectedBy says why a version cannot be corrected: another execution corrects it already.
func CorrectedBy(e Execution) string {
	return "replay " + e.ReplayID + " corrects version " + e.Corrects + " already: correct what it records"
}

// Placed returns the place of an execution's event among those of its resource.
func (e Execution) Placed() Stamp {
	if e.Place.IsZero() {
		return e.StartedAt
	}
	return e.Place
}

// PlaceBehind is the place of a correction: right after the version that it corrects, and before all later events.
func PlaceBehind(place time.Time) Stamp { return At(place.Add(time.Millisecond)) }

// MaxCauseBytes is how many bytes of a cause the ledger keeps. Step Functions has the whole cause.
const MaxCauseBytes = 1024

// Excerpt cuts a cause to MaxCauseBytes, at a character boundary.
func Excerpt(cause string) string { return excerpt(cause, MaxCauseBytes) }

func excerpt(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// Recorded is what the Record function learns about an execution whose row exists already.
type Recorded struct {
	Name       string
	ARN        string
	StartedAt  time.Time
	ResourceID string // only for a restarted execution, which had none before
	OwnerID    string
	VersionID  string
	RecordedAt time.Time
}

// Ended is the terminal status of an execution, as Step Functions reports it.
type Ended struct {
	Name         string
	ARN          string
	Status       ExecutionStatus
	Error, Cause string
	StoppedAt    time.Time
	RedriveCount int
}

// NeverStartedEnd is the end of an execution whose row was written and that will not be started.
func NeverStartedEnd(name, why string, at time.Time) Ended {
	return Ended{Name: name, Status: Aborted, Error: NeverStarted, Cause: why, StoppedAt: at}
}

// NeedsFollowUp reports whether the end of an execution changes more than its row, such as a failure or an item of a
// replay. Until that is changed, the execution stays open, because the function that is to change it may die.
func (o Ended) NeedsFollowUp() bool {
	return IsReplayName(o.Name) || o.RedriveCount > 0 || o.Status == Failed || o.Status == TimedOut
}

// Published is what the Publish function did for an execution.
type Published struct {
	Name      string
	At        time.Time // zero: nothing was published
	Now       time.Time // when this is noted
	OutputKey string    // empty: the output was not stored
	Withheld  string    // why it was not published although it should have been
}

// History has the executions and failures of some versions of a resource.
type History struct {
	Executions []Execution // oldest version first, then in order of start
	Failures   []Failure   // oldest version first, then in time order
}

// FailureRate is what an execution adds to the average of the metric FailureRate.
func FailureRate(s ExecutionStatus) float64 {
	if s == Succeeded {
		return 0
	}
	return 100
}
