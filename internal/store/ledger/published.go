package ledger

import (
	"context"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// MarkPublished marks an execution SUCCEEDED, from its last state, and returns its row. A live execution is then no
// longer open. A replay stays open until the outcome of its item or failure is recorded, a redriven execution until
// those of its earlier failures are. A late attempt does not move PublishedAt back.
func (l *Executions) MarkPublished(ctx context.Context, e domain.Execution, p domain.Published) (domain.Execution, error) {
	row, err := l.markPublished(ctx, e, p)
	if isConflict(err) && row.PublishedAt.After(p.At) {
		p.At = time.Time{}
		row, err = l.markPublished(ctx, e, p)
	}
	return row, err
}

func (l *Executions) markPublished(ctx context.Context, e domain.Execution, p domain.Published) (domain.Execution, error) {
	c := published(p).Set("status", str(string(domain.Succeeded))).Remove("error", "cause").
		If("attribute_exists({pk}) AND attribute_not_exists({stoppedAt})")
	if e.Mode == domain.Live && e.RedriveCount == 0 {
		c.Remove("tpk", "tsk")
	}
	row, err := l.updateExecution(ctx, c, "mark execution published")
	if !isConflict(err) {
		return row, err
	}
	// It ended before, by a timeout or because this is a redrive: RecordOutcome sets its status. It is open again, in
	// case no status event reports its end.
	c = published(p).Set("tpk", str(openPartition(p.Name))).Set("tsk", str(domain.At(p.Now).String()+"#"+p.Name)).
		Set("reopened", flag(true)).If("attribute_exists({pk})")
	return l.updateExecution(ctx, c, "mark execution published")
}

func published(p domain.Published) *change {
	c := newChange(executionKey(p.Name)).Latest("publishedAt", domain.At(p.At)).Set("outputKey", str(p.OutputKey))
	if p.Withheld != "" {
		c.Set("superseded", flag(true)).Set("withheld", str(p.Withheld))
	}
	return c
}
