package listener

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// commitOutput binds an item of a republish to the last success of a version.
func (l *Listener) commitOutput(ctx context.Context, it ledger.Item, p plan, v eventlog.Version) (ledger.Item, error) {
	at := v.At()
	h, err := l.Book.History(ctx, it.ResourceID, at, at)
	if err != nil {
		return it, err
	}
	var last ledger.Execution
	for _, e := range h.Executions {
		done := e.VersionID == v.ID && e.Status == ledger.Succeeded && !e.Superseded && e.OutputKey != ""
		if done && !e.StartedAt.Before(last.StartedAt.Time) {
			last = e
		}
	}
	if last.Name == "" {
		return it, verdict{
			to: replay.Skipped, version: v.ID, reason: "version " + v.ID + " has no success whose output is stored: rerun it",
		}
	}
	if p.DryRun {
		return it, verdict{to: replay.WouldRun, version: v.ID}
	}
	err = l.Book.BindOutput(ctx, it, v.ID, last.Name)
	if errors.Is(err, ledger.ErrConflict) {
		return l.rebound(ctx, it)
	}
	it.VersionID, it.Execution = v.ID, last.Name
	return it, err
}

// republish sends the output that an item is bound to. It always returns a verdict or an error. As any message to a
// standard topic, it may arrive twice: when the function dies between sending it and noting that.
func (l *Listener) republish(ctx context.Context, it ledger.Item, p plan) error {
	source, err := l.Book.Execution(ctx, it.Execution)
	if err != nil {
		return err
	}
	output, err := l.Log.Object(ctx, source.OutputKey)
	if errors.Is(err, eventlog.ErrNotFound) {
		return fail(it.VersionID, "OutputGone: the output of execution %s is no longer stored: rerun the version", source.Name)
	}
	if err != nil {
		return err
	}
	row := l.announcement(it, p, eventlog.Version{ID: it.VersionID, Meta: eventlog.Meta{
		OwnerID: source.OwnerID, RecordedAt: source.RecordedAt.Time,
	}})
	row.Source = source.Name
	if err := l.Topic.Send(ctx, row, string(output)); err != nil {
		return err
	}
	l.Meter.Add(schema.Republished, 1) // a message; sent twice, it counts twice
	l.Logger.InfoContext(ctx, "output published again", "execution", source.Name, "resourceId", it.ResourceID,
		"versionId", it.VersionID, "replayId", it.ReplayID)
	return verdict{to: replay.Succeeded, arn: l.Machine.ExecutionARN(source.Name)}
}
