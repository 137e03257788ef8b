package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// The tally of a replay's items is spread over counters. DynamoDB cancels transactions that overlap on a row, and each
// item takes two transactions. At 300 starts a second, 600 transactions of 20 ms begin each second, and 12 are under
// way at a time. A transaction picks a random counter, and another one with each attempt. One attempt in ten meets
// another transaction.
//
// The counters are in several partitions, since 600 transactions write 1,200 units a second, and a partition takes
// 1,000. All counters of a partition are read at once: together they have less than 4 KB, one read unit.
const (
	counterPartitions = 4
	countersEach      = 32
)

func counterPartition(replayID string, n int) string {
	return fmt.Sprintf("P#%s#COUNT#%d", replayID, n)
}

// transactCounted writes rows and what they add to the tally of a replay, in one transaction.
func (l *table) transactCounted(
	ctx context.Context, doing string, writes []types.TransactWriteItem, replayID string, t domain.Tally,
) error {
	if t == (domain.Tally{}) {
		return l.transact(ctx, doing, writes)
	}
	return l.transactAnew(ctx, doing, func() []types.TransactWriteItem {
		n := rand.IntN(counterPartitions * countersEach) //nolint:gosec // spreads load, hides nothing
		c := newChange(counterPartition(replayID, n%counterPartitions), fmt.Sprintf("%02d", n/counterPartitions))
		return append(slices.Clip(writes), c.tally(t).transact(l.name))
	})
}

// tally adds to the tally of a row.
func (c *change) tally(t domain.Tally) *change {
	return c.Add("matched", t.Matched).Add("started", t.Started).Add("skipped", t.Skipped).
		Add("succeeded", t.Succeeded).Add("failed", t.Failed).Add("planned", t.Planned).Add("looked", t.Looked).Add("warned", t.Warned)
}

// counts sets the tally of a row.
func (c *change) counts(t domain.Tally) *change {
	return c.Set("matched", num(t.Matched)).Set("started", num(t.Started)).Set("skipped", num(t.Skipped)).
		Set("succeeded", num(t.Succeeded)).Set("failed", num(t.Failed)).Set("planned", num(t.Planned)).Set("looked", num(t.Looked)).
		Set("warned", num(t.Warned))
}

// unfinished is the number of open items in the row of a replay, for functions of an earlier release. They do not know
// counters, and may run while a new release is deployed: they must not take such a replay for done.
const unfinished = 1 << 40

// Count returns a replay with the tally of all its items. It reads the counters one after the other, so it may miss
// changes that are made meanwhile: it may count the outcome of an item and not its start.
func (l *Replays) Count(ctx context.Context, r domain.Replay) (domain.Replay, error) {
	if r.Status.Final() { // Finish has added them up
		return r, nil
	}
	r.Found = r.Matched
	for n := range counterPartitions {
		rows, _, err := query[domain.Tally](ctx, l.table, span{partition: counterPartition(r.ID, n), limit: countersEach})
		if err != nil {
			return r, fmt.Errorf("count items of replay %s: %w", r.ID, err)
		}
		for _, t := range rows {
			r.Tally = r.Plus(t)
		}
	}
	return r, nil
}

// Show is Count for people to read: no more items have ended than started, and no more have started than were found.
func (l *Replays) Show(ctx context.Context, r domain.Replay) (domain.Replay, error) {
	outcomes, err := l.Count(ctx, r)
	if err != nil || r.Status.Final() {
		return outcomes, err
	}
	r, err = l.Count(ctx, r)
	r.Skipped, r.Succeeded, r.Failed = outcomes.Skipped, outcomes.Succeeded, outcomes.Failed
	r.Planned, r.Warned = outcomes.Planned, outcomes.Warned
	return r, err
}
