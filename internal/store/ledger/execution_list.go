package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Open returns at most limit open executions of one shard (0 to Shards-1) that are due for a check, oldest first, and
// the cursor of the next page, empty after the last. It leaves out executions whose names skip reports, and does not
// read their rows; skip may be nil.
func (l *Executions) Open(
	ctx context.Context, shard int, by time.Time, skip func(name string) bool, cursor string, limit int,
) ([]domain.Execution, string, error) {
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
	rows, err := fetched[domain.Execution](ctx, l.table, found)
	return rows, next, err
}

func openSpan(shard int, by time.Time, cursor string, limit int) span {
	return span{index: &schema.ByTime, partition: "OPEN#" + strconv.Itoa(shard), after: behind(cursor), until: untilTime(by), limit: limit}
}

// Unaccounted returns the ended executions that the ledger does not account for yet: failed ones without a failure row
// of that run, and others whose row has another status.
func (l *Executions) Unaccounted(ctx context.Context, ended []domain.Ended) ([]domain.Ended, error) {
	ids := make([]string, len(ended))
	for i, e := range ended {
		ids[i] = domain.FailureID(e.Name, e.RedriveCount)
	}
	rows, err := (&Failures{l.table}).Find(ctx, ids)
	if err != nil {
		return nil, err
	}
	failures := make(map[string]bool, len(rows))
	for _, f := range rows {
		failures[f.ID()] = true
	}
	var rest []domain.Ended
	for _, e := range ended {
		failed := e.Status == domain.Failed || e.Status == domain.TimedOut
		if !failed || !failures[domain.FailureID(e.Name, e.RedriveCount)] {
			rest = append(rest, e)
		}
	}
	return l.withoutStopped(ctx, rest)
}

// withoutStopped leaves out executions that were stopped and whose row says so.
func (l *Executions) withoutStopped(ctx context.Context, ended []domain.Ended) ([]domain.Ended, error) {
	names := make([]string, len(ended))
	for i, e := range ended {
		names[i] = e.Name
	}
	rows, err := l.executionsByName(ctx, names)
	if err != nil {
		return nil, err
	}
	var rest []domain.Ended
	for _, e := range ended {
		row := rows[e.Name]
		if e.Status != domain.Aborted || row.Status != domain.Aborted || row.RedriveCount < e.RedriveCount {
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// Missing returns the names of executions that have no row.
func (l *Executions) Missing(ctx context.Context, names []string) (map[string]bool, error) {
	rows, err := l.executionsByName(ctx, names)
	missing := map[string]bool{}
	for _, n := range names {
		if _, found := rows[n]; !found {
			missing[n] = true
		}
	}
	return missing, err
}

// executionsByName returns those of some executions that have a row.
func (l *table) executionsByName(ctx context.Context, names []string) (map[string]domain.Execution, error) {
	rows, err := fetched[domain.Execution](ctx, l, keysFor(names, executionKey))
	byName := make(map[string]domain.Execution, len(rows))
	for _, row := range rows {
		byName[row.Name] = row
	}
	return byName, err
}

const (
	newestKeys  = 5  // rows of a resource that are read to find an execution: a version may have failed several times
	newestCalls = 10 // at the same time
)

// Newest returns the last execution of each resource's newest version. A resource without an execution among its newest
// rows is left out.
func (l *Executions) Newest(ctx context.Context, resourceIDs []string) (map[string]domain.Execution, error) {
	wanted := make([]item, len(resourceIDs))
	group, calls := errgroup.WithContext(ctx)
	group.SetLimit(newestCalls)
	for i, id := range resourceIDs {
		group.Go(func() error {
			found, _, err := l.keysOf(calls, span{
				index: &schema.ByResource, partition: resourcePartition(id), newest: true, limit: newestKeys,
			})
			for _, it := range found {
				if wanted[i] == nil && strings.HasPrefix(textOf(it, schema.PartitionKey), executionPrefix) {
					wanted[i] = it
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("find newest executions: %w", err)
	}
	rows, err := fetched[domain.Execution](ctx, l.table, slices.DeleteFunc(wanted, func(it item) bool { return it == nil }))
	newest := make(map[string]domain.Execution, len(rows))
	for _, row := range rows {
		newest[row.ResourceID] = row
	}
	return newest, err
}
