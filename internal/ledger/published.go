package ledger

import (
	"context"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// MarkPublished marks an execution succeeded, in its last state. A live one leaves the open executions with that; a
// replay stays there until its item or its failure is settled, and a redriven one until the failures before are. An attempt that comes late does not move back when it
// was published last.
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
	// It ended before, by a timeout or because this is a redrive: its status is for Settle to tell. It is open again, in
	// case nobody reports the end.
	c = published(p).Set("tpk", str(openPartition(p.Name))).Set("tsk", str(domain.At(p.Now).String()+"#"+p.Name)).
		Set("reopened", flag(true)).If("attribute_exists({pk})")
	return l.updateExecution(ctx, c, "mark execution published")
}

func published(p domain.Published) *change {
	pk, sk := executionKey(p.Name)
	c := newChange(pk, sk).Latest("publishedAt", domain.At(p.At)).Set("outputKey", str(p.OutputKey))
	if p.Withheld != "" {
		c.Set("superseded", flag(true)).Set("withheld", str(p.Withheld))
	}
	return c
}
