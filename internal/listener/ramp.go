package listener

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// holdBack returns errParked for a resource that must not begin: its replay is paused, or its step has not begun. A message is
// sent for it after the row says that the step has.
func (l *Listener) holdBack(ctx context.Context, r domain.Replay, it domain.Item) error {
	if err := l.park(ctx, r); err != nil {
		return err
	}
	first, err := l.firstOf(ctx, r, it.Page)
	if err != nil || r.MayBegin(first+it.Ordinal) {
		return err
	}
	return errParked
}

// firstOf is the place of the first item of a page. Only a ramp asks for it.
func (l *Listener) firstOf(ctx context.Context, r domain.Replay, page int) (int, error) {
	if !r.Ramping() {
		return 0, nil
	}
	p, err := l.Book.Pages.Get(ctx, r.ID, page)
	return p.First, err
}
