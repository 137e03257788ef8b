package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// FailureStatus is where a failure stands.
type FailureStatus string

// Statuses of a failure. Those after Retrying are closed, except that a quarantined one can still heal.
const (
	Waiting     FailureStatus = "WAITING"      // until it is due
	Retrying    FailureStatus = "RETRYING"     // its automatic replay is queued or runs
	Healed      FailureStatus = "HEALED"       // a replay of it succeeded
	FailedAgain FailureStatus = "FAILED_AGAIN" // its automatic replay failed, that failure has a row of its own
	Superseded  FailureStatus = "SUPERSEDED"   // a newer event of the resource is responsible
	Quarantined FailureStatus = "QUARANTINED"  // kept for a person
	Closed      FailureStatus = "CLOSED"       // nothing to do: redriven and succeeded, or stopped by an operator
)

// Open reports whether auto-replay still has to look at the failure.
func (s FailureStatus) Open() bool { return s == Waiting || s == Retrying }

// Failure is the row of one failed run of an execution. Redriving an execution that fails again makes another row.
type Failure struct {
	keys
	Execution    string        `dynamodbav:"execution"`
	ARN          string        `dynamodbav:"arn,omitempty"`
	RedriveCount int           `dynamodbav:"redriveCount"`
	Status       FailureStatus `dynamodbav:"status"`
	ResourceID   string        `dynamodbav:"resourceId,omitempty"` // empty: the event has no usable id
	OwnerID      string        `dynamodbav:"ownerId,omitempty"`
	VersionID    string        `dynamodbav:"versionId,omitempty"` // empty: the event never reached the log
	RecordedAt   Stamp         `dynamodbav:"recordedAt,omitempty"`
	InputKey     string        `dynamodbav:"inputKey,omitempty"` // then: the object that keeps the input
	State        string        `dynamodbav:"state,omitempty"`    // name of the state that failed
	Error        string        `dynamodbav:"error"`
	Group        string        `dynamodbav:"group,omitempty"`     // error that it is retried for, together with others; empty: it is not
	Held         bool          `dynamodbav:"held,omitempty"`      // waits until its group lets it go, instead of for its due time
	Cause        string        `dynamodbav:"cause,omitempty"`     // the first MaxCauseBytes
	Root         string        `dynamodbav:"root"`                // its lineage: the execution that failed first, see LineageOf
	Attempt      int           `dynamodbav:"attempt"`             // automatic replays made before this failure
	StartedAt    Stamp         `dynamodbav:"startedAt,omitempty"` // of the root's execution
	FailedAt     Stamp         `dynamodbav:"failedAt"`
	FirstAt      Stamp         `dynamodbav:"firstAt"` // when the root failed
	DueAt        Stamp         `dynamodbav:"dueAt,omitempty"`
	Decision     string        `dynamodbav:"decision,omitempty"` // what was decided last, and why
	HealedBy     string        `dynamodbav:"healedBy,omitempty"` // name of the execution that succeeded
	ReplayID     string        `dynamodbav:"replayId,omitempty"` // of a replay that a person asked for
}

// FailurePartition is the partition key of a failure, by which an execution that heals it refers to it.
func FailurePartition(execution string, redriveCount int) string {
	return "F#" + execution + "#" + strconv.Itoa(redriveCount)
}

// LineageOf names the lineage that a failure begins: those of its automatic replays have it as their root, and count
// their attempts within it. Each redriven run begins one of its own.
func LineageOf(execution string, redriveCount int) string {
	if redriveCount == 0 {
		return execution
	}
	return execution + "#" + strconv.Itoa(redriveCount) // no name of an execution has this sign
}

// FirstOf returns the partition key of the failure that began a lineage.
func FirstOf(lineage string) string {
	if strings.Contains(lineage, "#") {
		return "F#" + lineage
	}
	return FailurePartition(lineage, 0)
}

const failureSort = "F"

func (f *Failure) id() string { return f.Execution + "#" + strconv.Itoa(f.RedriveCount) }

func quarantinePartition(shard string) string { return "Q#" + shard }

// quarantineSort is the place of a failure in the quarantine, also of one that has left it.
func (f *Failure) quarantineSort() string { return f.FailedAt.String() + "#" + f.id() }

func duePartition(shard string) string { return "DUE#" + shard }

func (f *Failure) index() {
	f.PK, f.SK = FailurePartition(f.Execution, f.RedriveCount), failureSort
	if f.ResourceID != "" {
		f.RPK = resourcePartition(f.ResourceID)
		f.RSK = historySort(f.RecordedAt, f.FailedAt, "F", f.id())
	}
	switch {
	case f.Status == Quarantined:
		f.GPK, f.GSK = quarantinePartition(shard(f.Execution)), f.quarantineSort()
	case f.Status.Open() && f.Held: // due when it is too old to be held on
		f.TPK, f.TSK = duePartition(shard(f.Execution)), f.DueAt.String()+"#"+f.id()
		f.GPK, f.GSK = heldPartition(f.Group, shard(f.Execution)), f.heldSort()
	case f.Status.Open():
		f.TPK, f.TSK = duePartition(shard(f.Execution)), f.DueAt.String()+"#"+f.id()
		if f.Group != "" {
			f.GPK, f.GSK = openPartitionOf(f.Group, shard(f.Execution)), f.FailedAt.String()+"#"+f.id()
		}
	}
}

// Failure returns a failure by its partition key, or ErrNotFound.
func (l *Ledger) Failure(ctx context.Context, partition string) (Failure, error) {
	var f Failure
	err := l.get(ctx, partition, failureSort, &f)
	return f, err
}

// AddFailure inserts a failure. If there is one, it returns that with ErrConflict.
func (l *Ledger) AddFailure(ctx context.Context, f Failure) (Failure, error) {
	f.index()
	var existing Failure
	if err := l.insert(ctx, f, &existing); err != nil {
		return existing, err
	}
	l.countNew(f)
	return f, nil
}

// Move is a change of a failure's status.
type Move struct {
	To       FailureStatus
	Decision string // why
	DueAt    time.Time
	HealedBy string
	Hold     bool // until its group lets it go
}

// MoveFailure changes the status of a failure that has one of the given statuses. Otherwise it returns ErrConflict.
func (l *Ledger) MoveFailure(ctx context.Context, f Failure, m Move, from ...FailureStatus) error {
	if !slices.Contains(from, f.Status) {
		return fmt.Errorf("move failure of %s from %s to %s: %w", f.Execution, f.Status, m.To, ErrConflict)
	}
	was := f.Status
	f.Status, f.DueAt, f.Held = m.To, At(m.DueAt), m.Hold
	f.keys = keys{}
	f.index()
	c := newChange(f.PK, f.SK).
		Set("status", str(string(m.To))).Set("decision", str(m.Decision)).Set("healedBy", str(m.HealedBy)).
		Set("dueAt", str(f.DueAt.String())).Set("held", flag(m.Hold)).
		Set("tpk", str(f.TPK)).Set("tsk", str(f.TSK)).Set("gpk", str(f.GPK)).Set("gsk", str(f.GSK)).
		If("{status} = ?", str(string(was)))
	if f.TPK == "" {
		c.Remove("tpk", "tsk")
	}
	if f.GPK == "" {
		c.Remove("gpk", "gsk")
	}
	if _, err := l.update(ctx, c); err != nil {
		return conflict(err, nil, "move failure of "+f.Execution)
	}
	l.countMove(was, f)
	return nil
}

// Due returns at most limit failures of one shard (0 to Shards-1) that are due, oldest first, and the cursor of those
// that follow, empty if none do.
func (l *Ledger) Due(ctx context.Context, shard int, now time.Time, cursor string, limit int) ([]Failure, string, error) {
	return upTo[Failure](ctx, l, duePartition(strconv.Itoa(shard)), now, cursor, limit)
}

// OpenExecutions returns at most limit executions of one shard (0 to Shards-1) that are open and were to be looked at
// by now, oldest first, and the cursor of those that follow, empty if none do. Those that skip knows by their name are
// left out, and their rows are not read; nil: none are.
func (l *Ledger) OpenExecutions(ctx context.Context, shard int, by time.Time, skip func(name string) bool, cursor string, limit int) ([]Execution, string, error) {
	found, more, err := l.keysOf(ctx, openSpan(shard, by, cursor, limit))
	if err != nil || len(found) == 0 {
		return nil, "", err
	}
	next := ""
	if more {
		next = textOf(found[len(found)-1], schema.ByTime.SortKey)
	}
	if skip != nil {
		found = slices.DeleteFunc(found, func(it item) bool {
			return skip(strings.TrimPrefix(textOf(it, schema.PartitionKey), executionPrefix))
		})
	}
	rows, err := fetched[Execution](ctx, l, found)
	return rows, next, err
}

func openSpan(shard int, by time.Time, cursor string, limit int) span {
	return span{index: &schema.ByTime, partition: "OPEN#" + strconv.Itoa(shard), after: behind(cursor), until: untilTime(by), limit: limit}
}

// upTo reads rows of a partition of byTime in order.
func upTo[T any](ctx context.Context, l *Ledger, partition string, by time.Time, cursor string, limit int) (rows []T, next string, err error) {
	found, more, err := l.keysOf(ctx, span{
		index: &schema.ByTime, partition: partition, after: behind(cursor), until: untilTime(by), limit: limit,
	})
	if err != nil || len(found) == 0 {
		return nil, "", err
	}
	if more {
		next = textOf(found[len(found)-1], schema.ByTime.SortKey)
	}
	rows, err = fetched[T](ctx, l, found)
	return rows, next, err
}

// untilTime is the last sort key of byTime up to a time.
func untilTime(by time.Time) string { return At(by).String() + "#~" }

// behind is the first sort key that follows a cursor. A range of which both ends are given includes them.
func behind(cursor string) string {
	if cursor == "" {
		return ""
	}
	return cursor + " "
}

// QuarantineFilter narrows the quarantine. The zero value selects all of it.
type QuarantineFilter struct {
	Since, Until time.Time         // failed at Since or after, and before Until; zero: no bound
	Error        func(string) bool // nil: every error
}

// Quarantine returns a page of the quarantined failures, newest first, and the cursor of the next page. With a filter, a
// page may have fewer entries than the limit although others follow.
func (l *Ledger) Quarantine(ctx context.Context, filter QuarantineFilter, cursor string, limit int) ([]Failure, string, error) {
	if cursor == "" && !filter.Until.IsZero() {
		cursor = At(filter.Until).String()
	}
	var found []Failure
	for range maxFilteredPages {
		rows, more, err := l.quarantined(ctx, cursor, limit)
		if err != nil {
			return nil, "", err
		}
		for _, f := range rows {
			if f.FailedAt.Before(filter.Since) {
				return found, "", nil
			}
			cursor = f.quarantineSort()
			// What left the quarantine since may still be in the index. It counts for the cursor only.
			if f.Status == Quarantined && (filter.Error == nil || filter.Error(f.Error)) {
				found = append(found, f)
			}
			if len(found) == limit {
				return found, cursor, nil
			}
		}
		if !more {
			return found, "", nil
		}
	}
	return found, cursor, nil
}

// quarantined merges the shards of the quarantine, with what the index still has although it has left.
func (l *Ledger) quarantined(ctx context.Context, cursor string, limit int) (all []Failure, more bool, err error) {
	for s := range Shards {
		rows, follow, err := query[Failure](ctx, l, span{
			index: &schema.ByGroup, partition: quarantinePartition(strconv.Itoa(s)), after: cursor, newest: true, limit: limit,
		})
		if err != nil {
			return nil, false, err
		}
		all, more = append(all, rows...), more || follow
	}
	slices.SortFunc(all, func(a, b Failure) int { return strings.Compare(b.quarantineSort(), a.quarantineSort()) })
	if len(all) > limit {
		all, more = all[:limit], true
	}
	return all, more, nil
}
