package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// openPartitionOf lists the open failures of a storm that are not held.
func openPartitionOf(storm, shard string) string { return "EO#" + storm + "#" + shard }

// heldPartition lists the held failures of a storm.
func heldPartition(storm, shard string) string { return "EH#" + storm + "#" + shard }

// heldSort is the order in which a storm releases failures: those with the fewest attempts first, and of these the
// oldest. Each probe is then another failure, and a poisonous event cannot hold back healthy ones.
func heldSort(f domain.Failure) string {
	return fmt.Sprintf("%03d#%s#%s", min(f.Attempt, 999), f.FirstAt, failureEnd(f))
}

// CountOpen returns how many open failures share an error, held ones included. It counts up to limit.
func (l *Failures) CountOpen(ctx context.Context, storm string, limit int) (int, error) {
	var partitions []string
	for _, partition := range []func(storm, shard string) string{openPartitionOf, heldPartition} {
		for _, s := range shards {
			partitions = append(partitions, partition(storm, s))
		}
	}
	return l.count(ctx, &schema.ByGroup, partitions, limit)
}

// Held returns at most limit held failures of a storm, in the order of their release, without those that skip reports.
// Some reports whether the index has any key at all: it lags behind, so a result without failures does not prove that
// none is held.
func (l *Failures) Held(
	ctx context.Context, storm string, skip func(domain.Failure) bool, limit int,
) (rows []domain.Failure, some bool, err error) {
	var found []item
	for _, s := range shards {
		keys, _, err := l.keysOf(ctx, span{index: &schema.ByGroup, partition: heldPartition(storm, s), limit: limit + staleKeys})
		if err != nil {
			return nil, false, err
		}
		found = append(found, keys...)
	}
	slices.SortFunc(found, func(a, b item) int {
		return strings.Compare(textOf(a, schema.ByGroup.SortKey), textOf(b, schema.ByGroup.SortKey))
	})
	some = len(found) > 0
	for len(found) > 0 && len(rows) < limit {
		n := min(len(found), batchGetSize)
		more, err := fetched[domain.Failure](ctx, l.table, found[:n])
		if err != nil {
			return nil, some, err
		}
		for _, f := range more {
			if f.Held && f.Status.Open() && !skip(f) && len(rows) < limit {
				rows = append(rows, f)
			}
		}
		found = found[n:]
	}
	return rows, some, nil
}

// staleKeys is how many keys of released failures, which the index still has, are passed over in each shard.
const staleKeys = 200
