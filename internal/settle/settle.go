// Package settle carries the end of an execution into the ledger: its row, the replay item or the failure that it
// belongs to. Settling the same end again changes nothing, and finishes what a crash left half done.
package settle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

type book interface {
	Settle(ctx context.Context, o ledger.Ended) (ledger.Execution, error)
	TakenIn(ctx context.Context, name string) error
	Failure(ctx context.Context, partition string) (ledger.Failure, error)
	MoveFailure(ctx context.Context, f ledger.Failure, m ledger.Move, from ...ledger.FailureStatus) error
	History(ctx context.Context, resourceID string, from, to time.Time) (ledger.History, error)
}

type board interface {
	Take(ctx context.Context, steps []progress.Step) map[string]error
}

// Settler settles executions.
type Settler struct {
	book   book
	board  board
	logger *slog.Logger
	meter  *emf.Meter
}

// New returns a Settler. A nil logger discards.
func New(book book, board board, logger *slog.Logger) *Settler {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Settler{book: book, board: board, logger: logger}
}

// Metered returns the settler with the ends counted that have no row, which the ledger cannot tell from those that come
// again: for Tracker, which is told of each once as a rule.
func (s *Settler) Metered(m *emf.Meter) *Settler {
	counted := *s
	counted.meter = m
	return &counted
}

// Settle settles executions and returns one error per execution, nil for those that are settled. An execution without
// a row is settled: it never reached the ledger, and if it failed, its dead letter brings it in.
func (s *Settler) Settle(ctx context.Context, ended []ledger.Ended) []error {
	errs := make([]error, len(ended))
	var steps []progress.Step
	replayOf := map[string][]int{} // replay id -> places in ended
	news := make([]bool, len(ended))
	for i, e := range ended {
		row, err := s.one(ctx, e)
		if err != nil {
			errs[i] = err
			continue
		}
		news[i] = row.Name != ""
		if row.Mode != ledger.API || row.ReplayID == "" {
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
	for i, e := range ended {
		// Failed ones are auto-replay's to take in.
		if errs[i] == nil && news[i] && e.FollowedUp() && (e.Status == ledger.Succeeded || e.Status == ledger.Aborted) {
			errs[i] = s.book.TakenIn(ctx, e.Name)
		}
	}
	return errs
}

// one settles the row and the failures. It returns the zero row if the end is none of ours or an old one.
func (s *Settler) one(ctx context.Context, e ledger.Ended) (ledger.Execution, error) {
	if e.Status == ledger.TimedOut && e.Error == "" {
		e.Error = "States.Timeout"
	}
	row, err := s.book.Settle(ctx, e)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		if e.Status != ledger.Aborted && !naming.Replay(e.Name) { // it failed before it was recorded
			s.meter.Observe(schema.FailureRate, ledger.FailureRate(e.Status))
		}
		s.logger.InfoContext(ctx, "execution without a row ended", "execution", e.Name, "status", e.Status)
		return ledger.Execution{}, nil
	case errors.Is(err, ledger.ErrConflict):
		if !same(row, e) {
			return ledger.Execution{}, nil // it is about an earlier run
		}
	case err != nil:
		return ledger.Execution{}, err
	default:
		s.logger.InfoContext(ctx, "execution settled", "execution", e.Name, "status", e.Status, "error", e.Error,
			"mode", row.Mode, "resourceId", row.ResourceID)
	}
	return row, s.failures(ctx, row)
}

func same(row ledger.Execution, e ledger.Ended) bool {
	return row.Status == e.Status && row.RedriveCount == e.RedriveCount && row.StoppedAt.Equal(ledger.At(e.StoppedAt).Time)
}

func (s *Settler) failures(ctx context.Context, row ledger.Execution) error {
	if row.Status == ledger.Succeeded && row.RedriveCount > 0 {
		if err := s.closeRedriven(ctx, row); err != nil {
			return err
		}
	}
	switch {
	case row.Status == ledger.Succeeded && row.Superseded && row.Failure == "": // it changed nothing for anybody
		return nil
	case row.Status == ledger.Succeeded && row.Superseded:
		return s.move(ctx, row.Failure, ledger.Move{To: ledger.Superseded, Decision: "not published: " + row.Withheld},
			ledger.Waiting, ledger.Retrying, ledger.Quarantined)
	case row.Mode == ledger.API && row.Suppress: // downstream has not seen it
		return nil
	case row.Failure != "" && row.Status == ledger.Succeeded:
		return s.move(ctx, row.Failure, healedBy(row), ledger.Waiting, ledger.Retrying, ledger.Quarantined)
	case row.Failure != "" && row.Mode != ledger.API && row.Error == ledger.NeverStarted:
		return s.move(ctx, row.Failure, ledger.Move{To: ledger.Quarantined, Decision: "its automatic replay was never started"},
			ledger.Waiting, ledger.Retrying)
	case row.Failure != "" && row.Mode != ledger.API && row.Status == ledger.Aborted:
		return s.move(ctx, row.Failure, ledger.Move{To: ledger.Closed, Decision: "its automatic replay was aborted"},
			ledger.Waiting, ledger.Retrying)
	case row.Mode == ledger.API && row.Status == ledger.Succeeded:
		return s.healVersion(ctx, row)
	}
	return nil
}

func healedBy(row ledger.Execution) ledger.Move {
	return ledger.Move{To: ledger.Healed, Decision: "replayed with success", HealedBy: row.Name}
}

// healVersion takes the failures of a version out of the quarantine after a replay of it succeeded.
func (s *Settler) healVersion(ctx context.Context, row ledger.Execution) error {
	h, err := s.book.History(ctx, row.ResourceID, row.RecordedAt.Time, row.RecordedAt.Time)
	if err != nil {
		return err
	}
	for _, f := range h.Failures {
		if f.VersionID != row.VersionID {
			continue
		}
		partition := ledger.FailurePartition(f.Execution, f.RedriveCount)
		if err := s.move(ctx, partition, healedBy(row), ledger.Waiting, ledger.Quarantined); err != nil {
			return err
		}
	}
	return nil
}

// closeRedriven closes the failures of the earlier runs of an execution that a redrive brought to success.
func (s *Settler) closeRedriven(ctx context.Context, row ledger.Execution) error {
	move := ledger.Move{To: ledger.Closed, Decision: "redriven with success", HealedBy: row.Name}
	for n := range row.RedriveCount {
		partition := ledger.FailurePartition(row.Name, n)
		if err := s.move(ctx, partition, move, ledger.Waiting, ledger.Quarantined); err != nil {
			return err
		}
	}
	return nil
}

const moveRounds = 3

// move treats a failure that is somewhere else as settled: it was moved before, or must not be. One that moved between
// two open statuses while we looked is tried again.
func (s *Settler) move(ctx context.Context, partition string, m ledger.Move, from ...ledger.FailureStatus) error {
	for range moveRounds {
		f, err := s.book.Failure(ctx, partition)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if !slices.Contains(from, f.Status) {
			return nil
		}
		err = s.book.MoveFailure(ctx, f, m, from...)
		if errors.Is(err, ledger.ErrConflict) {
			continue
		}
		if err == nil {
			s.logger.InfoContext(ctx, "failure closed", "execution", f.Execution, "status", m.To, "decision", m.Decision)
		}
		return err
	}
	return fmt.Errorf("close failure %s: %w", partition, ledger.ErrConflict)
}

func step(row ledger.Execution, e ledger.Ended) progress.Step {
	st := progress.Step{
		ReplayID: row.ReplayID, Page: row.Page, Ordinal: row.Ordinal, Index: row.Index, ARN: row.ARN, At: e.StoppedAt, To: replay.Succeeded, Version: row.VersionID, Resource: row.ResourceID,
	}
	if row.Superseded {
		st.Reason = "not published: " + row.Withheld
	}
	if row.Status != ledger.Succeeded {
		st.To, st.Reason = replay.Failed, row.Error
		if st.Reason == "" {
			st.Reason = string(row.Status)
		}
	}
	return st
}
