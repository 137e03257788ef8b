package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

const executionPrefix = "X#"

func executionKey(name string) (pk, sk string) { return executionPrefix + name, "X" }

func openPartition(name string) string { return "OPEN#" + shard(name) }

// executionKeys are the keys of a new row. An open execution is listed for a check from its start on.
func executionKeys(e domain.Execution) (k keys) {
	k.PK, k.SK = executionKey(e.Name)
	if e.ResourceID != "" {
		k.RPK = resourcePartition(e.ResourceID)
		k.RSK = historySort(e.RecordedAt, e.StartedAt, "X", e.Name)
	}
	if !e.Status.Terminal() {
		k.TPK, k.TSK = openPartition(e.Name), e.StartedAt.String()+"#"+e.Name
	}
	return k
}

func resourcePartition(resourceID string) string { return "R#" + resourceID }

// Get returns the row of an execution, or ErrNotFound.
func (l *Executions) Get(ctx context.Context, name string) (domain.Execution, error) {
	return read[domain.Execution](ctx, l.table, key(executionKey(name)))
}

// Add inserts the row of an execution. If the row exists, it returns that row with ErrConflict.
func (l *Executions) Add(ctx context.Context, e domain.Execution) (domain.Execution, error) {
	var existing domain.Execution
	if err := l.insert(ctx, executionKeys(e), e, &existing); err != nil {
		return existing, err
	}
	return e, nil
}

// MarkRunning completes the row of a replay once its execution has started. If the execution had ended and was
// redriven, it returns the row as it is with ErrConflict.
func (l *Executions) MarkRunning(ctx context.Context, r domain.Recorded) (domain.Execution, error) {
	c := recorded(r).Set("status", str(string(domain.Running))).
		If("attribute_exists({pk}) AND {status} IN (?, ?)", str(string(domain.Starting)), str(string(domain.Running)))
	return l.updateExecution(ctx, c, "mark execution running")
}

// SetRecorded completes the row of a restarted execution with the version that it recorded, whatever its status.
func (l *Executions) SetRecorded(ctx context.Context, r domain.Recorded) (domain.Execution, error) {
	return l.updateExecution(ctx, recorded(r).If("attribute_exists({pk})"), "set version of execution")
}

func recorded(r domain.Recorded) *change {
	c := newChange(executionKey(r.Name)).
		Set("arn", str(r.ARN)).Set("resourceId", str(r.ResourceID)).Set("ownerId", str(r.OwnerID)).
		Set("versionId", str(r.VersionID)).Set("recordedAt", str(domain.At(r.RecordedAt).String())).
		Set("startedAt", str(domain.At(r.StartedAt).String()))
	if r.ResourceID != "" {
		c.Set("rpk", str(resourcePartition(r.ResourceID))).
			Set("rsk", str(historySort(domain.At(r.RecordedAt), domain.At(r.StartedAt), "X", r.Name)))
	}
	return c
}

// RecordOutcome records how an execution ended. A row only moves forward, by redrive count and stop time: if the row is
// newer than the outcome, RecordOutcome returns the row as it is with ErrConflict. It returns ErrNotFound if there is
// no row. NeverStarted is only assumed, so any end that Step Functions reports replaces it.
//
// An execution that needs a follow-up stays open until MarkFollowedUp, because a message may get lost or a function may
// die.
func (l *Executions) RecordOutcome(ctx context.Context, o domain.Ended) (domain.Execution, error) {
	stop := str(domain.At(o.StoppedAt).String())
	c := newChange(executionKey(o.Name)).
		Set("status", str(string(o.Status))).Set("arn", str(o.ARN)).Set("stoppedAt", stop).
		Set("redriveCount", num(o.RedriveCount)).Remove("reopened")
	if o.Error == domain.NeverStarted {
		c.If("attribute_exists({pk}) AND (attribute_not_exists({stoppedAt}) OR ({error} = ? AND {stoppedAt} < ?))",
			str(domain.NeverStarted), stop)
	} else {
		c.If("attribute_exists({pk}) AND (attribute_not_exists({stoppedAt}) OR {redriveCount} < ? OR {error} = ? OR "+
			"({redriveCount} = ? AND {stoppedAt} < ?))", num(o.RedriveCount), str(domain.NeverStarted), num(o.RedriveCount), stop)
	}
	for attr, v := range map[string]string{"error": o.Error, "cause": domain.Excerpt(o.Cause)} {
		if v == "" || o.Status == domain.Succeeded {
			c.Remove(attr) // of an earlier run
		} else {
			c.Set(attr, str(v))
		}
	}
	if o.NeedsFollowUp() {
		c.Set("tpk", str(openPartition(o.Name))).Set("tsk", str(domain.At(o.StoppedAt).String()+"#"+o.Name))
	} else {
		c.Remove("tpk", "tsk")
	}
	row, err := l.updateExecution(ctx, c, "record outcome of execution")
	if err == nil {
		l.rateEnd(row)
	}
	return row, err
}

// MarkFollowedUp takes an ended execution out of the open ones, once its failure has a row or needs none. An execution
// that MarkPublished has opened again stays open: it was redriven, and its new end is not known yet.
func (l *Executions) MarkFollowedUp(ctx context.Context, name string) error {
	c := newChange(executionKey(name)).Remove("tpk", "tsk").If("attribute_exists({stoppedAt}) AND attribute_not_exists({reopened})")
	return l.removeOpen(ctx, c)
}

// MarkLookedUp takes an execution out of the open ones, after its end was looked up and recorded. It does nothing if
// the execution was opened again since the given row was read.
func (l *Executions) MarkLookedUp(ctx context.Context, e domain.Execution) error {
	c := newChange(executionKey(e.Name)).Remove("tpk", "tsk", "reopened").
		If("attribute_exists({stoppedAt}) AND {tsk} = ?", str(e.CheckAt.String()+"#"+e.Name))
	return l.removeOpen(ctx, c)
}

func (l *Executions) removeOpen(ctx context.Context, c *change) error {
	_, err := l.updateExecution(ctx, c, "remove execution from the open ones")
	if errors.Is(err, ErrNotFound) || isConflict(err) { // there is no row, or the execution was redriven and runs
		return nil
	}
	return err
}

// SetCause adds the cause to the row of a failed execution whose outcome was recorded without one.
func (l *Executions) SetCause(ctx context.Context, o domain.Ended) error {
	c := newChange(executionKey(o.Name)).Set("cause", str(domain.Excerpt(o.Cause))).
		If("{redriveCount} = ? AND {stoppedAt} = ?", num(o.RedriveCount), str(domain.At(o.StoppedAt).String()))
	if len(c.set) == 0 {
		return nil
	}
	_, err := l.updateExecution(ctx, c, "set cause of execution")
	return ignoreConflict(err)
}

// CheckLater moves an open execution back in the list of executions to check. It does nothing if the outcome is known
// by now.
func (l *Executions) CheckLater(ctx context.Context, e domain.Execution, at time.Time) error {
	c := newChange(executionKey(e.Name)).CheckAt(at, e.Name)
	_, err := l.updateExecution(ctx, c, "postpone check of execution")
	return ignoreConflict(err)
}

func (l *Executions) updateExecution(ctx context.Context, c *change, doing string) (domain.Execution, error) {
	e, err := applied[domain.Execution](ctx, l.table, c, doing)
	if e.Name == "" && isConflict(err) { // there is no row
		err = fmt.Errorf("%s: %w", doing, ErrNotFound)
	}
	return e, err
}

func (l *table) executionPut(e domain.Execution) (types.TransactWriteItem, error) {
	put, err := l.putNew(executionKeys(e), e)
	return types.TransactWriteItem{Put: put}, err
}
