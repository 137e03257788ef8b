package ledger

import (
	"context"
	"iter"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// historySort orders what happened to a resource by its versions first, so that everything about one version stands
// together, and by time then. What has no version stands where it happened.
func historySort(recordedAt, at Stamp, kind, id string) string {
	if recordedAt.IsZero() {
		recordedAt = at
	}
	return recordedAt.String() + "#" + kind + "#" + at.String() + "#" + id
}

// History is what happened to some versions of a resource.
type History struct {
	Executions []Execution // oldest version first, then in order of start
	Failures   []Failure   // oldest version first, then in time order
}

// MaxHistory bounds what is read of one resource at once: executions and failures.
const MaxHistory = 5000

// latestPage is how many executions LatestExecutions reads at once: most callers want one.
const latestPage = 100

// LatestExecutions yields the executions of the versions of a resource that were recorded since a time, the latest
// version first: at most those among the latest 5,000 executions and failures.
func (l *Ledger) LatestExecutions(ctx context.Context, resourceID string, since time.Time) iter.Seq2[Execution, error] {
	return func(yield func(Execution, error) bool) {
		after := ""
		for range MaxHistory / latestPage {
			rows, more, err := query[Execution](ctx, l, span{
				index: &schema.ByResource, partition: resourcePartition(resourceID), after: after, newest: true, limit: latestPage,
			})
			if err != nil {
				yield(Execution{}, err)
				return
			}
			for _, e := range rows {
				if after = e.RSK; after < At(since).String() {
					return
				}
				if e.Name != "" && !yield(e, nil) { // a failure has no name
					return
				}
			}
			if !more || len(rows) == 0 {
				return
			}
		}
	}
}

// History returns what happened to the versions of a resource that were recorded from one time to another, both
// included: at most 5,000 executions and failures.
func (l *Ledger) History(ctx context.Context, resourceID string, from, to time.Time) (History, error) {
	var h History
	rows, _, err := l.find(ctx, span{
		index: &schema.ByResource, partition: resourcePartition(resourceID),
		after: At(from).String(), until: At(to).String() + "#~", limit: MaxHistory,
	})
	if err != nil {
		return h, err
	}
	for _, row := range rows {
		if row["execution"] != nil {
			var f Failure
			if err := unmarshal(row, &f); err != nil {
				return h, err
			}
			h.Failures = append(h.Failures, f)
			continue
		}
		var e Execution
		if err := unmarshal(row, &e); err != nil {
			return h, err
		}
		h.Executions = append(h.Executions, e)
	}
	return h, nil
}

// maxVersionFailures bounds what is read of one version: each of its failed runs and replays is one.
const maxVersionFailures = 1000

// VersionFailures returns the failures of the version of a resource that was recorded at a time, the latest first: at
// most 1,000.
func (l *Ledger) VersionFailures(ctx context.Context, resourceID string, recordedAt Stamp) ([]Failure, error) {
	of := recordedAt.String() + "#F#"
	rows, _, err := query[Failure](ctx, l, span{
		index: &schema.ByResource, partition: resourcePartition(resourceID), after: of, until: of + "~", newest: true,
		limit: maxVersionFailures,
	})
	return rows, err
}
