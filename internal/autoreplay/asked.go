package autoreplay

import (
	"context"
	"errors"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// addAsked adds the failure of a requested replay. It is never retried automatically. If the replay was to publish the
// event as it is, a person decides. A replay with a patch, or without publication, was an experiment: its failure is
// only recorded.
func (r *run) addAsked(ctx context.Context, f domain.Failure, row domain.Execution) error {
	f.ReplayID = row.ReplayID
	f.Status, f.Decision = domain.Quarantined, "its replay failed: correct the cause or the event, then replay it again"
	if row.Patched || row.Suppress {
		f.Status, f.Decision = domain.Closed, "a replay with a patch or without publication failed: see its items"
	}
	if row.Corrects != "" && f.VersionID == "" {
		f.Status = domain.Closed
		f.Decision = "a correction failed before it was recorded, and changed nothing: correct the version again"
	}
	if row.Failure == "" {
		if err := r.closeIfSucceeded(ctx, &f); err != nil {
			return err
		}
	}
	if err := r.insert(ctx, f); err != nil || row.Failure == "" || f.Status == domain.Closed {
		return err
	}
	why := "its replay " + f.Execution + " failed as well" // the replay that took over its event
	return r.markFailedAgain(ctx, row.Failure, why)
}

// closeIfSucceeded closes a failure instead of quarantining it if its event has succeeded since.
func (r *run) closeIfSucceeded(ctx context.Context, f *domain.Failure) error {
	if f.Status != domain.Quarantined {
		return nil
	}
	by, err := r.succeededSince(ctx, *f)
	if err == nil && by != "" {
		f.Status, f.Decision, f.HealedBy = domain.Closed, "the event had succeeded by then: see "+by, by
	}
	return err
}

// succeededSince returns an execution that has succeeded since the failure: of its version, or the one that recorded a
// correction of it. A person who sees the item's outcome may be faster than the dead letter.
func (r *run) succeededSince(ctx context.Context, f domain.Failure) (name string, err error) {
	if f.VersionID == "" {
		return "", nil
	}
	h, err := r.Book.Executions.History(ctx, f.ResourceID, f.RecordedAt.Time, f.RecordedAt.Time)
	if err != nil {
		return "", err
	}
	by, newer, err := r.Superseding.SupersederOf(ctx, f)
	switch {
	case errors.Is(err, eventlog.ErrNotFound), errors.Is(err, eventlog.ErrDeleted):
	case err != nil:
		return "", err
	case newer && by.Correction.Of == f.VersionID:
		row, err := r.Book.Executions.Get(ctx, by.Execution)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return "", err
		}
		h.Executions = append(h.Executions, row)
	}
	for _, e := range h.Executions {
		of := e.VersionID == f.VersionID || e.Corrects == f.VersionID
		if of && e.Status == domain.Succeeded && !e.Superseded && !e.Suppress && e.StoppedAt.After(f.FailedAt.Time) {
			return e.Name, nil
		}
	}
	return "", nil
}
