package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// unrecorded reports whether an item is about a failure whose event never reached the log.
func unrecorded(it domain.Item, req request) bool {
	return req.Versions.Mode == replay.FailedVersion && it.Want == "" && it.Failure != ""
}

// bindUnrecorded binds an item to the kept input of an execution that never reached the log. The input is started as it
// is, or patched, and recorded then, as a new event. It returns a verdict if there is nothing to run.
func (l *Listener) bindUnrecorded(ctx context.Context, t *task) (*verdict, error) {
	f, err := l.Book.Failures.Get(ctx, t.it.Failure)
	if err != nil {
		return nil, err
	}
	switch {
	case f.Status != domain.Quarantined:
		return skip("%s", noLongerFailed(f)), nil
	case f.ARN == "":
		return skip("%s is not an event: it is kept under %s", f.Execution, f.InputKey), nil
	case f.InputKey == "":
		return skip("the event of execution %s never reached the log, and its input is gone", f.Execution), nil
	case t.req.Action == replay.Republish:
		return skip("the event of execution %s never ran: there is nothing to publish", f.Execution), nil
	}
	if vd, err := l.unfitUnrecorded(ctx, f, t.req); vd != nil || err != nil {
		return vd, err
	}
	row := announcement(t, eventlog.Version{}, l.now())
	row.Name, row.Unrecorded, row.Failure = domain.FailedName(t.it.ReplayID, "", f.Execution), true, t.it.Failure
	row.ResourceID, row.RecordedAt, row.Place = "", domain.Stamp{}, f.StartedAt // Record finds the resource
	original, event, ids, vd, err := l.kept(ctx, f.InputKey, row, t.req)
	if vd != nil || err != nil {
		return vd, err
	}
	if !t.req.AllowStale {
		f.ResourceID = ids.ResourceID // a patch may have added it
		if vd, err := l.superseded(ctx, f, t.req, "replays"); vd != nil || err != nil {
			return vd, err
		}
	}
	if t.req.DryRun {
		return &verdict{to: replay.WouldRun, digest: digest(event), diff: sampleDiff(t, original, event)}, nil
	}
	if vd := t.req.sameAsPlanned(t.it, "", digest(event)); vd != nil {
		return vd, nil
	}
	err = l.Book.Items.Bind(ctx, t.it, row)
	return l.bound(ctx, t, "", row.Name, err)
}

// unfitUnrecorded is the verdict about an unrecorded event that a selection does not include, nil if it does.
func (l *Listener) unfitUnrecorded(ctx context.Context, f domain.Failure, req request) (*verdict, error) {
	if req.Select.Recorded != nil {
		return skip("the event of execution %s was never recorded", f.Execution), nil
	}
	fits, vd, err := l.keptFits(ctx, f, req)
	if vd == nil && err == nil && !fits {
		vd = skip("the event of execution %s does not fit the selection", f.Execution)
	}
	return vd, err
}

// superseded is the verdict about an unrecorded event: a newer event of the resource supersedes it, or the resource was
// deleted since. Again says what allowStale would do.
func (l *Listener) superseded(ctx context.Context, f domain.Failure, req request, again string) (*verdict, error) {
	by, newer, err := l.Superseding.SupersederOf(ctx, f)
	switch {
	case errors.Is(err, eventlog.ErrDeleted):
		return skip(eventlog.WasDeleted), nil
	case err != nil && !errors.Is(err, eventlog.ErrNotFound):
		return nil, err
	case newer && !req.AllowStale:
		return skip("stale: version %s is newer; allowStale %s it all the same", by.ID, again), nil
	}
	return nil, nil
}

// keptEvent returns a kept input as it is, or a verdict if it is gone.
func (l *Listener) keptEvent(ctx context.Context, key string) ([]byte, *verdict, error) {
	event, err := l.Log.Object(ctx, key)
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, skip("its input is gone from %s", key), nil
	}
	return event, nil, err
}

// kept returns a kept input as it is, and as the event with which the execution of a row is to start, or a verdict.
func (l *Listener) kept(
	ctx context.Context, key string, row domain.Execution, req request,
) (original, event []byte, ids ingest.IDs, vd *verdict, err error) {
	if original, vd, err = l.keptEvent(ctx, key); vd != nil || err != nil {
		return nil, nil, ids, vd, err
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

// keptInput returns the kept input with which the execution of an unrecorded event starts.
func (l *Listener) keptInput(ctx context.Context, row domain.Execution) ([]byte, *verdict, error) {
	f, err := l.Book.Failures.Get(ctx, row.Failure)
	if err != nil {
		return nil, nil, err
	}
	if row.Mode == domain.Restart {
		return l.keptEvent(ctx, f.InputKey)
	}
	req, err := l.request(ctx, row.ReplayID)
	if err != nil {
		return nil, nil, err
	}
	_, event, _, vd, err := l.kept(ctx, f.InputKey, row, req)
	if vd == nil && err == nil && row.Patched {
		err = l.Log.PutObject(ctx, eventlog.DerivedKey(row.Name), event) // so that a person can see it
	}
	return event, vd, err
}
