package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// transformed applies the transform of a replay to the event of a row, or returns a verdict. A function of the user may
// return another event each time, so its response is stored under derived/ before the row is bound, and read from there
// when it is needed again.
func (l *Listener) transformed(ctx context.Context, row domain.Execution, req request, event []byte) ([]byte, *verdict, error) {
	key := eventlog.DerivedKey(row.Name)
	keeps := req.transform.Calls() && !req.DryRun
	if keeps {
		kept, err := l.Log.Object(ctx, key)
		if !errors.Is(err, eventlog.ErrNotFound) {
			return kept, nil, err
		}
	}
	made, err := req.transform.Apply(ctx, event, transform.Subject{
		ReplayID: row.ReplayID, ResourceID: row.ResourceID, VersionID: row.VersionID, OwnerID: row.OwnerID, DryRun: req.DryRun,
	})
	if errors.Is(err, transform.ErrTransform) {
		return nil, fail(row.VersionID, "TransformFailed: %v", err), nil
	}
	if err == nil && keeps && len(made) <= replay.MaxEventBytes { // a larger one is refused
		err = l.Log.PutObject(ctx, key, made)
	}
	return made, nil, err
}

// recordable applies the transform of a replay to the version of a row, or returns a verdict. The result must be an
// event of the same resource, within the limits.
func (l *Listener) recordable(ctx context.Context, row domain.Execution, req request, event []byte) ([]byte, *verdict, error) {
	made, vd, err := l.transformed(ctx, row, req, event)
	if vd != nil || err != nil {
		return nil, vd, err
	}
	if err := l.Reader.CheckTransformed(row.ResourceID, made); err != nil {
		return nil, fail(row.VersionID, "TransformFailed: %v", err), nil
	}
	return made, nil, nil
}
