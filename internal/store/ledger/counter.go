package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// What the items of a replay add up to is spread over counters. DynamoDB cancels transactions that overlap on one row,
// and each item has two of them: 600 of 20 ms a second at 300 starts, so that 12 are under way at a time. A transaction
// takes any counter, and another one at each try. It meets another one at a tenth of the tries.
//
// They are in several partitions, since these 600 write 1,200 units a second and a partition takes 1,000. All counters
// of one of them are read at once: they have less than 4 KB, a read unit.
const (
	counterPartitions = 4
	countersEach      = 32
)

func counterPartition(replayID string, n int) string {
	return fmt.Sprintf("P#%s#COUNT#%d", replayID, n)
}

// transactCounted writes rows, and what they add to the counts of a replay, all or none.
func (l *table) transactCounted(ctx context.Context, doing string, writes []types.TransactWriteItem, replayID string, t domain.Tally) error {
	if t == (domain.Tally{}) {
		return l.transact(ctx, doing, writes)
	}
	return l.transactAnew(ctx, doing, func() []types.TransactWriteItem {
		n := rand.IntN(counterPartitions * countersEach) //nolint:gosec // it only has to spread
		c := newChange(counterPartition(replayID, n%counterPartitions), fmt.Sprintf("%02d", n/counterPartitions))
		return append(slices.Clip(writes), c.tally(t).transact(l.name))
	})
}

// tally adds to the counts of a row.
func (c *change) tally(t domain.Tally) *change {
	return c.Add("matched", t.Matched).Add("started", t.Started).Add("skipped", t.Skipped).
		Add("succeeded", t.Succeeded).Add("failed", t.Failed).Add("planned", t.Planned).Add("looked", t.Looked).Add("warned", t.Warned)
}

// counts sets the counts of a row.
func (c *change) counts(t domain.Tally) *change {
	return c.Set("matched", num(t.Matched)).Set("started", num(t.Started)).Set("skipped", num(t.Skipped)).
		Set("succeeded", num(t.Succeeded)).Set("failed", num(t.Failed)).Set("planned", num(t.Planned)).Set("looked", num(t.Looked)).
		Set("warned", num(t.Warned))
}

// unfinished is what the row of a replay has for the open items that functions of an earlier release look for. They
// know nothing of counters, and may run while a new release is deployed: they must not take such a replay for done.
const unfinished = 1 << 40

// Count returns a replay with the tally of all its items. The counters are read one after the other. What moves
// meanwhile may be counted or not: the outcome of an item may be there and its start may not.
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

// Show is Count for a reader: no item has ended before it started, and none before it was found.
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
