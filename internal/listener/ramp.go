package listener

import (
	"context"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// mayBegin is the verdict about an item that must not begin: its replay was stopped or is paused, or its step of the
// ramp has not begun.
func (l *Listener) mayBegin(ctx context.Context, t *task) (*verdict, error) {
	if t.r.Stopped() {
		return skip("%s", stopped(t.r)), nil
	}
	if parked, err := l.parked(ctx, t.r); parked || err != nil {
		return later, err
	}
	first, err := l.firstOf(ctx, t.r, t.it.Page)
	if err != nil || t.r.MayBegin(first+t.it.Ordinal) {
		return nil, err
	}
	return later, nil
}

// firstOf is the position of the first item of a page. Only a ramp needs it.
func (l *Listener) firstOf(ctx context.Context, r domain.Replay, page int) (int, error) {
	if !r.Ramping() {
		return 0, nil
	}
	p, err := l.Book.Pages.Get(ctx, r.ID, page)
	return p.First, err
}
