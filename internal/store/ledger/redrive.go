package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/domain"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// BindRedrive binds an item to the failed run of an execution that it redrives, and takes over the run's failure, in
// one transaction and before the execution is redriven. An aborted execution has no failure: f is zero then, and its
// end must have been recorded. It returns ErrConflict if the item is bound already or finished, if the execution has
// another end or another redrive than was read, or if the failure was moved since.
//
// The execution is open from then on, in case no status event reports the end of the redrive.
func (l *Items) BindRedrive(ctx context.Context, i domain.Item, e domain.Execution, f domain.Failure, m domain.Move) error {
	at := domain.At(l.now())
	run := newChange(executionKey(e.Name)).Set("redriveId", str(i.ReplayID)).Set("redriveRun", num(e.RedriveCount+1)).
		Set("redrivePage", num(i.Page)).Set("redriveOrdinal", num(i.Ordinal)).Set("redriveStale", flag(e.RedriveStale)).
		Set("reopened", flag(true)).Set("tpk", str(openPartition(e.Name))).Set("tsk", str(at.String()+"#"+e.Name)).
		If("{status} = ? AND {redriveCount} = ?", str(string(e.Status)), num(e.RedriveCount)).
		If("attribute_not_exists({redriveRun}) OR {redriveRun} <= ?", num(e.RedriveCount))
	writes := []types.TransactWriteItem{bound(i, e.VersionID, e.Name).transact(l.name), run.transact(l.name)}
	moved := f
	if f.Execution != "" {
		var c *change
		c, moved = l.moveOf(f, m)
		writes = append(writes, c.transact(l.name))
	} else { // nothing else shows that the item of the previous run has its outcome
		run.If("attribute_not_exists({tpk})")
		writes[1] = run.transact(l.name)
	}
	if err := l.transact(ctx, "bind redrive to item of replay "+i.ReplayID, writes); err != nil {
		return err
	}
	if f.Execution != "" {
		l.countMove(f.Status, moved)
	}
	return nil
}

// WithdrawRedrive undoes BindRedrive for an execution that cannot be redriven, and quarantines the failure that the
// replay took over. It does nothing if the execution was redriven, or is bound to another replay.
func (l *Items) WithdrawRedrive(ctx context.Context, replayID string, e domain.Execution, why string) error {
	f, err := read[domain.Failure](ctx, l.table, key(failureKey(domain.FailureID(e.Name, e.RedriveRun-1))))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if f.Redrive == replayID && f.Status == domain.Retrying {
		c, moved := l.moveOf(f, domain.Move{To: domain.Quarantined, Decision: why})
		err := l.apply(ctx, c.If("{redrive} = ?", str(replayID)), "withdraw redrive of "+f.Execution)
		if err == nil {
			l.countMove(f.Status, moved)
		} else if !isConflict(err) {
			return err
		}
	}
	c := newChange(executionKey(e.Name)).Remove("redriveId", "redriveRun", "redrivePage", "redriveOrdinal", "redriveStale", "reopened", "tpk", "tsk").
		If("{redriveId} = ? AND {redriveRun} = ? AND {redriveCount} < ?", str(replayID), num(e.RedriveRun), num(e.RedriveRun))
	return ignoreConflict(l.apply(ctx, c, fmt.Sprintf("withdraw redrive of %s", e.Name)))
}
