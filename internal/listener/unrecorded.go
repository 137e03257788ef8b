package listener

import (
	"cmp"
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
func unrecorded(it domain.Item, p plan) bool {
	return p.Versions.Mode == replay.FailedVersion && it.Want == "" && it.Failure != ""
}

// commitUnrecorded binds an item to the kept input of an execution that never reached the log. It is started as it is, or
// patched, and recorded then: it is a new event to everybody. It returns the item as it is bound, or a verdict.
func (l *Listener) commitUnrecorded(ctx context.Context, it domain.Item, p plan) (domain.Item, error) {
	f, err := l.Book.Failures.Get(ctx, it.Failure)
	if err != nil {
		return it, err
	}
	switch {
	case f.Status != domain.Quarantined:
		return it, skip("%s", noLongerFailed(f))
	case f.ARN == "":
		return it, skip("%s is no event: it is kept under %s", f.Execution, f.InputKey)
	case f.InputKey == "":
		return it, skip("the event of execution %s never reached the log, and its input is gone", f.Execution)
	case p.Action == replay.Republish:
		return it, skip("the event of execution %s never ran: there is nothing to publish", f.Execution)
	case p.Select.Recorded != nil:
		return it, skip("the event of execution %s was never recorded", f.Execution)
	}
	if fits, err := l.keptFits(ctx, f, p); err != nil || !fits {
		return it, cmp.Or(err, skip("the event of execution %s does not fit the selection", f.Execution))
	}
	row := domain.Execution{
		Name: domain.FailedName(it.ReplayID, "", f.Execution), Mode: domain.API, Status: domain.Starting, Unrecorded: true,
		StartedAt: domain.At(l.now()), Place: f.StartedAt, AllowStale: p.AllowStale, Reason: p.Reason,
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal,
		Target: p.Target, Suppress: p.Publish == replay.PublishSuppress, Patched: p.transform != nil, Failure: it.Failure,
	}
	original, event, ids, err := l.kept(ctx, f.InputKey, row, p)
	if err != nil {
		return it, err
	}
	if !p.AllowStale {
		f.ResourceID = ids.ResourceID // a patch may have made it
		by, newer, err := l.Superseding.SupersederOf(ctx, f)
		if errors.Is(err, eventlog.ErrDeleted) {
			return it, skip(deleted)
		}
		if err != nil && !errors.Is(err, eventlog.ErrNotFound) {
			return it, err
		}
		if newer {
			return it, skip("stale: version %s is newer; allowStale replays it all the same", by.ID)
		}
	}
	if p.DryRun {
		v := verdict{to: replay.WouldRun, digest: digest(event)}
		if p.transform != nil && sampled(it) {
			if changes, err := transform.Diff(original, event); err == nil { // else too large to show
				v.diff = string(changes)
			}
		}
		return it, v
	}
	if err := p.sameAsPlanned(it, "", digest(event)); err != nil {
		return it, err
	}
	err = l.Book.Items.Bind(ctx, it, row)
	if errors.Is(err, ledger.ErrConflict) {
		return l.rebound(ctx, it)
	}
	it.Execution = row.Name
	return it, err
}

// kept returns a kept input as it is and as it is to be started by a row, which has to be an event, or a verdict.
func (l *Listener) kept(ctx context.Context, key string, row domain.Execution, p plan) (original, event []byte, ids ingest.IDs, err error) {
	original, err = l.Log.Object(ctx, key)
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil, nil, ids, skip("its input is gone from %s", key)
	}
	if err != nil {
		return nil, nil, ids, err
	}
	event = original
	if p.transform != nil {
		if event, err = l.transformed(ctx, row, p, original); err != nil {
			return nil, nil, ids, err
		}
	}
	if protocol.IsReserved(event) {
		return nil, nil, ids, fail("", "InvalidEvent: the event has the reserved key %q, which only replays may carry: "+
			"remove it with a transform", schema.EnvelopeKey)
	}
	if ids, err = l.Reader.Read(event); err != nil {
		return nil, nil, ids, fail("", "%v: correct it with a transform", err)
	}
	return original, event, ids, nil
}

// startUnrecorded starts the execution that a row announces, with a kept input.
func (l *Listener) startUnrecorded(ctx context.Context, row domain.Execution) (arn string, err error) {
	f, err := l.Book.Failures.Get(ctx, row.Failure)
	if err != nil {
		return "", err
	}
	p, err := l.plan(ctx, row.ReplayID)
	if err != nil {
		return "", err
	}
	_, event, _, err := l.kept(ctx, f.InputKey, row, p)
	if err != nil {
		return "", err
	}
	if row.Patched {
		if err := l.Log.PutObject(ctx, eventlog.DerivedKey(row.Name), event); err != nil { // to be looked at later
			return "", err
		}
	}
	arn, err = l.startOn(ctx, l.Machine, row.Name, event)
	if err == nil {
		l.Logger.InfoContext(ctx, "unrecorded event started", "execution", row.Name, "replayId", row.ReplayID, "failed", f.Execution)
	}
	return arn, err
}
