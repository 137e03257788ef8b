package autoreplay

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// countMark names the mark at which the next run continues an unfinished count.
const countMark = "count-failures"

const (
	// countedAtOnce is how many failures are counted between two saves of the count, in case the run dies.
	countedAtOnce = 100_000
	// keepCount is the time that is reserved to save an unfinished count.
	keepCount = 2 * time.Second
)

// countFailures counts the failures that are open or in quarantine, by group, for GET /failures/groups. Reading a
// million keys takes less than a minute.
func (r *run) countFailures(ctx context.Context) error {
	mark, err := r.mark(ctx, countMark)
	if err != nil {
		return err
	}
	var t domain.FailureTally
	if mark.Token != "" {
		if err := json.Unmarshal([]byte(mark.Token), &t); err != nil {
			return fmt.Errorf("decode mark %s: %w", countMark, err)
		}
	}
	counting := ctx
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		counting, cancel = context.WithDeadline(ctx, end.Add(-keepCount))
		defer cancel()
	}
	for !t.Done {
		if err := r.Book.Failures.Count(counting, &t, countedAtOnce); err != nil {
			return err
		}
		if t.Done && mark.Token == "" { // nothing to save
			break
		}
		next := domain.Mark{Name: countMark, Active: !t.Done, TakenAt: domain.At(r.Now())}
		if !t.Done {
			kept, err := json.Marshal(t)
			if err != nil {
				return fmt.Errorf("encode mark %s: %w", countMark, err)
			}
			next.Token = string(kept)
		}
		if err := r.Book.Marks.Save(ctx, next); err != nil {
			return err
		}
		if mark = next; counting.Err() != nil {
			return nil
		}
	}
	r.counted = &t
	return r.Book.Failures.SaveCount(ctx, domain.CountedAt(t, r.Now()))
}
