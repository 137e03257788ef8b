package listener

import (
	"context"
	"fmt"
	"slices"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// asCorrection makes the announcement of a replay that of a correction: its execution records a version of its own, and
// stands right behind the one that it corrects. Over newer events it stands where the caller wants it, as the latest.
func asCorrection(row domain.Execution, p plan, v eventlog.Version, by string) domain.Execution {
	row.Corrects, row.RequestedBy = v.ID, by
	row.VersionID, row.OwnerID, row.RecordedAt, row.Patched = "", "", domain.Stamp{}, false // Record finds them
	row.Place = domain.PlaceBehind(v.Place())
	if p.AllowStale {
		row.Place = row.StartedAt
	}
	return row
}

// startCorrection starts the execution that a row announces with the corrected event, which Record takes as a new one.
func (l *Listener) startCorrection(ctx context.Context, row domain.Execution) (arn string, err error) {
	p, err := l.plan(ctx, row.ReplayID)
	if err != nil {
		return "", err
	}
	event, err := l.Log.Event(ctx, row.ResourceID, row.Corrects)
	if err != nil {
		return "", unreadable(row.Corrects, err)
	}
	if event, err = l.patch(row.ResourceID, row.Corrects, p, event); err != nil {
		return "", err
	}
	arn, err = l.Machine.Start(ctx, row.Name, event)
	if err == nil {
		l.Logger.InfoContext(ctx, "correction started", "execution", row.Name, "resourceId", row.ResourceID,
			"correctionOf", row.Corrects, "replayId", row.ReplayID)
	}
	return arn, err
}

// outdated is the guard over a version that is not the latest of its resource. A correction must not undo a newer
// event, whatever became of it; a replay must not undo one that has succeeded.
func (l *Listener) outdated(ctx context.Context, resourceID string, v, latest eventlog.Version, p plan) error {
	if p.Action != replay.Correct || p.AllowStale {
		return l.stale(ctx, resourceID, v, p)
	}
	return verdict{
		to: replay.Skipped, version: v.ID,
		reason: fmt.Sprintf("superseded: version %s is newer than the one to correct; allowStale corrects it all the same",
			latest.ID),
	}
}

// warning says why to run a version as it was recorded may not be meant: its last success was that of a patched event.
func (l *Listener) warning(ctx context.Context, it domain.Item, p plan, v eventlog.Version) (string, error) {
	if p.Action != replay.Rerun || p.transform != nil || p.Publish == replay.PublishSuppress {
		return "", nil
	}
	h, err := l.Book.Executions.History(ctx, it.ResourceID, v.At(), v.At())
	if err != nil {
		return "", err
	}
	succeeded := slices.DeleteFunc(h.Executions, func(e domain.Execution) bool {
		return e.VersionID != v.ID || e.Status != domain.Succeeded || e.Suppress || e.Superseded
	})
	if len(succeeded) == 0 {
		return "", nil
	}
	last := slices.MaxFunc(succeeded, func(a, b domain.Execution) int { return a.StartedAt.Compare(b.StartedAt.Time) })
	if !last.Patched {
		return "", nil
	}
	return fmt.Sprintf("it succeeded last with a patch, in replay %s, which this replay would undo: "+
		"replayctl correct makes a patch last", last.ReplayID), nil
}
