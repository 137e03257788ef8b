package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/transform"
	"github.com/ce873799/replayable-ingestion/replay"
)

// unrecorded reports whether an item is about a failure whose event never reached the log.
func unrecorded(it domain.Item, req request) bool {
	return req.Versions.Mode == replay.FailedVersion && it.Want == "" && it.Failure != ""
}

// bindUnrecorded binds an item to the kept input of an execution that never reached the log. It is started as it is, or
// patched, and recorded then: it is a new event to everybody. It returns the item as it is bound, or a verdict.
func (l *Listener) bindUnrecorded(ctx context.Context, it domain.Item, req request) (domain.Item, *verdict, error) {
	f, err := l.Book.Failures.Get(ctx, it.Failure)
	if err != nil {
		return it, nil, err
	}
	switch {
	case f.Status != domain.Quarantined:
		return it, skip("%s", noLongerFailed(f)), nil
	case f.ARN == "":
		return it, skip("%s is no event: it is kept under %s", f.Execution, f.InputKey), nil
	case f.InputKey == "":
		return it, skip("the event of execution %s never reached the log, and its input is gone", f.Execution), nil
	case req.Action == replay.Republish:
		return it, skip("the event of execution %s never ran: there is nothing to publish", f.Execution), nil
	case req.Select.Recorded != nil:
		return it, skip("the event of execution %s was never recorded", f.Execution), nil
	}
	fits, vd, err := l.keptFits(ctx, f, req)
	switch {
	case vd != nil || err != nil:
		return it, vd, err
	case !fits:
		return it, skip("the event of execution %s does not fit the selection", f.Execution), nil
	}
	row := domain.Execution{
		Name: domain.FailedName(it.ReplayID, "", f.Execution), Mode: domain.API, Status: domain.Starting, Unrecorded: true,
		StartedAt: domain.At(l.now()), Place: f.StartedAt, AllowStale: req.AllowStale, Reason: req.Reason,
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal,
		Target: req.Target, Suppress: req.Publish == replay.PublishSuppress, Patched: req.transform != nil, Failure: it.Failure,
	}
	original, event, ids, vd, err := l.kept(ctx, f.InputKey, row, req)
	if vd != nil || err != nil {
		return it, vd, err
	}
	if !req.AllowStale {
		f.ResourceID = ids.ResourceID // a patch may have made it
		by, newer, err := l.Superseding.SupersederOf(ctx, f)
		if errors.Is(err, eventlog.ErrDeleted) {
			return it, skip(deleted), nil
		}
		if err != nil && !errors.Is(err, eventlog.ErrNotFound) {
			return it, nil, err
		}
		if newer {
			return it, skip("stale: version %s is newer; allowStale replays it all the same", by.ID), nil
		}
	}
	if req.DryRun {
		would := verdict{to: replay.WouldRun, digest: digest(event)}
		if req.transform != nil && sampled(it) {
			if changes, err := transform.Diff(original, event); err == nil { // else too large to show
				would.diff = string(changes)
			}
		}
		return it, &would, nil
	}
	if vd := req.sameAsPlanned(it, "", digest(event)); vd != nil {
		return it, vd, nil
	}
	err = l.Book.Items.Bind(ctx, it, row)
	if errors.Is(err, ledger.ErrConflict) {
		return l.rebound(ctx, it)
	}
	it.Execution = row.Name
	return it, nil, err
}

// kept returns a kept input as it is and as it is to be started by a row, which has to be an event, or a verdict.
func (l *Listener) kept(
	ctx context.Context, key string, row domain.Execution, req request,
) (original, event []byte, ids ingest.IDs, vd *verdict, err error) {
	original, err = l.Log.Object(ctx, key)
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, nil, ids, skip("its input is gone from %s", key), nil
	}
	if err != nil {
		return nil, nil, ids, nil, err
	}
	event = original
	if req.transform != nil {
		if event, vd, err = l.transformed(ctx, row, req, original); vd != nil || err != nil {
			return nil, nil, ids, vd, err
		}
	}
	if protocol.IsReserved(event) {
		return nil, nil, ids, fail("", "InvalidEvent: the event has the reserved key %q, which only replays may carry: "+
			"remove it with a transform", schema.EnvelopeKey), nil
	}
	if ids, err = l.Reader.Read(event); err != nil {
		return nil, nil, ids, fail("", "%v: correct it with a transform", err), nil
	}
	return original, event, ids, nil, nil
}

// startUnrecorded starts the execution that a row announces, with a kept input.
func (l *Listener) startUnrecorded(ctx context.Context, row domain.Execution) (arn string, vd *verdict, err error) {
	f, err := l.Book.Failures.Get(ctx, row.Failure)
	if err != nil {
		return "", nil, err
	}
	req, err := l.request(ctx, row.ReplayID)
	if err != nil {
		return "", nil, err
	}
	_, event, _, vd, err := l.kept(ctx, f.InputKey, row, req)
	if vd != nil || err != nil {
		return "", vd, err
	}
	if row.Patched {
		if err := l.Log.PutObject(ctx, eventlog.DerivedKey(row.Name), event); err != nil { // to be looked at later
			return "", nil, err
		}
	}
	arn, err = l.startOn(ctx, l.Machine, row.Name, event)
	if err == nil {
		l.Logger.InfoContext(ctx, "unrecorded event started", "execution", row.Name, "replayId", row.ReplayID, "failed", f.Execution)
	}
	return arn, nil, err
}
