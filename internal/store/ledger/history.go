package ledger

import (
	"context"
	"iter"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// historySort orders the executions and failures of a resource by version, then by time, so that those of one version
// are adjacent. Those without a version are ordered by time alone.
func historySort(recordedAt, at domain.Stamp, kind, id string) string {
	if recordedAt.IsZero() {
		recordedAt = at
	}
	return recordedAt.String() + "#" + kind + "#" + at.String() + "#" + id
}

// MaxHistory bounds what is read of one resource at once: executions and failures.
const MaxHistory = 5000

func isFailure(row item) bool { return row["execution"] != nil }

// latestPage is how many executions Latest reads at once. Most callers want one.
const latestPage = 100

// newest yields the executions and failures, at most 5,000, of a resource's versions, the latest version first.
func (l *table) newest(ctx context.Context, resourceID string) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		after := ""
		for range MaxHistory / latestPage {
			rows, more, err := l.find(ctx, span{
				index: &schema.ByResource, partition: resourcePartition(resourceID), after: after, newest: true, limit: latestPage,
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range rows {
				after = textOf(row, schema.ByResource.SortKey)
				if !yield(row, nil) {
					return
				}
			}
			if !more || len(rows) == 0 {
				return
			}
		}
	}
}

// Latest yields the executions of a resource's versions that were recorded since a time, the latest version first. It
// looks at the latest 5,000 executions and failures at most.
func (l *Executions) Latest(ctx context.Context, resourceID string, since time.Time) iter.Seq2[domain.Execution, error] {
	return func(yield func(domain.Execution, error) bool) {
		for row, err := range l.newest(ctx, resourceID) {
			if err != nil {
				yield(domain.Execution{}, err)
				return
			}
			if textOf(row, schema.ByResource.SortKey) < domain.At(since).String() {
				return
			}
			if isFailure(row) {
				continue
			}
			var e domain.Execution
			if err := Decode(row, &e); !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// History returns the executions and failures, at most 5,000, of a resource's versions that were recorded between two
// times, both included.
func (l *Executions) History(ctx context.Context, resourceID string, from, to time.Time) (domain.History, error) {
	var h domain.History
	rows, _, err := l.find(ctx, span{
		index: &schema.ByResource, partition: resourcePartition(resourceID),
		after: domain.At(from).String(), until: domain.At(to).String() + "#~", limit: MaxHistory,
	})
	if err != nil {
		return h, err
	}
	for _, row := range rows {
		if isFailure(row) {
			var f domain.Failure
			if err := Decode(row, &f); err != nil {
				return h, err
			}
			h.Failures = append(h.Failures, f)
			continue
		}
		var e domain.Execution
		if err := Decode(row, &e); err != nil {
			return h, err
		}
		h.Executions = append(h.Executions, e)
	}
	return h, nil
}

// NewestUnsettled returns the newest failure of a resource that is open or in quarantine: the last one of the newest
// version or unrecorded event that has any. It looks at the latest 5,000 executions and failures.
func (l *Failures) NewestUnsettled(ctx context.Context, resourceID string) (f domain.Failure, found bool, err error) {
	for row, err := range l.newest(ctx, resourceID) {
		if err != nil {
			return f, false, err
		}
		if !isFailure(row) {
			continue
		}
		var f domain.Failure
		if err := Decode(row, &f); err != nil || f.Unsettled() {
			return f, err == nil, err
		}
	}
	return f, false, nil
}

// maxVersionFailures bounds the failures that are read of one version: each failed run and replay of it is one.
const maxVersionFailures = 1000

// OfVersion returns the failures, at most 1,000, of the version of a resource that was recorded at a time, the latest
// first.
func (l *Failures) OfVersion(ctx context.Context, resourceID string, recordedAt domain.Stamp) ([]domain.Failure, error) {
	of := recordedAt.String() + "#F#"
	rows, _, err := query[domain.Failure](ctx, l.table, span{
		index: &schema.ByResource, partition: resourcePartition(resourceID), after: of, until: of + "~", newest: true,
		limit: maxVersionFailures,
	})
	return rows, err
}
