package listener

import (
	"context"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// outdated is the guard about a version that is not the latest of its resource. A correction must not undo a newer
// event, whatever its outcome. A replay must not undo one that has succeeded.
func (l *Listener) outdated(ctx context.Context, resourceID string, v, latest eventlog.Version, req request) (*verdict, error) {
	if req.Action != replay.Correct || req.AllowStale {
		return l.stale(ctx, resourceID, v, req)
	}
	return skipVersion(v.ID, "superseded: version %s is newer than the one to correct; allowStale corrects it all the same",
		latest.ID), nil
}

// unfitOrOutdated is the verdict of the guards about the version of an item: that it does not fit the filters of the
// selection, or is outdated.
func (l *Listener) unfitOrOutdated(
	ctx context.Context, resourceID string, v, latest eventlog.Version, req request,
) (*verdict, error) {
	vd, err := l.unfit(ctx, resourceID, v, req)
	if vd == nil && err == nil && v.ID != latest.ID {
		vd, err = l.outdated(ctx, resourceID, v, latest, req)
	}
	return vd, err
}

// warning says why running a version as it was recorded may not be intended: the version succeeded last with a patch.
func (l *Listener) warning(ctx context.Context, it domain.Item, req request, v eventlog.Version) (string, error) {
	if req.Action != replay.Rerun || req.transform != nil || req.Publish == replay.PublishSuppress {
		return "", nil
	}
	last, err := l.lastSuccess(ctx, it.ResourceID, v, func(e domain.Execution) bool { return !e.Suppress && !e.Superseded })
	if err != nil {
		return "", err
	}
	if !last.Patched {
		return "", nil
	}
	return fmt.Sprintf("it succeeded last with a patch, in replay %s, which this replay would undo: "+
		"replayctl correct makes a patch last", last.ReplayID), nil
}

// stale is the guard that keeps an old version from running over a newer one that has succeeded.
func (l *Listener) stale(ctx context.Context, resourceID string, v eventlog.Version, req request) (*verdict, error) {
	if req.AllowStale {
		return nil, nil
	}
	by, found, err := l.Superseding.Succeeded(ctx, resourceID, v.Place())
	if err == nil && found {
		return skipVersion(v.ID, "stale: version %s is newer and has succeeded; allowStale replays it all the same", by.VersionID), nil
	}
	return nil, err
}
