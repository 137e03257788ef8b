package ledger

import (
	"context"
	"time"
)

// Published is what the Publish function did for an execution.
type Published struct {
	Name      string
	At        time.Time // zero: nothing was published
	Now       time.Time // when this is noted
	OutputKey string    // empty: the output was not stored
	Withheld  string    // why it was not published, although it was to be
}

// MarkPublished marks an execution succeeded, in its last state. A live one leaves the open executions with that; a
// replay stays there until its item or its failure is settled, and a redriven one until the failures before are. An attempt that comes late does not move back when it
// was published last.
func (l *Ledger) MarkPublished(ctx context.Context, e Execution, p Published) (Execution, error) {
	row, err := l.markPublished(ctx, e, p)
	if isConflict(err) && row.PublishedAt.After(p.At) {
		p.At = time.Time{}
		row, err = l.markPublished(ctx, e, p)
	}
	return row, err
}

func (l *Ledger) markPublished(ctx context.Context, e Execution, p Published) (Execution, error) {
	c := p.change().Set("status", str(string(Succeeded))).Remove("error", "cause").
		If("attribute_exists({pk}) AND attribute_not_exists({stoppedAt})")
	if e.Mode == Live && e.RedriveCount == 0 {
		c.Remove("tpk", "tsk")
	}
	row, err := l.updateExecution(ctx, c, "mark execution published")
	if !isConflict(err) {
		return row, err
	}
	// It ended before, by a timeout or because this is a redrive: its status is for Settle to tell. It is open again, in
	// case nobody reports the end.
	c = p.change().Set("tpk", str(openPartition(p.Name))).Set("tsk", str(At(p.Now).String()+"#"+p.Name)).
		Set("reopened", flag(true)).If("attribute_exists({pk})")
	return l.updateExecution(ctx, c, "mark execution published")
}

func (p Published) change() *change {
	pk, sk := executionKey(p.Name)
	c := newChange(pk, sk).Latest("publishedAt", At(p.At)).Set("outputKey", str(p.OutputKey))
	if p.Withheld != "" {
		c.Set("superseded", flag(true)).Set("withheld", str(p.Withheld))
	}
	return c
}
