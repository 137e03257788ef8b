package autoreplay

import (
	"context"
	"errors"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

const (
	rebuildMark = "rebuild"
	rebuildPage = 200
)

// beginRebuild begins to restore the rows of versions and owners that the ledger lacks, from the event log alone. It
// takes several runs. Requesting it again meanwhile changes nothing.
func (a *Runner) beginRebuild(ctx context.Context) error {
	mark, err := a.mark(ctx, rebuildMark)
	if err != nil || mark.Active {
		return err
	}
	a.Logger.InfoContext(ctx, "rebuild of the ledger begun")
	return a.Book.Marks.Save(ctx, domain.Mark{Name: rebuildMark, Active: true, TakenAt: domain.At(a.Now())})
}

// rebuild continues a rebuild, as far as the time and the look-ups of the run allow.
func (r *run) rebuild(ctx context.Context) error {
	mark, err := r.mark(ctx, rebuildMark)
	for err == nil && mark.Active && ctx.Err() == nil {
		entries, next, err := r.Log.Walk(ctx, mark.Token, rebuildPage)
		if err != nil {
			return err
		}
		done, err := r.restore(ctx, entries)
		if err != nil || !done {
			return err // the next run reads the page again, and finds the rows that were added
		}
		mark.Token, mark.Active, mark.Count, mark.TakenAt = next, next != "", mark.Count+len(entries), domain.At(r.Now())
		if err := r.Book.Marks.Save(ctx, mark); err != nil {
			return err
		}
		if !mark.Active {
			r.Logger.InfoContext(ctx, "rebuild of the ledger done", "versions", mark.Count)
		}
	}
	return err
}

// restore adds the missing rows of some versions. Done is false if the run may not look up more executions.
func (r *run) restore(ctx context.Context, entries []eventlog.Entry) (done bool, err error) {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Execution
		if e.OwnerID != "" {
			if err := r.Book.Owners.Note(ctx, e.OwnerID, e.ResourceID, domain.At(e.RecordedAt)); err != nil {
				return false, err
			}
		}
	}
	missing, err := r.Book.Executions.Missing(ctx, names)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if !missing[e.Execution] {
			continue
		}
		if ctx.Err() != nil || !r.mayLookUp(forRebuild) {
			return false, nil //nolint:nilerr // out of time or look-ups: the next run goes on
		}
		if err := r.restoreExecution(ctx, e); err != nil {
			return false, err
		}
		delete(missing, e.Execution)
		r.sum.Restored++
	}
	return true, nil
}

// restoreExecution adds the row of the execution that recorded a version. Step Functions knows for 90 days how it
// ended. After that, a stored output shows that it succeeded.
func (r *run) restoreExecution(ctx context.Context, e eventlog.Entry) error {
	v, err := r.Log.FindEnded(ctx, e.ResourceID, e.Execution, e.StartedAt, e.At()) // the oldest one if there are several
	if errors.Is(err, eventlog.ErrNotFound) {
		return nil // expired meanwhile
	}
	if err != nil {
		return err
	}
	row := domain.Execution{
		Name: e.Execution, ARN: r.Machine.ExecutionARN(e.Execution), Mode: modeOf(e.Execution), Status: domain.Running,
		ResourceID: e.ResourceID, OwnerID: e.OwnerID, VersionID: v.ID, RecordedAt: domain.At(v.RecordedAt),
		StartedAt: domain.At(v.StartedAt), Place: domain.At(v.FirstStartedAt),
		Corrects: v.Correction.Of, RequestedBy: v.Correction.By, Reason: v.Correction.Reason,
	}
	if err := r.restoreCorrection(ctx, &row); err != nil {
		return err
	}
	stored, err := r.Log.Stored(ctx, eventlog.OutputKey(e.Execution))
	if err != nil && !errors.Is(err, eventlog.ErrNotFound) {
		return err
	}
	published := err == nil && row.Mode != domain.API // an execution that published nothing has an output too
	d, err := r.Machine.Describe(ctx, e.Execution)
	forgotten := errors.Is(err, sfn.ErrNotFound)
	switch {
	case forgotten && published:
		row.Status, row.StoppedAt = domain.Succeeded, domain.At(stored)
	case forgotten:
		row.Status, row.StoppedAt = domain.Aborted, domain.At(r.Now())
		row.Error, row.Cause = "OutcomeUnknown", "rebuilt from the event log, after Step Functions had forgotten the execution"
	case err != nil:
		return err
	}
	if published && (forgotten || d.Status == domain.Succeeded) {
		row.OutputKey, row.PublishedAt = eventlog.OutputKey(e.Execution), domain.At(stored)
		if _, err := r.Book.Publications.Raise(ctx, row.ResourceID, row.Placed()); err != nil {
			return err
		}
	}
	if _, err := r.Book.Executions.Add(ctx, row); err != nil && !errors.Is(err, ledger.ErrConflict) {
		return err
	}
	if !forgotten && d.Status.Terminal() {
		return r.recordEnd(ctx, d.Ended)
	}
	return nil
}

// restoreCorrection adds to the row of a correction what it corrects.
func (r *run) restoreCorrection(ctx context.Context, row *domain.Execution) error {
	if row.Corrects == "" {
		return nil
	}
	of, err := r.Log.First(ctx, row.ResourceID, row.Corrects)
	if errors.Is(err, eventlog.ErrNotFound) { // expired, and its failures cannot be replayed
		return nil
	}
	if err != nil {
		return err
	}
	row.CorrectsAt = domain.At(of.At())
	if of.Correction.Of != "" {
		row.Correction = of.Execution
	}
	return nil
}

// modeOf returns the mode of an execution that recorded an event, by its name.
func modeOf(execution string) domain.Mode {
	switch {
	case strings.HasPrefix(execution, domain.AutoPrefix):
		return domain.Restart
	case strings.HasPrefix(execution, domain.APIPrefix):
		return domain.API
	}
	return domain.Live
}
