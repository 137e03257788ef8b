package outcome

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

func healedBy(row domain.Execution) domain.Move {
	return domain.Move{To: domain.Healed, Decision: "replayed with success", HealedBy: row.Name}
}

// healVersion closes what is open or in quarantine of the failures of a version after a replay of it succeeded.
func (s *EndRecorder) healVersion(ctx context.Context, row domain.Execution) error {
	failures, err := s.failures.OfVersion(ctx, row.ResourceID, row.RecordedAt)
	if err != nil {
		return err
	}
	for _, f := range failures {
		if f.VersionID != row.VersionID || !slices.Contains(unsettled, f.Status) {
			continue
		}
		if _, err := s.moveUnsettled(ctx, domain.FailureID(f.Execution, f.RedriveCount), healedBy(row)); err != nil {
			return err
		}
	}
	return nil
}

// closeRedriven closes the failures of the earlier runs of an execution that a redrive brought to success, and those of
// the automatic replays of these runs. There may be 1,000 runs. Those that failed are found 100 at a time.
func (s *EndRecorder) closeRedriven(ctx context.Context, row domain.Execution) error {
	runs, attempts := make([]string, row.RedriveCount), make([]string, row.RedriveCount)
	for n := range row.RedriveCount {
		runs[n] = domain.FailureID(row.Name, n)
		attempts[n] = domain.FailureID(domain.AutoName(domain.LineageOf(row.Name, n), 1), 0)
	}
	rows, err := s.failures.Find(ctx, slices.Concat(runs, attempts))
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, f := range rows {
		there[domain.FailureID(f.Execution, f.RedriveCount)] = true
	}
	m := domain.Move{To: domain.Closed, Decision: "redriven with success", HealedBy: row.Name}
	for n := range row.RedriveCount {
		if there[runs[n]] {
			if _, err := s.moveUnsettled(ctx, runs[n], m); err != nil {
				return err
			}
		}
		if there[attempts[n]] {
			if err := s.moveAttempts(ctx, domain.LineageOf(row.Name, n), 1, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveClaimed closes the failures that a redrive through the API ends outside of its own lineage. If it succeeded,
// these are other failures of the version. If it was aborted, it is the failure that it claimed.
func (s *EndRecorder) moveClaimed(ctx context.Context, row domain.Execution) error {
	switch {
	case row.Status == domain.Aborted:
		m := domain.Move{To: domain.Closed, Decision: "redriven, and stopped by an operator"}
		_, err := s.move(ctx, domain.FailureID(row.Name, row.RedriveRun-1), m, domain.Retrying)
		return err
	case row.Status == domain.Succeeded && !row.Superseded && !row.Suppress && row.VersionID != "":
		return s.healVersion(ctx, row)
	}
	return nil
}

// moveLineage closes the failure that an execution was to heal. It also closes the failures of its lineage that are
// open or in quarantine: the first failure, and those of its automatic replays. A failure whose replay failed as well
// does not change.
func (s *EndRecorder) moveLineage(ctx context.Context, row domain.Execution, m domain.Move) error {
	f, err := s.moveUnsettled(ctx, row.Failure, m)
	if err != nil || f.Root == "" {
		return err
	}
	if first := domain.FirstOf(f.Root); first != row.Failure {
		if _, err := s.moveUnsettled(ctx, first, m); err != nil {
			return err
		}
	}
	for attempt := 1; attempt < f.Attempt; attempt++ { // the last one is row.Failure
		if _, err := s.moveUnsettled(ctx, domain.FailureID(domain.AutoName(f.Root, attempt), 0), m); err != nil {
			return err
		}
	}
	if row.Mode != domain.API && row.RedriveCount == 0 { // an automatic replay that succeeds is the last attempt
		return nil
	}
	return s.moveAttempts(ctx, f.Root, f.Attempt+1, m)
}

// maxAttempts is the most automatic replays of one event that the construct allows.
const maxAttempts = 100

// moveAttempts closes the failures of automatic replays, from one on, that are open or in quarantine. If that one did
// not fail, no other followed it.
func (s *EndRecorder) moveAttempts(ctx context.Context, lineage string, from int, m domain.Move) error {
	for attempt := from; attempt <= maxAttempts; attempt++ {
		f, err := s.moveUnsettled(ctx, domain.FailureID(domain.AutoName(lineage, attempt), 0), m)
		if err != nil || f.Root == "" {
			return err
		}
	}
	return nil
}

// unsettled are the statuses of failures that are open or in quarantine.
var unsettled = []domain.FailureStatus{domain.Waiting, domain.Retrying, domain.Quarantined}

func (s *EndRecorder) moveUnsettled(ctx context.Context, failureID string, m domain.Move) (domain.Failure, error) {
	return s.move(ctx, failureID, m, unsettled...)
}

func (s *EndRecorder) moveOpen(ctx context.Context, failureID string, m domain.Move) error {
	_, err := s.move(ctx, failureID, m, domain.Waiting, domain.Retrying)
	return err
}

const moveRounds = 3

// move leaves a failure with another status as it is: it was moved before, or must not be moved. If it changed from
// one open status to another meanwhile, move tries again. It returns the failure as it was read, or the zero value if
// there is none.
func (s *EndRecorder) move(
	ctx context.Context, failureID string, m domain.Move, from ...domain.FailureStatus,
) (domain.Failure, error) {
	for range moveRounds {
		f, err := s.failures.Get(ctx, failureID)
		if errors.Is(err, ledger.ErrNotFound) {
			return domain.Failure{}, nil
		}
		if err != nil || !slices.Contains(from, f.Status) {
			return f, err
		}
		err = s.failures.Move(ctx, f, m, from...)
		if errors.Is(err, ledger.ErrConflict) {
			continue
		}
		if err == nil {
			s.logger.InfoContext(ctx, "failure closed", "execution", f.Execution, "status", m.To, "decision", m.Decision)
		}
		return f, err
	}
	return domain.Failure{}, fmt.Errorf("close failure %s: %w", failureID, ledger.ErrConflict)
}
