package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// asCorrection makes the announcement of a replay that of a correction: its execution records a version of its own, and
// stands right behind the one that it corrects. Over newer events it stands where the caller wants it, as the latest.
func asCorrection(row domain.Execution, req request, v eventlog.Version, by string) domain.Execution {
	row.Corrects, row.CorrectsAt, row.RequestedBy = v.ID, domain.At(v.At()), by
	row.VersionID, row.OwnerID, row.RecordedAt, row.Patched = "", "", domain.Stamp{}, false // Record finds them
	row.Place = domain.PlaceBehind(v.Place())
	if req.AllowStale {
		row.Place = row.StartedAt
	}
	return row
}

// bindCorrection binds an item to the execution that corrects a version. Another correction of that version must not be
// under way: both would stand at one place, and the one would undo the other unseen.
func (l *Listener) bindCorrection(
	ctx context.Context, it domain.Item, req request, v eventlog.Version, row domain.Execution,
) (domain.Item, *verdict, error) {
	r, err := l.Book.Replays.Get(ctx, it.ReplayID)
	if err != nil {
		return it, nil, err
	}
	row = asCorrection(row, req, v, r.RequestedBy)
	var vd *verdict
	if req.AllowStale { // it stands elsewhere
		err = l.Book.Items.Bind(ctx, it, row)
	} else {
		vd, err = l.bindUnlessCorrected(ctx, it, row)
	}
	if errors.Is(err, ledger.ErrConflict) {
		return l.rebound(ctx, it)
	}
	if vd == nil && err == nil {
		it.VersionID, it.Execution = row.VersionID, row.Name
	}
	return it, vd, err
}

// bindUnlessCorrected binds the item unless another replay's correction of the version has been bound, and may be recorded.
func (l *Listener) bindUnlessCorrected(ctx context.Context, it domain.Item, row domain.Execution) (*verdict, error) {
	for {
		other, err := l.Book.Executions.Corrector(ctx, row.ResourceID, row.Corrects)
		switch {
		case errors.Is(err, ledger.ErrNotFound):
		case err != nil:
			return nil, err
		case other.Name != row.Name && !other.RecordedNothing():
			return &verdict{to: replay.Skipped, version: row.Corrects, reason: "conflict: " + domain.CorrectedBy(other)}, nil
		}
		err = l.Book.Items.BindCorrection(ctx, it, row, other.Name)
		if !errors.Is(err, ledger.ErrConflict) {
			return nil, err
		}
		now, nerr := l.Book.Executions.Corrector(ctx, row.ResourceID, row.Corrects)
		if nerr != nil && !errors.Is(nerr, ledger.ErrNotFound) {
			return nil, nerr
		}
		if now.Name == other.Name || now.Name == row.Name { // so the item is bound, or has ended
			return nil, err
		}
	}
}

// correction returns the input of the execution that a row announces: an envelope that points to the corrected event.
// Record takes it from there byte for byte, since Step Functions may write numbers in another way.
func (l *Listener) correction(ctx context.Context, row domain.Execution) ([]byte, *verdict, error) {
	req, err := l.request(ctx, row.ReplayID)
	if err != nil {
		return nil, nil, err
	}
	event, vd, err := l.event(ctx, row.ResourceID, row.Corrects)
	if vd != nil || err != nil {
		return nil, vd, err
	}
	of := row
	of.VersionID = row.Corrects
	if event, vd, err = l.recordable(ctx, of, req, event); vd != nil || err != nil {
		return nil, vd, err
	}
	header := protocol.EnvelopeHeader{
		Mode: string(row.Mode), ReplayID: row.ReplayID, ResourceID: row.ResourceID, CorrectionOf: row.Corrects,
		Reason: row.Reason, EventKey: eventlog.DerivedKey(row.Name),
	}
	if err := l.Log.PutObject(ctx, header.EventKey, event); err != nil {
		return nil, nil, err
	}
	input, err := protocol.BuildEnvelope(header, nil)
	return input, nil, err
}
