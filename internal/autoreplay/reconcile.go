package autoreplay

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/states"
)

// reconcileBudget is how many executions a run looks up. DescribeExecution refills at about ten a second, and the
// account's other users need some.
const reconcileBudget = 200

// reconcile looks up executions that are open for long: status events are best effort, one may never have come.
func (j *Job) reconcile(ctx context.Context, sum *Summary) error {
	by := j.now().Add(-j.settleAfter)
	for shard := range ledger.Shards {
		open, err := j.Book.OpenExecutions(ctx, shard, by, reconcileBudget/ledger.Shards)
		if err != nil {
			return err
		}
		for _, e := range open {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // out of time: the next run goes on
			}
			if err := j.lookUp(ctx, e, sum); err != nil {
				sum.Errors++
				j.Logger.ErrorContext(ctx, "open execution not looked up", "execution", e.Name, "error", err)
				if err := j.Book.CheckLater(ctx, e, j.now()); err != nil { // let others come first
					return err
				}
			}
		}
	}
	return nil
}

// messageLife is how long a message of the Replay queue can live. A start that has not happened by then never will.
const messageLife = 14 * 24 * time.Hour

func (j *Job) lookUp(ctx context.Context, e ledger.Execution, sum *Summary) error {
	d, err := j.Machine.Describe(ctx, e.Name)
	switch {
	case errors.Is(err, states.ErrNotFound):
		return j.unstarted(ctx, e, sum)
	case err != nil:
		return err
	case d.Status.Terminal():
		sum.Settled++
		return j.ended(ctx, d.Ended)
	}
	return j.Book.CheckLater(ctx, e, j.now()) // it runs; the next look is a threshold from now
}

// unstarted deals with an execution that Step Functions does not know: its start is in the Replay queue, or was given
// up, or Step Functions has forgotten it.
func (j *Job) unstarted(ctx context.Context, e ledger.Execution, sum *Summary) error {
	if j.now().Sub(e.StartedAt.Time) < messageLife {
		return j.Book.CheckLater(ctx, e, j.now())
	}
	sum.Settled++
	if e.Status.Terminal() { // failed, and its failure was never taken in
		return j.ended(ctx, ledger.Ended{
			Name: e.Name, ARN: e.ARN, Status: e.Status, Error: e.Error, Cause: e.Cause,
			StoppedAt: e.StoppedAt.Time, RedriveCount: e.RedriveCount,
		})
	}
	return j.Settler.Settle(ctx, []ledger.Ended{{
		Name: e.Name, ARN: e.ARN, Status: ledger.Aborted, Error: "NeverStarted", StoppedAt: j.now(),
		Cause: "Step Functions does not know this execution",
	}})[0]
}
