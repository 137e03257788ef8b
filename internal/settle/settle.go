// Package settle carries the end of an execution into the ledger: its row, the replay item or the failure that it
// belongs to. Settling the same end again changes nothing, and finishes what a crash left half done.
package settle

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ce873799/replayable-ingestion/internal/deadline"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

type executions interface {
	Settle(ctx context.Context, o domain.Ended) (domain.Execution, error)
	TakenIn(ctx context.Context, name string) error
}

type failures interface {
	Get(ctx context.Context, id string) (domain.Failure, error)
	Move(ctx context.Context, f domain.Failure, m domain.Move, from ...domain.FailureStatus) error
	Find(ctx context.Context, ids []string) ([]domain.Failure, error)
	OfVersion(ctx context.Context, resourceID string, recordedAt domain.Stamp) ([]domain.Failure, error)
}

type board interface {
	Take(ctx context.Context, steps []progress.Step) map[string]error
}

// Settler settles executions.
type Settler struct {
	executions executions
	failures   failures
	board      board
	logger     *slog.Logger
	meter      *emf.Meter
}

// New returns a Settler. A nil logger discards.
func New(executions executions, failures failures, board board, logger *slog.Logger) *Settler {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Settler{executions: executions, failures: failures, board: board, logger: logger}
}

// Metered returns the settler with the ends counted that have no row, which the ledger cannot tell from those that come
// again: for Tracker, which is told of each once as a rule.
func (s *Settler) Metered(m *emf.Meter) *Settler {
	counted := *s
	counted.meter = m
	return &counted
}

// Settle settles executions and returns one error per execution, nil for those that are settled. An execution without
// a row is settled: it never reached the ledger, and if it failed, its dead letter brings it in. Those that are not
// settled in time have deadline.ErrPassed.
func (s *Settler) Settle(ctx context.Context, ended []domain.Ended) []error {
	rows, errs := deadline.Each(ctx, ended, s.one)
	var steps []progress.Step
	replayOf := map[string][]int{} // replay id -> places in ended
	for i, e := range ended {
		row := rows[i]
		if errs[i] != nil || row.Mode != domain.API || row.ReplayID == "" {
			continue
		}
		steps = append(steps, step(row, e))
		replayOf[row.ReplayID] = append(replayOf[row.ReplayID], i)
	}
	for id, err := range s.board.Take(ctx, steps) {
		for _, i := range replayOf[id] {
			errs[i] = err
		}
	}
	var known []int // places in ended
	for i, e := range ended {
		// Failed ones are auto-replay's to take in.
		followed := e.FollowedUp() && (e.Status == domain.Succeeded || e.Status == domain.Aborted)
		if errs[i] == nil && rows[i].Name != "" && followed {
			known = append(known, i)
		}
	}
	_, taken := deadline.Each(ctx, known, func(ctx context.Context, i int) (none struct{}, err error) {
		return none, s.executions.TakenIn(ctx, ended[i].Name)
	})
	for k, i := range known {
		errs[i] = taken[k]
	}
	return errs
}

// one settles the row and the failures. It returns the zero row if the end is none of ours or an old one.
func (s *Settler) one(ctx context.Context, e domain.Ended) (domain.Execution, error) {
	if e.Status == domain.TimedOut && e.Error == "" {
		e.Error = "States.Timeout"
	}
	row, err := s.executions.Settle(ctx, e)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		if e.Status != domain.Aborted && !naming.Replay(e.Name) { // it failed before it was recorded
			s.meter.Observe(schema.FailureRate, domain.FailureRate(e.Status))
		}
		s.logger.InfoContext(ctx, "execution without a row ended", "execution", e.Name, "status", e.Status)
		return domain.Execution{}, nil
	case errors.Is(err, ledger.ErrConflict):
		if !same(row, e) {
			return domain.Execution{}, nil // it is about an earlier run
		}
	case err != nil:
		return domain.Execution{}, err
	default:
		s.logger.InfoContext(ctx, "execution settled", "execution", e.Name, "status", e.Status, "error", e.Error,
			"mode", row.Mode, "resourceId", row.ResourceID)
	}
	return row, s.moveFailures(ctx, row)
}

func same(row domain.Execution, e domain.Ended) bool {
	return row.Status == e.Status && row.RedriveCount == e.RedriveCount && row.StoppedAt.Equal(domain.At(e.StoppedAt).Time)
}

func (s *Settler) moveFailures(ctx context.Context, row domain.Execution) error {
	if row.Status == domain.Succeeded && row.RedriveCount > 0 {
		if err := s.closeRedriven(ctx, row); err != nil {
			return err
		}
	}
	switch {
	case row.Status == domain.Succeeded && row.Superseded && row.Failure == "": // it changed nothing for anybody
		return nil
	case row.Status == domain.Succeeded && row.Superseded:
		return s.moveLineage(ctx, row, domain.Move{To: domain.Superseded, Decision: "not published: " + row.Withheld})
	case row.Mode == domain.API && row.Suppress: // downstream has not seen it
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

func step(row domain.Execution, e domain.Ended) progress.Step {
	st := progress.Step{
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
