// Package outcome records the end of an execution in the ledger: in its row, and in its replay item or failure.
// Recording the same end again changes nothing, and completes what a crash left unfinished.
package outcome

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

type outcomes interface {
	Get(ctx context.Context, name string) (domain.Execution, error)
	RecordOutcome(ctx context.Context, o domain.Ended) (domain.Execution, error)
	MarkFollowedUp(ctx context.Context, name string) error
}

type ends interface {
	Note(ctx context.Context, ends []domain.End, at time.Time) error
}

type failures interface {
	Get(ctx context.Context, id string) (domain.Failure, error)
	Move(ctx context.Context, f domain.Failure, m domain.Move, from ...domain.FailureStatus) error
	Find(ctx context.Context, ids []string) ([]domain.Failure, error)
	OfVersion(ctx context.Context, resourceID string, recordedAt domain.Stamp) ([]domain.Failure, error)
}

type progressor interface {
	Apply(ctx context.Context, transitions []progress.Transition) map[string]error
}

// EndRecorder records how executions ended.
type EndRecorder struct {
	executions outcomes
	ends       ends
	failures   failures
	progress   progressor
	logger     *slog.Logger
	meter      *emf.Meter
	tracks     bool // it is Tracker's
	now        func() time.Time
}

// NewEndRecorder returns an EndRecorder. A nil logger discards.
func NewEndRecorder(executions outcomes, ends ends, failures failures, progress progressor, logger *slog.Logger) *EndRecorder {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &EndRecorder{executions: executions, ends: ends, failures: failures, progress: progress, logger: logger, now: time.Now}
}

// ForTracker returns a copy for Tracker, which mostly receives each end once. The copy also lists ends without a row,
// and lists an end again when it is received again: the ledger cannot tell these two apart. It counts failures without
// a row on the meter.
func (r *EndRecorder) ForTracker(m *emf.Meter) *EndRecorder {
	copied := *r
	copied.meter, copied.tracks = m, true
	return &copied
}

// Record records ends and returns one error for each, nil for those that are recorded. That of an execution without a
// row counts as recorded: it never reached the ledger, and if it failed, its dead letter adds it. Ends that are not
// recorded in time get errs.ErrDeadlinePassed.
func (r *EndRecorder) Record(ctx context.Context, ended []domain.Ended) []error {
	recorded, results := errs.EachWithinDeadline(ctx, ended, r.recordOutcome)
	rows := make([]domain.Execution, len(ended))
	for i, one := range recorded {
		rows[i] = one.row
	}
	var transitions []progress.Transition
	replayOf := map[string][]int{} // replay id -> places in ended
	for i, e := range ended {
		row := rows[i]
		if results[i] != nil {
			continue
		}
		if row.Mode == domain.API && row.ReplayID != "" {
			transitions = append(transitions, transition(row, e))
			replayOf[row.ReplayID] = append(replayOf[row.ReplayID], i)
		}
		if row.Redriven(e.RedriveCount) {
			transitions = append(transitions, redriveTransition(row, e))
			replayOf[row.RedriveID] = append(replayOf[row.RedriveID], i)
		}
	}
	for id, err := range r.progress.Apply(ctx, transitions) {
		for _, i := range replayOf[id] {
			results[i] = err
		}
	}
	var known []int // places in ended
	for i, e := range ended {
		// Auto-replay records the failed ones.
		followed := e.NeedsFollowUp() && (e.Status == domain.Succeeded || e.Status == domain.Aborted)
		if results[i] == nil && rows[i].Name != "" && followed {
			known = append(known, i)
		}
	}
	_, taken := errs.EachWithinDeadline(ctx, known, func(ctx context.Context, i int) (none struct{}, err error) {
		return none, r.executions.MarkFollowedUp(ctx, ended[i].Name)
	})
	for k, i := range known {
		results[i] = taken[k]
	}
	r.list(ctx, ended, recorded, results)
	return results
}

// list keeps what has ended for GET /executions. Ends that cannot be listed count as not recorded: they come again.
func (r *EndRecorder) list(ctx context.Context, ended []domain.Ended, recorded []recorded, results []error) {
	var ends []domain.End
	var of []int // places in ended
	for i, e := range ended {
		if results[i] == nil && (recorded[i].anew || r.tracks && recorded[i].known) {
			ends, of = append(ends, domain.EndOf(explained(e), recorded[i].row)), append(of, i)
		}
	}
	if len(ends) == 0 {
		return
	}
	_, err := errs.WithinDeadline(ctx, func(ctx context.Context) (none struct{}, err error) {
		return none, r.ends.Note(ctx, ends, r.now())
	})
	for _, i := range of {
		results[i] = err
	}
}

// recorded is what became of an end: the zero row if it is none of ours or an old one.
type recorded struct {
	row   domain.Execution
	anew  bool // the ledger did not know of it
	known bool // it may have, and it is about the last run
}

func explained(e domain.Ended) domain.Ended {
	if e.Status == domain.TimedOut && e.Error == "" {
		e.Error = "States.Timeout"
	}
	return e
}

// recordOutcome records an end in the row, and moves the failures.
func (r *EndRecorder) recordOutcome(ctx context.Context, e domain.Ended) (recorded, error) {
	e = explained(e)
	row, err := r.executions.RecordOutcome(ctx, e)
	anew := false
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		if e.Status != domain.Aborted && !domain.IsReplayName(e.Name) { // it failed before it was recorded
			r.meter.Observe(schema.FailureRate, domain.FailureRate(e.Status))
		}
		r.logger.InfoContext(ctx, "execution without a row ended", "execution", e.Name, "status", e.Status)
		return recorded{known: true}, nil
	case errors.Is(err, ledger.ErrConflict):
		if !matchesEnd(row, e) {
			return recorded{}, nil // it is about an earlier run
		}
	case err != nil:
		return recorded{}, err
	default:
		anew = true
		r.logger.InfoContext(ctx, "outcome recorded", "execution", e.Name, "status", e.Status, "error", e.Error,
			"mode", row.Mode, "resourceId", row.ResourceID)
	}
	return recorded{row: row, anew: anew, known: true}, r.moveFailures(ctx, row)
}

func matchesEnd(row domain.Execution, e domain.Ended) bool {
	return row.Status == e.Status && row.RedriveCount == e.RedriveCount && row.StoppedAt.Equal(domain.At(e.StoppedAt).Time)
}

func (r *EndRecorder) moveFailures(ctx context.Context, row domain.Execution) error {
	if row.Status == domain.Succeeded && row.RedriveCount > 0 {
		if err := r.closeRedriven(ctx, row); err != nil {
			return err
		}
	}
	if row.Redriven(row.RedriveCount) {
		if err := r.moveTakenOver(ctx, row); err != nil {
			return err
		}
	}
	switch {
	case row.Status == domain.Succeeded && row.Superseded && row.Failure == "": // it healed nothing
		return nil
	case row.Status == domain.Succeeded && row.Superseded:
		return r.moveLineage(ctx, row, domain.Move{To: domain.Superseded, Decision: "not published: " + row.Withheld})
	case row.Mode == domain.API && row.Suppress: // downstream has not received it
		return nil
	case row.Failure != "" && row.Status == domain.Succeeded:
		return r.moveLineage(ctx, row, healedBy(row))
	case row.Failure != "" && row.Mode != domain.API && row.Error == domain.NeverStarted:
		why := "its automatic replay was never started"
		if row.Cause != "" {
			why += ": " + row.Cause
		}
		return r.moveOpen(ctx, row.Failure, domain.Move{To: domain.Quarantined, Decision: why})
	case row.Failure != "" && row.Mode != domain.API && row.Status == domain.Aborted:
		return r.moveOpen(ctx, row.Failure, domain.Move{To: domain.Closed, Decision: "its automatic replay was aborted"})
	case row.Mode == domain.API && row.Status == domain.Succeeded:
		return r.healVersion(ctx, row)
	}
	return nil
}

// redriveTransition is the transition of the item that has redriven an execution.
func redriveTransition(row domain.Execution, e domain.Ended) progress.Transition {
	t := transition(row, e)
	t.ReplayID, t.Page, t.Ordinal, t.Index = row.RedriveID, row.RedrivePage, row.RedriveOrdinal, 0
	return t
}

func transition(row domain.Execution, e domain.Ended) progress.Transition {
	t := progress.Transition{
		ReplayID: row.ReplayID, Page: row.Page, Ordinal: row.Ordinal, Index: row.Index, ARN: row.ARN, Execution: row.Name,
		At: e.StoppedAt, To: replay.Succeeded, Version: row.VersionID, Resource: row.ResourceID,
	}
	if row.Superseded {
		t.Reason = "not published: " + row.Withheld
	}
	if row.Status != domain.Succeeded {
		t.To, t.Reason = replay.Failed, row.Error
		switch {
		case t.Reason == "":
			t.Reason = string(row.Status)
		case row.Error == domain.NeverStarted && row.Cause != "":
			t.Reason += ": " + row.Cause
		}
	}
	return t
}
