package listener

import (
	"context"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
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

// correction returns the input of the execution that a row announces: an envelope that points to the corrected event.
// Record takes it from there byte for byte, since Step Functions may write numbers in another way.
func (l *Listener) correction(ctx context.Context, row domain.Execution) ([]byte, *verdict, error) {
	p, err := l.plan(ctx, row.ReplayID)
	if err != nil {
		return nil, nil, err
	}
	event, vd, err := l.event(ctx, row.ResourceID, row.Corrects)
	if vd != nil || err != nil {
		return nil, vd, err
	}
	of := row
	of.VersionID = row.Corrects
	if event, vd, err = l.recordable(ctx, of, p, event); vd != nil || err != nil {
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

// outdated is the guard over a version that is not the latest of its resource. A correction must not undo a newer
// event, whatever became of it; a replay must not undo one that has succeeded.
func (l *Listener) outdated(ctx context.Context, resourceID string, v, latest eventlog.Version, p plan) (*verdict, error) {
	if p.Action != replay.Correct || p.AllowStale {
		return l.stale(ctx, resourceID, v, p)
	}
	return &verdict{
		to: replay.Skipped, version: v.ID,
		reason: fmt.Sprintf("superseded: version %s is newer than the one to correct; allowStale corrects it all the same",
			latest.ID),
	}, nil
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
	var last domain.Execution
	for _, e := range h.Executions {
		done := e.VersionID == v.ID && e.Status == domain.Succeeded && !e.Suppress && !e.Superseded
		if done && !e.StartedAt.Before(last.StartedAt.Time) {
			last = e
		}
	}
	if !last.Patched {
		return "", nil
	}
	return fmt.Sprintf("it succeeded last with a patch, in replay %s, which this replay would undo: "+
		"replayctl correct makes a patch last", last.ReplayID), nil
}
