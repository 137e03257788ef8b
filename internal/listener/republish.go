package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// bindOutput binds an item of a republish to the last success of a version that was published. A replay that did not
// publish has an output too.
func (l *Listener) bindOutput(ctx context.Context, t *task, v eventlog.Version) (*verdict, error) {
	last, err := l.lastSuccess(ctx, t.it.ResourceID, v, func(e domain.Execution) bool {
		return !e.PublishedAt.IsZero() && e.OutputKey != ""
	})
	switch {
	case err != nil:
		return nil, err
	case last.Name == "":
		return skipVersion(v.ID, "version %s has no published output that is stored: rerun it", v.ID), nil
	case t.req.DryRun:
		return &verdict{to: replay.WouldRun, version: v.ID}, nil
	}
	err = l.Book.Items.BindOutput(ctx, t.it, v.ID, last.Name)
	return l.bound(ctx, t, v.ID, last.Name, err)
}

// lastSuccess returns the last successful execution of a version, among those that count, or the zero row.
func (l *Listener) lastSuccess(
	ctx context.Context, resourceID string, v eventlog.Version, counts func(domain.Execution) bool,
) (last domain.Execution, err error) {
	h, err := l.Book.Executions.History(ctx, resourceID, v.At(), v.At())
	for _, e := range h.Executions {
		done := e.VersionID == v.ID && e.Status == domain.Succeeded && counts(e)
		if done && !e.StartedAt.Before(last.StartedAt.Time) {
			last = e
		}
	}
	return last, err
}

// republish sends the output to which an item is bound, and returns the verdict. The message may arrive twice: the
// function may die between sending it and recording that.
func (l *Listener) republish(ctx context.Context, t *task) (*verdict, error) {
	it := t.it
	source, err := l.Book.Executions.Get(ctx, it.Execution)
	if err != nil {
		return nil, err
	}
	output, err := l.Log.Object(ctx, source.OutputKey)
	if errors.Is(err, eventlog.ErrNotFound) {
		return fail(it.VersionID, "OutputGone: the output of execution %s is no longer stored: rerun the version", source.Name), nil
	}
	if err != nil {
		return nil, err
	}
	row := announcement(t, eventlog.Version{ID: it.VersionID, Meta: eventlog.Meta{
		OwnerID: source.OwnerID, RecordedAt: source.RecordedAt.Time, FirstStartedAt: source.Placed().Time,
	}}, l.now())
	row.Source = source.Name
	if row.MayFollow, err = l.mayFollow(ctx, it, t.req); err != nil {
		return nil, err
	}
	if gone, err := l.Log.DeletedSince(ctx, it.ResourceID, row.Place.Time); gone || err != nil { // since it was bound
		return withheld(it, eventlog.WasDeleted), err
	}
	sent, err := l.Gate.Pass(ctx, row, !row.AllowStale, func(ctx context.Context) error {
		return l.Topic.Send(ctx, row, string(output))
	})
	if err != nil {
		return nil, err
	}
	if !sent {
		return withheld(it, "stale: a newer event of the resource was published; allowStale publishes this one all the same"), nil
	}
	l.Meter.Add(schema.Republished, 1) // counts messages, so one that is sent twice counts twice
	l.Logger.InfoContext(ctx, "output published again", "execution", source.Name, "resourceId", it.ResourceID,
		"versionId", it.VersionID, "replayId", it.ReplayID)
	return &verdict{to: replay.Succeeded, arn: l.Machine.ExecutionARN(source.Name)}, nil
}

// withheld is the verdict about an output that must not be sent now. An earlier delivery of the item may have sent it
// when that was still allowed, and died before it recorded that.
func withheld(it domain.Item, why string) *verdict {
	if it.JustBound {
		return skip("%s", why)
	}
	return fail(it.VersionID, "OutputNotSent: %s; it is not known whether it was sent before", why)
}

// mayFollow returns the newest place that an item may be published after: of a series, that of its last version.
func (l *Listener) mayFollow(ctx context.Context, it domain.Item, req request) (domain.Stamp, error) {
	if !req.Versions.Several() {
		return domain.Stamp{}, nil
	}
	s, err := l.Book.Series.Get(ctx, domain.SeriesName(it.ReplayID, it.Page, it.Ordinal))
	if errors.Is(err, ledger.ErrNotFound) { // the resource has only one version
		return domain.Stamp{}, nil
	}
	if err != nil {
		return domain.Stamp{}, err
	}
	last, err := l.Log.Version(ctx, it.ResourceID, s.Versions[len(s.Versions)-1])
	if errors.Is(err, eventlog.ErrNotFound) {
		return domain.Stamp{}, nil
	}
	return domain.At(last.Place()), err
}
