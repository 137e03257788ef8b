package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/naming"
)

// ExecutionStatus is what the ledger knows of an execution. Beside the statuses of Step Functions there is Starting.
type ExecutionStatus string

// Statuses of an execution.
const (
	Starting  ExecutionStatus = "STARTING" // the row is written, the execution is about to be started
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

// NeverStarted is the error of an execution that was announced, and then was not started.
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
	keys
	Name         string          `dynamodbav:"name"`
	ARN          string          `dynamodbav:"arn,omitempty"`
	Mode         Mode            `dynamodbav:"mode"`
	Status       ExecutionStatus `dynamodbav:"status"`
	ResourceID   string          `dynamodbav:"resourceId,omitempty"`
	OwnerID      string          `dynamodbav:"ownerId,omitempty"`
	VersionID    string          `dynamodbav:"versionId,omitempty"`
	RecordedAt   Stamp           `dynamodbav:"recordedAt,omitempty"`
	StartedAt    Stamp           `dynamodbav:"startedAt"`
	Place        Stamp           `dynamodbav:"place,omitempty"` // of a replay: when the first execution of its event started
	StoppedAt    Stamp           `dynamodbav:"stoppedAt,omitempty"`
	RedriveCount int             `dynamodbav:"redriveCount"`
	Error        string          `dynamodbav:"error,omitempty"`
	Cause        string          `dynamodbav:"cause,omitempty"` // the first MaxCauseBytes

	PublishedAt Stamp  `dynamodbav:"publishedAt,omitempty"`
	OutputKey   string `dynamodbav:"outputKey,omitempty"`
	Superseded  bool   `dynamodbav:"superseded,omitempty"` // a replay whose output was not published: see Withheld
	Withheld    string `dynamodbav:"withheld,omitempty"`   // why

	// Of replays.
	Reason   string `dynamodbav:"reason,omitempty"`
	Attempt  int    `dynamodbav:"attempt,omitempty"`  // auto, restart: from 1
	Root     string `dynamodbav:"root,omitempty"`     // auto, restart: the execution that failed first
	Failure  string `dynamodbav:"failure,omitempty"`  // auto, restart, unrecorded: partition key of the failure that it heals
	ReplayID string `dynamodbav:"replayId,omitempty"` // api
	Page     int    `dynamodbav:"page,omitempty"`     // api
	Ordinal  int    `dynamodbav:"ordinal,omitempty"`  // api
	Index    int    `dynamodbav:"index,omitempty"`    // api: place in the series
	Target   string `dynamodbav:"target,omitempty"`   // api
	Suppress bool   `dynamodbav:"suppress,omitempty"` // api: the output is not published
	Patched  bool   `dynamodbav:"patched,omitempty"`  // api: the event is under derived/

	AllowStale bool  `dynamodbav:"allowStale,omitempty"` // api: it may be published after newer events
	Over       Stamp `dynamodbav:"over,omitempty"`       // api, of a series: the newest place that it may be published after

	Unrecorded bool `dynamodbav:"unrecorded,omitempty"` // api: the kept input of an execution that never reached the log

	Source string `dynamodbav:"source,omitempty"` // api, of a republish: the execution whose output is sent
}

// Placed returns where the event of an execution stands among those of its resource.
func (e Execution) Placed() Stamp {
	if e.Place.IsZero() {
		return e.StartedAt
	}
	return e.Place
}

// MaxCauseBytes is how much of a cause the ledger keeps. The whole of it is in Step Functions.
const MaxCauseBytes = 1024

// Excerpt cuts a cause to what the ledger keeps, on a character boundary.
func Excerpt(cause string) string {
	if len(cause) <= MaxCauseBytes {
		return cause
	}
	return strings.ToValidUTF8(cause[:MaxCauseBytes], "")
}

const executionPrefix = "X#"

func executionKey(name string) (pk, sk string) { return executionPrefix + name, "X" }

func openPartition(name string) string { return "OPEN#" + shard(name) }

// index fills the keys of a row that is open: it is to be looked at when checkAt has come.
func (e *Execution) index(checkAt time.Time) {
	e.PK, e.SK = executionKey(e.Name)
	if e.ResourceID != "" {
		e.RPK = resourcePartition(e.ResourceID)
		e.RSK = historySort(e.RecordedAt, e.StartedAt, "X", e.Name)
	}
	if !e.Status.Terminal() {
		e.TPK, e.TSK = openPartition(e.Name), At(checkAt).String()+"#"+e.Name
	}
}

func resourcePartition(resourceID string) string { return "R#" + resourceID }

// Execution returns the row of an execution, or ErrNotFound.
func (l *Ledger) Execution(ctx context.Context, name string) (Execution, error) {
	var e Execution
	pk, sk := executionKey(name)
	err := l.get(ctx, pk, sk, &e)
	return e, err
}

// AddExecution inserts the row of an execution. If there is one, it returns that with ErrConflict.
func (l *Ledger) AddExecution(ctx context.Context, e Execution) (Execution, error) {
	e.index(e.StartedAt.Time)
	var existing Execution
	if err := l.insert(ctx, e, &existing); err != nil {
		return existing, err
	}
	return e, nil
}

// Recorded is what the Record function learns about an execution whose row exists already.
type Recorded struct {
	Name       string
	ARN        string
	StartedAt  time.Time
	ResourceID string // only of a restarted execution, which had none before
	OwnerID    string
	VersionID  string
	RecordedAt time.Time
}

// MarkRunning completes the row of a replay when its execution has started. For one that has ended before, and was
// redriven, it returns the row as it is with ErrConflict.
func (l *Ledger) MarkRunning(ctx context.Context, r Recorded) (Execution, error) {
	c := r.change().Set("status", str(string(Running))).
		If("attribute_exists({pk}) AND {status} IN (?, ?)", str(string(Starting)), str(string(Running)))
	return l.updateExecution(ctx, c, "mark execution running")
}

// SetRecorded completes the row of a restarted execution with the version that it recorded, whatever its status.
func (l *Ledger) SetRecorded(ctx context.Context, r Recorded) (Execution, error) {
	return l.updateExecution(ctx, r.change().If("attribute_exists({pk})"), "set version of execution")
}

func (r Recorded) change() *change {
	pk, sk := executionKey(r.Name)
	c := newChange(pk, sk).
		Set("arn", str(r.ARN)).Set("resourceId", str(r.ResourceID)).Set("ownerId", str(r.OwnerID)).
		Set("versionId", str(r.VersionID)).Set("recordedAt", str(At(r.RecordedAt).String())).
		Set("startedAt", str(At(r.StartedAt).String()))
	if r.ResourceID != "" {
		c.Set("rpk", str(resourcePartition(r.ResourceID))).
			Set("rsk", str(historySort(At(r.RecordedAt), At(r.StartedAt), "X", r.Name)))
	}
	return c
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

// FollowedUp reports whether the end of an execution moves more than its row: a failure, an item of a replay. Until that
// has moved, the execution stays open: whoever is to move it may die.
func (o Ended) FollowedUp() bool {
	return naming.Replay(o.Name) || o.RedriveCount > 0 || o.Status == Failed || o.Status == TimedOut
}

// Settle records how an execution ended. A row moves only forward, by redrive count and stop time: for anything older
// than what it knows, Settle returns the row as it is with ErrConflict. It returns ErrNotFound if there is no row. That an
// execution was never started is what we took for granted: whatever Step Functions says of its end is newer.
//
// One that is followed up stays among the open executions until TakenIn: a message may get lost, a function may die.
func (l *Ledger) Settle(ctx context.Context, o Ended) (Execution, error) {
	pk, sk := executionKey(o.Name)
	stop := str(At(o.StoppedAt).String())
	c := newChange(pk, sk).
		Set("status", str(string(o.Status))).Set("arn", str(o.ARN)).Set("stoppedAt", stop).
		Set("redriveCount", num(o.RedriveCount)).Remove("reopened")
	if o.Error == NeverStarted {
		c.If("attribute_exists({pk}) AND (attribute_not_exists({stoppedAt}) OR ({error} = ? AND {stoppedAt} < ?))",
			str(NeverStarted), stop)
	} else {
		c.If("attribute_exists({pk}) AND (attribute_not_exists({stoppedAt}) OR {redriveCount} < ? OR {error} = ? OR "+
			"({redriveCount} = ? AND {stoppedAt} < ?))", num(o.RedriveCount), str(NeverStarted), num(o.RedriveCount), stop)
	}
	for attr, v := range map[string]string{"error": o.Error, "cause": Excerpt(o.Cause)} {
		if v == "" || o.Status == Succeeded {
			c.Remove(attr) // of an earlier run
		} else {
			c.Set(attr, str(v))
		}
	}
	if o.FollowedUp() {
		c.Set("tpk", str(openPartition(o.Name))).Set("tsk", str(At(o.StoppedAt).String()+"#"+o.Name))
	} else {
		c.Remove("tpk", "tsk")
	}
	row, err := l.updateExecution(ctx, c, "settle execution")
	if err == nil {
		l.rateEnd(row)
	}
	return row, err
}

// TakenIn takes an ended execution out of the open ones, once its failure has a row or needs none. One that MarkPublished
// has opened again stays: it had been redriven, and its new end is still to be learned.
func (l *Ledger) TakenIn(ctx context.Context, name string) error {
	pk, sk := executionKey(name)
	c := newChange(pk, sk).Remove("tpk", "tsk").If("attribute_exists({stoppedAt}) AND attribute_not_exists({reopened})")
	return l.takeIn(ctx, c)
}

// LookedUp takes an execution out of the open ones whose end was just asked for and settled, unless it was opened again
// since the given row was read.
func (l *Ledger) LookedUp(ctx context.Context, e Execution) error {
	pk, sk := executionKey(e.Name)
	c := newChange(pk, sk).Remove("tpk", "tsk", "reopened").If("attribute_exists({stoppedAt}) AND {tsk} = ?", str(e.TSK))
	return l.takeIn(ctx, c)
}

func (l *Ledger) takeIn(ctx context.Context, c *change) error {
	_, err := l.updateExecution(ctx, c, "take in execution")
	if errors.Is(err, ErrNotFound) || isConflict(err) { // no row, or it was redriven and runs
		return nil
	}
	return err
}

// SetCause adds the cause to the row of a failed execution that was settled without one.
func (l *Ledger) SetCause(ctx context.Context, o Ended) error {
	pk, sk := executionKey(o.Name)
	c := newChange(pk, sk).Set("cause", str(Excerpt(o.Cause))).
		If("{redriveCount} = ? AND {stoppedAt} = ?", num(o.RedriveCount), str(At(o.StoppedAt).String()))
	if len(c.set) == 0 {
		return nil
	}
	if _, err := l.updateExecution(ctx, c, "set cause of execution"); err != nil && !isConflict(err) {
		return err
	}
	return nil
}

// CheckLater moves an open execution back in the list of those to look at. One that is settled by now is left alone.
func (l *Ledger) CheckLater(ctx context.Context, e Execution, at time.Time) error {
	pk, sk := executionKey(e.Name)
	c := newChange(pk, sk).CheckAt(at, e.Name)
	if _, err := l.updateExecution(ctx, c, "postpone check of execution"); err != nil && !isConflict(err) {
		return err
	}
	return nil
}

func (l *Ledger) updateExecution(ctx context.Context, c *change, doing string) (Execution, error) {
	var e Execution
	out, err := l.update(ctx, c)
	if err := conflict(err, &e, doing); err != nil {
		if e.Name == "" && isConflict(err) { // no row at all
			return e, fmt.Errorf("%s: %w", doing, ErrNotFound)
		}
		return e, err
	}
	return e, unmarshal(out.Attributes, &e)
}

func (l *Ledger) executionPut(e Execution) (types.TransactWriteItem, error) {
	e.index(e.StartedAt.Time)
	put, err := l.putNew(e)
	return types.TransactWriteItem{Put: put}, err
}
