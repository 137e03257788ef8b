package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// asCorrection turns the announcement of a replay into that of a correction: its execution records its own version,
// whose place is right behind the one that it corrects. With allowStale, it becomes the latest.
func asCorrection(row domain.Execution, req request, v eventlog.Version, by string) domain.Execution {
	row.Corrects, row.CorrectsAt, row.RequestedBy = v.ID, domain.At(v.At()), by
	row.VersionID, row.OwnerID, row.RecordedAt, row.Patched = "", "", domain.Stamp{}, false // Record finds them
	row.Place = domain.PlaceBehind(v.Place())
	if req.AllowStale {
		row.Place = row.StartedAt
	}
	return row
}

// bindCorrection binds an item to the execution that corrects a version. No other correction of that version may be
// under way: both would have the same place, and one would silently undo the other.
func (l *Listener) bindCorrection(
	ctx context.Context, t *task, v eventlog.Version, row domain.Execution,
) (vd *verdict, err error) {
	row = asCorrection(row, t.req, v, t.r.RequestedBy)
	if t.req.AllowStale { // it has another place
		err = l.Book.Items.Bind(ctx, t.it, row)
	} else {
		vd, err = l.bindUnlessCorrected(ctx, t.it, row)
	}
	if vd != nil {
		return vd, err
	}
	return l.bound(ctx, t, row.VersionID, row.Name, err)
}

// bindUnlessCorrected binds the item unless another replay's correction of the version has been bound, and may be
// recorded.
func (l *Listener) bindUnlessCorrected(ctx context.Context, it domain.Item, row domain.Execution) (*verdict, error) {
	for {
		other, err := l.Book.Executions.Corrector(ctx, row.ResourceID, row.Corrects)
		switch {
		case errors.Is(err, ledger.ErrNotFound):
		case err != nil:
			return nil, err
		case other.Name != row.Name && !other.RecordedNothing():
			return skipVersion(row.Corrects, "conflict: %s", domain.CorrectedBy(other)), nil
		}
		err = l.Book.Items.BindCorrection(ctx, it, row, other.Name)
		if !errors.Is(err, ledger.ErrConflict) {
			return nil, err
		}
		now, nerr := l.Book.Executions.Corrector(ctx, row.ResourceID, row.Corrects)
		if nerr != nil && !errors.Is(nerr, ledger.ErrNotFound) {
			return nil, nerr
		}
		if now.Name == other.Name || now.Name == row.Name { // then the item is bound, or has ended
			return nil, err
		}
	}
}
