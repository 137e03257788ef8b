package autoreplay

import (
	"context"
	"errors"

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
			}
		}
	}
	return nil
}

func (j *Job) lookUp(ctx context.Context, e ledger.Execution, sum *Summary) error {
	d, err := j.Machine.Describe(ctx, e.Name)
	if err != nil && !errors.Is(err, states.ErrNotFound) {
		return err
	}
	if err == nil && d.Status.Terminal() {
		sum.Settled++
		return j.ended(ctx, d.Ended)
	}
	// It runs, or its start is still in the Replay queue. The next look is a threshold from now.
	return j.Book.CheckLater(ctx, e, j.now())
}
