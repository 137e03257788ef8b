package outcome

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

func healedBy(row domain.Execution) domain.Move {
	m := domain.Move{To: domain.Healed, Decision: "replayed with success", HealedBy: row.Name}
	if row.Corrects != "" {
		m.Decision = "corrected with success, in replay " + row.ReplayID
	}
	return m
}

// maxCorrections bounds how many corrections, each of the one before, are followed back to the event that arrived.
const maxCorrections = 100

// healVersion heals the failures of a version after a replay of it succeeded. If it is a correction, it also heals
// those of the version that it corrects, and so on.
func (r *EndRecorder) healVersion(ctx context.Context, row domain.Execution) error {
	m := healedBy(row)
	if err := r.healFailures(ctx, row.ResourceID, row.VersionID, row.RecordedAt, m); err != nil {
		return err
	}
	for range maxCorrections {
		if row.Corrects != "" {
			if err := r.healFailures(ctx, row.ResourceID, row.Corrects, row.CorrectsAt, m); err != nil {
				return err
			}
		}
		if row.Correction == "" {
			return nil
		}
		var err error
		if row, err = r.executions.Get(ctx, row.Correction); errors.Is(err, ledger.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// healFailures heals the failures of a version.
func (r *EndRecorder) healFailures(
	ctx context.Context, resourceID, versionID string, recordedAt domain.Stamp, m domain.Move,
) error {
	if recordedAt.IsZero() {
		return nil
	}
	failures, err := r.failures.OfVersion(ctx, resourceID, recordedAt)
	if err != nil {
		return err
	}
	for _, f := range failures {
		if _, heals := healing(f, m); f.VersionID != versionID || !heals {
			continue
		}
		move := func(f domain.Failure) (domain.Move, bool) { return healing(f, m) }
		if _, err := r.moveIf(ctx, f.ID(), move); err != nil {
			return err
		}
	}
	return nil
}

// healing is the move that heals a failure, false if it is settled. One that an operator closed heals too, and its
// decision says what the operator decided.
func healing(f domain.Failure, m domain.Move) (domain.Move, bool) {
	if f.ListedAs() == replay.FailureClosed {
		m.Decision += "; before that " + f.Decision
		return m, true
	}
	return m, f.Unsettled()
}

// closeRedriven closes the failures of the earlier runs of an execution that a redrive brought to success, and those of
// the automatic replays of these runs. There may be 1,000 runs. Those that failed are found 100 at a time.
func (r *EndRecorder) closeRedriven(ctx context.Context, row domain.Execution) error {
	runs, attempts := make([]string, row.RedriveCount), make([]string, row.RedriveCount)
	for n := range row.RedriveCount {
		runs[n] = domain.FailureID(row.Name, n)
		attempts[n] = domain.FailureID(domain.AutoName(domain.LineageOf(row.Name, n), 1), 0)
	}
	rows, err := r.failures.Find(ctx, slices.Concat(runs, attempts))
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
			if _, err := r.moveUnsettled(ctx, runs[n], m); err != nil {
				return err
			}
		}
		if there[attempts[n]] {
			if err := r.moveAttempts(ctx, domain.LineageOf(row.Name, n), 1, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveTakenOver closes the failures that a redrive through the API ends outside of its own lineage. If it succeeded,
// these are other failures of the version. If it was aborted, it is the failure that it took over.
func (r *EndRecorder) moveTakenOver(ctx context.Context, row domain.Execution) error {
	switch {
	case row.Status == domain.Aborted:
		m := domain.Move{To: domain.Closed, Decision: "redriven, and stopped by an operator"}
		_, err := r.moveIf(ctx, domain.FailureID(row.Name, row.RedriveRun-1), func(f domain.Failure) (domain.Move, bool) {
			return m, f.Status == domain.Retrying
		})
		return err
	case row.Status == domain.Succeeded && !row.Superseded && !row.Suppress && row.VersionID != "":
		return r.healVersion(ctx, row)
	}
	return nil
}

// moveLineage closes the failure that an execution was to heal. It also closes the failures of its lineage that are
// open or in quarantine: the first failure, and those of its automatic replays. A failure whose replay failed as well
// does not change.
func (r *EndRecorder) moveLineage(ctx context.Context, row domain.Execution, m domain.Move) error {
	f, err := r.moveUnsettled(ctx, row.Failure, m)
	if err != nil || f.Root == "" {
		return err
	}
	if first := domain.FirstOf(f.Root); first != row.Failure {
		if _, err := r.moveUnsettled(ctx, first, m); err != nil {
			return err
		}
	}
	for attempt := 1; attempt < f.Attempt; attempt++ { // the last one is row.Failure
		if _, err := r.moveUnsettled(ctx, domain.FailureID(domain.AutoName(f.Root, attempt), 0), m); err != nil {
			return err
		}
	}
	if row.Mode != domain.API && row.RedriveCount == 0 { // an automatic replay that succeeds is the last attempt
		return nil
	}
	return r.moveAttempts(ctx, f.Root, f.Attempt+1, m)
}

// moveAttempts closes the failures of automatic replays, from one on, that are open or in quarantine. If that one did
// not fail, no other followed it.
func (r *EndRecorder) moveAttempts(ctx context.Context, lineage string, from int, m domain.Move) error {
	for attempt := from; attempt <= domain.MaxAttempts; attempt++ {
		f, err := r.moveUnsettled(ctx, domain.FailureID(domain.AutoName(lineage, attempt), 0), m)
		if err != nil || f.Root == "" {
			return err
		}
	}
	return nil
}

// moveUnsettled moves a failure that is open or in quarantine.
func (r *EndRecorder) moveUnsettled(ctx context.Context, failureID string, m domain.Move) (domain.Failure, error) {
	return r.moveIf(ctx, failureID, func(f domain.Failure) (domain.Move, bool) { return m, f.Unsettled() })
}

// moveOpen moves a failure that is open.
func (r *EndRecorder) moveOpen(ctx context.Context, failureID string, m domain.Move) error {
	_, err := r.moveIf(ctx, failureID, func(f domain.Failure) (domain.Move, bool) { return m, f.Status.Open() })
	return err
}

const moveRounds = 3

// moveIf leaves a failure that is not to move as it is: it was moved before, or must not be moved. If its status
// changed meanwhile, moveIf tries again. It returns the failure as it was read, or the zero value if there is none.
func (r *EndRecorder) moveIf(
	ctx context.Context, failureID string, move func(domain.Failure) (domain.Move, bool),
) (domain.Failure, error) {
	for range moveRounds {
		f, err := r.failures.Get(ctx, failureID)
		if errors.Is(err, ledger.ErrNotFound) {
			return domain.Failure{}, nil
		}
		if err != nil {
			return f, err
		}
		m, moves := move(f)
		if !moves {
			return f, nil
		}
		err = r.failures.Move(ctx, f, m, f.Status)
		if errors.Is(err, ledger.ErrConflict) {
			continue
		}
		if err == nil {
			r.logger.InfoContext(ctx, "failure moved", "execution", f.Execution, "status", m.To, "decision", m.Decision)
		}
		return f, err
	}
	return domain.Failure{}, fmt.Errorf("move failure %s: %w", failureID, ledger.ErrConflict)
}
