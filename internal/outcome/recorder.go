// Package outcome records the end of an execution in the ledger: in its row, and in its replay item or failure.
// Recording the same end again changes nothing, and completes what a crash left unfinished.
package outcome

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

type outcomes interface {
	Settle(ctx context.Context, o domain.Ended) (domain.Execution, error)
	TakenIn(ctx context.Context, name string) error
}

type failures interface {
	Get(ctx context.Context, id string) (domain.Failure, error)
	Move(ctx context.Context, f domain.Failure, m domain.Move, from ...domain.FailureStatus) error
	Find(ctx context.Context, ids []string) ([]domain.Failure, error)
	OfVersion(ctx context.Context, resourceID string, recordedAt domain.Stamp) ([]domain.Failure, error)
}

type progressor interface {
	Apply(ctx context.Context, steps []progress.Transition) map[string]error
}

// Recorder settles executions.
type Recorder struct {
	executions outcomes
	failures   failures
	progress   progressor
	logger     *slog.Logger
	meter      *emf.Meter
}

// NewRecorder returns a Recorder. A nil logger discards.
func NewRecorder(executions outcomes, failures failures, progress progressor, logger *slog.Logger) *Recorder {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Recorder{executions: executions, failures: failures, progress: progress, logger: logger}
}

// Metered returns the recorder and makes it count ends without a row. The ledger cannot detect whether such an end is
// reported twice. Therefore, only Tracker uses it, which usually gets each end once.
func (s *Recorder) Metered(m *emf.Meter) *Recorder {
	counted := *s
	counted.meter = m
	return &counted
}

// Record settles executions and returns one error per execution, nil for those that are settled. An execution without a
// row is settled: it never reached the ledger, and if it failed, its dead letter adds it. Executions that are not
// settled in time get errs.ErrDeadlinePassed.
func (s *Recorder) Record(ctx context.Context, ended []domain.Ended) []error {
	rows, results := errs.EachWithinDeadline(ctx, ended, s.recordOutcome)
	var steps []progress.Transition
	replayOf := map[string][]int{} // replay id -> places in ended
	for i, e := range ended {
		row := rows[i]
		if results[i] != nil {
			continue
		}
		if row.Mode == domain.API && row.ReplayID != "" {
			steps = append(steps, step(row, e))
			replayOf[row.ReplayID] = append(replayOf[row.ReplayID], i)
		}
		if row.Redriven(e.RedriveCount) {
			steps = append(steps, redriveStep(row, e))
			replayOf[row.RedriveID] = append(replayOf[row.RedriveID], i)
		}
	}
	for id, err := range s.progress.Apply(ctx, steps) {
		for _, i := range replayOf[id] {
			results[i] = err
		}
	}
	var known []int // places in ended
	for i, e := range ended {
		// Auto-replay records the failed ones.
		followed := e.FollowedUp() && (e.Status == domain.Succeeded || e.Status == domain.Aborted)
		if results[i] == nil && rows[i].Name != "" && followed {
			known = append(known, i)
		}
	}
	_, taken := errs.EachWithinDeadline(ctx, known, func(ctx context.Context, i int) (none struct{}, err error) {
		return none, s.executions.TakenIn(ctx, ended[i].Name)
	})
	for k, i := range known {
		results[i] = taken[k]
	}
	return results
}

// recordOutcome settles the row and the failures. It returns the zero row if the execution has no row, or the end is
// that of an earlier run.
func (s *Recorder) recordOutcome(ctx context.Context, e domain.Ended) (domain.Execution, error) {
	if e.Status == domain.TimedOut && e.Error == "" {
		e.Error = "States.Timeout"
	}
	row, err := s.executions.Settle(ctx, e)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		if e.Status != domain.Aborted && !domain.IsReplayName(e.Name) { // it failed before it was recorded
			s.meter.Observe(schema.FailureRate, domain.FailureRate(e.Status))
		}
		s.logger.InfoContext(ctx, "execution without a row ended", "execution", e.Name, "status", e.Status)
		return domain.Execution{}, nil
	case errors.Is(err, ledger.ErrConflict):
		if !matchesVersion(row, e) {
			return domain.Execution{}, nil // it is the end of an earlier run
		}
	case err != nil:
		return domain.Execution{}, err
	default:
		s.logger.InfoContext(ctx, "execution settled", "execution", e.Name, "status", e.Status, "error", e.Error,
			"mode", row.Mode, "resourceId", row.ResourceID)
	}
	return row, s.moveFailures(ctx, row)
}

func matchesVersion(row domain.Execution, e domain.Ended) bool {
	return row.Status == e.Status && row.RedriveCount == e.RedriveCount && row.StoppedAt.Equal(domain.At(e.StoppedAt).Time)
}

func (s *Recorder) moveFailures(ctx context.Context, row domain.Execution) error {
	if row.Status == domain.Succeeded && row.RedriveCount > 0 {
		if err := s.closeRedriven(ctx, row); err != nil {
			return err
		}
	}
	if row.Redriven(row.RedriveCount) {
		if err := s.moveClaimed(ctx, row); err != nil {
			return err
		}
	}
	switch {
	case row.Status == domain.Succeeded && row.Superseded && row.Failure == "": // it healed nothing
		return nil
	case row.Status == domain.Succeeded && row.Superseded:
		return s.moveLineage(ctx, row, domain.Move{To: domain.Superseded, Decision: "not published: " + row.Withheld})
	case row.Mode == domain.API && row.Suppress: // downstream has not received it
		return nil
	case row.Failure != "" && row.Status == domain.Succeeded:
		return s.moveLineage(ctx, row, healedBy(row))
	case row.Failure != "" && row.Mode != domain.API && row.Error == domain.NeverStarted:
		why := "its automatic replay was never started"
		if row.Cause != "" {
			why += ": " + row.Cause
		}
		return s.moveOpen(ctx, row.Failure, domain.Move{To: domain.Quarantined, Decision: why})
	case row.Failure != "" && row.Mode != domain.API && row.Status == domain.Aborted:
		return s.moveOpen(ctx, row.Failure, domain.Move{To: domain.Closed, Decision: "its automatic replay was aborted"})
	case row.Mode == domain.API && row.Status == domain.Succeeded:
		return s.healVersion(ctx, row)
	}
	return nil
}

// redriveStep is the step of the item that has redriven an execution.
func redriveStep(row domain.Execution, e domain.Ended) progress.Transition {
	st := step(row, e)
	st.ReplayID, st.Page, st.Ordinal, st.Index = row.RedriveID, row.RedrivePage, row.RedriveOrdinal, 0
	return st
}

func step(row domain.Execution, e domain.Ended) progress.Transition {
	st := progress.Transition{
		ReplayID: row.ReplayID, Page: row.Page, Ordinal: row.Ordinal, Index: row.Index, ARN: row.ARN, Bound: row.Name,
		At: e.StoppedAt, To: replay.Succeeded, Version: row.VersionID, Resource: row.ResourceID,
	}
	if row.Superseded {
		st.Reason = "not published: " + row.Withheld
	}
	if row.Status != domain.Succeeded {
		st.To, st.Reason = replay.Failed, row.Error
		switch {
		case st.Reason == "":
			st.Reason = string(row.Status)
		case row.Error == domain.NeverStarted && row.Cause != "":
			st.Reason += ": " + row.Cause
		}
	}
	return st
}
