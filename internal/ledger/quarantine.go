package ledger

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func quarantinePartition(shard string) string { return "Q#" + shard }

// quarantineSort is the place of a failure in the quarantine, also of one that has left it.
func quarantineSort(f domain.Failure) string { return f.FailedAt.String() + "#" + failureEnd(f) }

// Quarantined returns a page of the quarantined failures, newest first, and the cursor of the next page. With a filter, a
// page may have fewer entries than the limit although others follow.
func (l *Failures) Quarantined(ctx context.Context, filter domain.QuarantineFilter, cursor string, limit int) ([]domain.Failure, string, error) {
	if cursor == "" && !filter.Until.IsZero() {
		cursor = domain.At(filter.Until).String()
	}
	var found []domain.Failure
	for range maxFilteredPages {
		rows, more, err := l.quarantined(ctx, cursor, limit)
		if err != nil {
			return nil, "", err
		}
		for _, f := range rows {
			if f.FailedAt.Before(filter.Since) {
				return found, "", nil
			}
			cursor = quarantineSort(f)
			// What left the quarantine since may still be in the index. It counts for the cursor only.
			if f.Status == domain.Quarantined && filter.Matches(f) {
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
func (l *Failures) quarantined(ctx context.Context, cursor string, limit int) (all []domain.Failure, more bool, err error) {
	for s := range Shards {
		rows, follow, err := query[domain.Failure](ctx, l.table, span{
			index: &schema.ByGroup, partition: quarantinePartition(strconv.Itoa(s)), after: cursor, newest: true, limit: limit,
		})
		if err != nil {
			return nil, false, err
		}
		all, more = append(all, rows...), more || follow
	}
	slices.SortFunc(all, func(a, b domain.Failure) int { return strings.Compare(quarantineSort(b), quarantineSort(a)) })
	if len(all) > limit {
		all, more = all[:limit], true
	}
	return all, more, nil
}

// CountQuarantined returns how many failures are in quarantine: at most limit. The index lags behind.
func (l *Failures) CountQuarantined(ctx context.Context, limit int) (int, error) {
	partitions := make([]string, 0, Shards)
	for _, s := range shards {
		partitions = append(partitions, quarantinePartition(s))
	}
	return l.count(ctx, &schema.ByGroup, partitions, limit)
}
