package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// countedPage is how many keys are read at once: about as many as DynamoDB returns in a page of 1 MB.
const countedPage = 2_500

// Count continues a tally of the failures that are open or in quarantine, by their keys in the indexes. It stops once
// it has read as many keys as most says, or a page more, once the context ends, or once all are counted. The indexes
// lag behind: a failure that moves meanwhile may count twice or not at all. Memory does not grow with the number of
// failures.
func (l *Failures) Count(ctx context.Context, t *domain.FailureTally, most int) error {
	lists := []failureList{
		failureListOf(domain.FailureFilter{Status: replay.FailureQuarantined}),
		failureListOf(domain.FailureFilter{Status: replay.FailureWaiting}),
	}
	for read := 0; t.Partition < len(lists)*Shards && read < most && ctx.Err() == nil; {
		list := lists[t.Partition/Shards]
		keys, more, err := l.keysOf(ctx, span{
			index: list.index, partition: list.partitions[t.Partition%Shards], after: t.After, limit: min(countedPage, most-read),
		})
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := l.tally(ctx, t, list, keys); err != nil {
			return err
		}
		read += len(keys)
		if more && len(keys) > 0 {
			t.After = textOf(keys[len(keys)-1], list.index.SortKey)
			continue
		}
		t.Partition, t.After = t.Partition+1, ""
	}
	t.Done = t.Partition == len(lists)*Shards
	return nil
}

func (l *Failures) tally(ctx context.Context, t *domain.FailureTally, list failureList, keys []item) error {
	var untold []item // rows of an earlier release, whose keys do not have all that is counted
	for _, it := range keys {
		if k, told := readFailureKey(it, list.index); told {
			t.Add(k)
		} else {
			untold = append(untold, it)
		}
	}
	rows, err := fetched[domain.Failure](ctx, l.table, untold)
	for _, f := range rows {
		if f.ListedAs() != "" {
			t.Add(f.Key())
		}
	}
	return err
}

// maxCounted is how many failures are counted at once: about 3 MB of keys.
const maxCounted = 10_000

// CountNow counts failures, or returns the last count of auto-replay if there are too many. Partial reports that there
// is no such count yet, so that c counts only some of them.
func (l *Failures) CountNow(ctx context.Context, now time.Time) (c domain.Counted, partial bool, err error) {
	var t domain.FailureTally
	if err := l.Count(ctx, &t, maxCounted); err != nil || t.Done {
		return domain.CountedAt(t, now), false, err
	}
	c, err = l.Counted(ctx, time.Time{}, now)
	if errors.Is(err, ErrNotFound) {
		return domain.CountedAt(t, now), true, nil
	}
	return c, false, err
}

// countedFor is how long counts are kept, to show how they have changed.
const countedFor = 2 * 24 * time.Hour

const countedPartition = "COUNTED"

// SaveCount keeps what was counted.
func (l *Failures) SaveCount(ctx context.Context, c domain.Counted) error {
	row := struct {
		domain.Counted
		ExpiresAt int64 `row:"expiresAt"`
	}{c, c.At.Add(countedFor).Unix()}
	return ignoreConflict(l.insert(ctx, keys{PK: countedPartition, SK: c.At.String()}, row, nil))
}

// Counted returns the newest count that was made between two times, or ErrNotFound.
func (l *Failures) Counted(ctx context.Context, from, to time.Time) (domain.Counted, error) {
	rows, _, err := query[domain.Counted](ctx, l.table, span{
		partition: countedPartition, after: domain.At(from).String(), until: domain.At(to).String(), newest: true, limit: 1,
	})
	if err != nil {
		return domain.Counted{}, err
	}
	if len(rows) == 0 {
		return domain.Counted{}, ErrNotFound
	}
	return rows[0], nil
}
