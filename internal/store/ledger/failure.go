package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func failureKey(id string) (pk, sk string) { return id, "F" }

// failureEnd distinguishes failures of the same time in the sort keys of indexes.
func failureEnd(f domain.Failure) string { return f.Execution + "#" + strconv.Itoa(f.RedriveCount) }

func quarantinePartition(shard string) string { return "Q#" + shard }

// closedPartition lists the failures that a person has closed.
func closedPartition(shard string) string { return "CLOSED#" + shard }

func duePartition(shard string) string { return "DUE#" + shard }

func failureKeys(f domain.Failure) (k keys) {
	k.PK, k.SK = failureKey(f.ID())
	if f.ResourceID != "" {
		k.RPK = resourcePartition(f.ResourceID)
		k.RSK = historySort(f.RecordedAt, f.FailedAt, "F", failureEnd(f))
	}
	switch {
	case f.Status == domain.Quarantined:
		k.GPK, k.GSK = quarantinePartition(shard(f.Execution)), failureSortKey(f, f.FailedAt)
	case f.ListedAs() == replay.FailureClosed:
		k.GPK, k.GSK = closedPartition(shard(f.Execution)), failureSortKey(f, f.FailedAt)
	case f.Status.Open() && f.Held: // due once it is too old to be held
		k.TPK, k.TSK = duePartition(shard(f.Execution)), failureSortKey(f, f.DueAt)
		k.GPK, k.GSK = heldPartition(f.Storm, shard(f.Execution)), heldSort(f)
	case f.Status.Open():
		k.TPK, k.TSK = duePartition(shard(f.Execution)), failureSortKey(f, f.DueAt)
		if f.Storm != "" {
			k.GPK, k.GSK = openPartitionOf(f.Storm, shard(f.Execution)), f.FailedAt.String()+"#"+failureEnd(f)
		}
	}
	return k
}

// Get returns a failure by its id, or ErrNotFound.
func (l *Failures) Get(ctx context.Context, id string) (domain.Failure, error) {
	return read[domain.Failure](ctx, l.table, key(failureKey(id)))
}

// Add inserts a failure. If the row exists, it returns that row with ErrConflict.
func (l *Failures) Add(ctx context.Context, f domain.Failure) (domain.Failure, error) {
	f.ChangedAt = domain.At(l.now())
	var existing domain.Failure
	if err := l.insert(ctx, failureKeys(f), f, &existing); err != nil {
		return existing, err
	}
	l.countNew(f)
	return f, nil
}

// Move changes the status of a failure that has one of the given statuses. Otherwise it returns ErrConflict.
func (l *Failures) Move(ctx context.Context, f domain.Failure, m domain.Move, from ...domain.FailureStatus) error {
	if !slices.Contains(from, f.Status) {
		return fmt.Errorf("move failure of %s from %s to %s: %w", f.Execution, f.Status, m.To, ErrConflict)
	}
	c, moved := l.moveOf(f, m)
	if err := l.apply(ctx, c, "move failure of "+f.Execution); err != nil {
		return err
	}
	l.countMove(f.Status, moved)
	return nil
}

// moveOf returns the change that moves a failure if it is still as it was read, and the failure as it is then.
func (l *table) moveOf(f domain.Failure, m domain.Move) (*change, domain.Failure) {
	was := f
	f.Status, f.DueAt, f.Held, f.Redrive = m.To, domain.At(m.DueAt), m.Hold, m.Redrive
	if m.Job != "" {
		f.Job = m.Job
	}
	if f.ListedAs() != was.ListedAs() || f.Status != was.Status {
		f.ChangedAt = domain.At(l.now())
	}
	k := failureKeys(f)
	c := newChange(k.PK, k.SK).
		Set("status", str(string(m.To))).Set("decision", str(m.Decision)).Set("healedBy", str(m.HealedBy)).
		Set("dueAt", str(f.DueAt.String())).Set("held", flag(m.Hold)).
		Set("changedAt", str(f.ChangedAt.String())).Set("job", str(f.Job)).Set("redrive", str(f.Redrive)).
		Set("tpk", str(k.TPK)).Set("tsk", str(k.TSK)).Set("gpk", str(k.GPK)).Set("gsk", str(k.GSK)).
		If("{status} = ?", str(string(was.Status)))
	if was.Redrive != "" && f.Redrive == "" {
		c.Remove("redrive")
	}
	if k.TPK == "" {
		c.Remove("tpk", "tsk")
	}
	if k.GPK == "" {
		c.Remove("gpk", "gsk")
	}
	return c, f
}

// Due returns at most limit failures of one shard (0 to Shards-1) that are due, oldest first, and the cursor of the
// next page, empty after the last.
func (l *Failures) Due(
	ctx context.Context, shard int, now time.Time, cursor string, limit int,
) ([]domain.Failure, string, error) {
	return upTo[domain.Failure](ctx, l.table, duePartition(strconv.Itoa(shard)), now, cursor, limit)
}

// Find returns the failures with the given ids that exist.
func (l *Failures) Find(ctx context.Context, ids []string) ([]domain.Failure, error) {
	return fetched[domain.Failure](ctx, l.table, keysFor(ids, failureKey))
}

// Explain adds to a failure what became known later: the state that failed, and the cause.
func (l *Failures) Explain(ctx context.Context, f domain.Failure, state, cause string) error {
	if state == "" && cause == "" {
		return nil
	}
	c := newChange(failureKey(f.ID())).Set("state", str(state)).Set("cause", str(cause)).If("attribute_exists({pk})")
	if f.Status == domain.Quarantined && state != "" { // the state is in its key
		f.State = state
		c.Set("gsk", str(failureKeys(f).GSK)).If("{status} = ?", str(string(f.Status)))
	}
	return ignoreConflict(l.apply(ctx, c, "explain failure of "+f.Execution))
}
