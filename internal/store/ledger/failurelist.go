package ledger

import (
	"context"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// failureList is a list of failures in an index.
type failureList struct {
	index      *schema.Index
	partitions []string
	newest     bool
	byFailedAt bool // its sort keys begin with the time of failure
}

func failureListOf(filter domain.FailureFilter) failureList {
	if filter.ResourceID != "" {
		return failureList{index: &schema.ByResource, partitions: []string{resourcePartition(filter.ResourceID)}, newest: true}
	}
	switch filter.Listed() {
	case replay.FailureQuarantined:
		return failureList{&schema.ByGroup, sharded(quarantinePartition), true, true}
	case replay.FailureClosed:
		return failureList{&schema.ByGroup, sharded(closedPartition), true, true}
	default:
		return failureList{index: &schema.ByTime, partitions: sharded(duePartition)}
	}
}

func sharded(partition func(shard string) string) (all []string) {
	for _, s := range shards {
		all = append(all, partition(s))
	}
	return all
}

// Bounds of what is read for one page of a list: a filter may leave out nearly all. Rows are read for what the keys do
// not have, such as an owner or a cause.
const (
	maxFilteredKeys = 10_000
	maxFilteredRows = 2_500
)

// While a filter leaves out nearly all, each query reads more keys than the one before, up to maxKeysAtOnce. Otherwise
// a page would take hundreds of queries, one after the other.
const (
	moreKeys      = 4
	maxKeysAtOnce = 2_000
)

// List returns a page of failures and the cursor of the next page. They are listed newest first, open ones by when they
// are due, and those of a resource by version, newest first. With a filter, a page may have fewer entries than the
// limit although others follow.
func (l *Failures) List(
	ctx context.Context, filter domain.FailureFilter, cursor string, limit int,
) ([]domain.Failure, string, error) {
	return l.list(ctx, failureListOf(filter), filter, cursor, limit)
}

// Parts returns the number of parts in which a list of failures can be read.
func Parts(filter domain.FailureFilter) int { return len(failureListOf(filter).partitions) }

// ListPart returns a page of a part of a list (0 to Parts-1), as List does.
func (l *Failures) ListPart(
	ctx context.Context, filter domain.FailureFilter, part int, cursor string, limit int,
) ([]domain.Failure, string, error) {
	list := failureListOf(filter)
	list.partitions = list.partitions[part : part+1]
	return l.list(ctx, list, filter, cursor, limit)
}

func (l *Failures) list(
	ctx context.Context, list failureList, filter domain.FailureFilter, cursor string, limit int,
) ([]domain.Failure, string, error) {
	if cursor == "" && list.byFailedAt && !filter.Until.IsZero() {
		cursor = domain.At(filter.Until).String()
	}
	var found []domain.Failure
	atOnce := limit
	for looked, read := 0, 0; looked < maxFilteredKeys && read < maxFilteredRows; atOnce = min(moreKeys*atOnce, max(limit, maxKeysAtOnce)) {
		keys, more, err := l.mergedKeys(ctx, list, cursor, atOnce)
		if err != nil || len(keys) == 0 {
			return found, "", err
		}
		for len(keys) > 0 {
			// One batch of rows at a time: the page may be full before all are fetched.
			n := min(len(keys), batchGetSize)
			rows, fetched, last, past, err := l.matching(ctx, list, filter, keys[:n], limit-len(found))
			if err != nil {
				return nil, "", err
			}
			found, cursor, read = append(found, rows...), last, read+fetched
			if past {
				return found, "", nil
			}
			if len(found) == limit || read >= maxFilteredRows {
				return found, cursor, nil
			}
			keys, looked = keys[n:], looked+n
		}
		if !more {
			return found, "", nil
		}
	}
	return found, cursor, nil
}

// matching returns at most limit failures that match, of some keys of a list, how many rows it read, and the key behind
// which the list goes on. Past reports that no failure behind that key is new enough.
func (l *Failures) matching(
	ctx context.Context, list failureList, filter domain.FailureFilter, keys []item, limit int,
) (found []domain.Failure, read int, last string, past bool, err error) {
	var wanted []item
	for _, k := range keys {
		key, known := readFailureKey(k, list.index)
		if past = list.byFailedAt && known && key.FailedAt.Before(filter.Since); past {
			break
		}
		if strings.HasPrefix(textOf(k, schema.PartitionKey), domain.FailurePrefix) && (!known || keeps(filter, key)) {
			wanted = append(wanted, k)
		}
	}
	rows, err := fetched[domain.Failure](ctx, l.table, wanted)
	if err != nil {
		return nil, 0, "", false, err
	}
	byKey := make(map[string]domain.Failure, len(rows))
	for _, f := range rows {
		byKey[f.ID()] = f
	}
	for _, k := range wanted {
		// The index may still have failures that have moved on.
		f := byKey[textOf(k, schema.PartitionKey)]
		if !filter.Matches(f) {
			continue
		}
		if found = append(found, f); len(found) == limit {
			return found, len(wanted), textOf(k, list.index.SortKey), false, nil
		}
	}
	return found, len(wanted), textOf(keys[len(keys)-1], list.index.SortKey), past, nil
}

// keeps reports whether a filter may select a failure, by its key. A string that was cut in the key is compared in the
// row.
func keeps(f domain.FailureFilter, k domain.FailureKey) bool {
	glob := func(match func(string) bool, text string) bool {
		return match == nil || len(keyText(text)) > maxKeyText-len("%25") || match(text)
	}
	return k.Status == f.Listed() && !k.FailedAt.Before(f.Since) && (f.Until.IsZero() || k.FailedAt.Before(f.Until)) &&
		glob(f.Error, k.Error) && glob(f.State, k.State)
}

// mergedKeys returns the next keys of a list, at least limit if there are so many, in order over all its partitions.
func (l *Failures) mergedKeys(
	ctx context.Context, list failureList, cursor string, limit int,
) (keys []item, more bool, err error) {
	each := limit
	if n := len(list.partitions); n > 1 { // a hash spreads them evenly
		each = 2*limit/n + 8
	}
	sortKey := func(k item) string { return textOf(k, list.index.SortKey) }
	before := func(a, b string) int {
		if list.newest {
			return strings.Compare(b, a)
		}
		return strings.Compare(a, b)
	}
	end, ended := "", true // every partition has been read up to here
	for _, p := range list.partitions {
		found, follow, err := l.keysOf(ctx, span{index: list.index, partition: p, after: cursor, newest: list.newest, limit: each})
		if err != nil {
			return nil, false, err
		}
		keys = append(keys, found...)
		if follow && len(found) > 0 {
			if last := sortKey(found[len(found)-1]); ended || before(last, end) < 0 {
				end, ended = last, false
			}
		}
	}
	slices.SortFunc(keys, func(a, b item) int { return before(sortKey(a), sortKey(b)) })
	if !ended {
		keys = slices.DeleteFunc(keys, func(k item) bool { return before(sortKey(k), end) > 0 })
	}
	return keys, !ended, nil
}
