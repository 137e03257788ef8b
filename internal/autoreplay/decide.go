package autoreplay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/states"
)

const (
	// dueBatch is how many failures of one shard are read at once.
	dueBatch = 100
	// recheck is when a failure whose automatic replay was sent is looked at again, in case its message got lost.
	recheck = 15 * time.Minute
	// pause is when a failure is looked at again that could not be decided now.
	pause = time.Minute
)

// decideDue decides on every failure that is due. Each decision moves the failure's due time or its status, so that
// the next batch holds others.
func (j *Job) decideDue(ctx context.Context, sum *Summary) error {
	var errs []error
	for shard := range ledger.Shards {
		for ctx.Err() == nil {
			due, err := j.Book.Due(ctx, shard, j.now(), dueBatch)
			if err != nil {
				return errors.Join(append(errs, err)...)
			}
			moved := 0
			for _, f := range due {
				if err := j.decide(ctx, f, sum); err != nil {
					sum.Errors++
					j.Logger.ErrorContext(ctx, "failure not decided on", "execution", f.Execution, "error", err)
					j.postpone(ctx, f)
					continue
				}
				moved++
			}
			// The index may still show what was just moved, and what failed stays: the next run looks again.
			if len(due) < dueBatch || moved == 0 {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// postpone lets others come first for a while, or a failure that always errs would keep them back.
func (j *Job) postpone(ctx context.Context, f ledger.Failure) {
	err := j.Book.MoveFailure(ctx, f, ledger.Move{To: f.Status, DueAt: j.now().Add(pause)}, f.Status)
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		j.Logger.ErrorContext(ctx, "failure not postponed", "execution", f.Execution, "error", err)
	}
}

func (j *Job) decide(ctx context.Context, f ledger.Failure, sum *Summary) error {
	if !f.Status.Open() || f.DueAt.After(j.now()) { // the index lags behind
		return nil
	}
	if f.Status == ledger.Retrying {
		return j.recheck(ctx, f, sum)
	}
	hopeless := j.policy.hopeless(f, j.now())
	if hopeless == "" && !j.policy.Enabled {
		sum.Waiting++
		return j.move(ctx, f, ledger.Move{To: ledger.Waiting, Decision: "auto-replay is off", DueAt: j.now().Add(recheck)})
	}
	if moved, err := j.redriven(ctx, f, sum); moved || err != nil {
		return err
	}
	if moved, err := j.superseded(ctx, f, sum); moved || err != nil {
		return err
	}
	if hopeless != "" {
		return j.quarantine(ctx, f, hopeless, sum)
	}
	if f.VersionID == "" && f.InputKey == "" {
		return j.quarantine(ctx, f, "its event never reached the log and its input is gone", sum)
	}
	return j.send(ctx, f, sum)
}

// redriven looks whether somebody redrove the execution meanwhile.
func (j *Job) redriven(ctx context.Context, f ledger.Failure, sum *Summary) (bool, error) {
	d, err := j.Machine.Describe(ctx, f.Execution)
	if errors.Is(err, states.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch {
	case d.Status == ledger.Succeeded:
		return true, j.move(ctx, f, ledger.Move{To: ledger.Closed, Decision: "redriven with success", HealedBy: f.Execution})
	case !d.Status.Terminal():
		sum.Waiting++
		return true, j.move(ctx, f, ledger.Move{
			To: ledger.Waiting, Decision: "the execution was redriven and runs", DueAt: j.now().Add(pause),
		})
	case d.Status == ledger.Aborted:
		return true, j.move(ctx, f, ledger.Move{To: ledger.Closed, Decision: "redriven, and stopped by an operator"})
	case d.RedriveCount > f.RedriveCount: // its own failure goes on, and closes this one
		return true, j.ended(ctx, d.Ended)
	}
	return false, nil
}

func (j *Job) superseded(ctx context.Context, f ledger.Failure, sum *Summary) (bool, error) {
	if j.Judge == nil {
		return false, nil
	}
	by, newer, err := j.Judge.OfFailure(ctx, f)
	if errors.Is(err, eventlog.ErrNotFound) {
		return true, j.quarantine(ctx, f, "its version is no longer in the event log", sum)
	}
	if err != nil || !newer {
		return false, err
	}
	sum.Superseded++
	return true, j.move(ctx, f, ledger.Move{
		To: ledger.Superseded, Decision: fmt.Sprintf("version %s, recorded by %s, is newer", by.ID, by.Execution),
	})
}

func (j *Job) quarantine(ctx context.Context, f ledger.Failure, why string, sum *Summary) error {
	sum.Quarantined++
	return j.move(ctx, f, ledger.Move{To: ledger.Quarantined, Decision: why})
}

// send queues the automatic replay, then moves the failure: if the job dies in between, the message goes out twice,
// and the deterministic execution name lets only one of them start anything.
func (j *Job) send(ctx context.Context, f ledger.Failure, sum *Summary) error {
	msg := message.Replay{Kind: message.KindAuto, Execution: f.Execution, RedriveCount: f.RedriveCount}
	if err := j.Replays.Send(ctx, msg.Encode()); err != nil {
		return err
	}
	sum.Replayed++
	return j.move(ctx, f, ledger.Move{
		To:       ledger.Retrying,
		Decision: fmt.Sprintf("automatic replay %d of %d sent", f.Attempt+1, j.policy.MaxAttempts),
		DueAt:    j.now().Add(recheck),
	})
}

// recheck looks at a failure whose automatic replay was sent a while ago and has not been reported since.
func (j *Job) recheck(ctx context.Context, f ledger.Failure, sum *Summary) error {
	name := naming.Auto(f.Root, f.Attempt+1)
	d, err := j.Machine.Describe(ctx, name)
	switch {
	case errors.Is(err, states.ErrNotFound):
		return j.send(ctx, f, sum)
	case err != nil:
		return err
	case d.Status.Terminal():
		if err := j.ended(ctx, d.Ended); err != nil {
			return err
		}
	}
	sum.Waiting++
	err = j.Book.MoveFailure(ctx, f, ledger.Move{To: ledger.Retrying, DueAt: j.now().Add(recheck)}, ledger.Retrying)
	if errors.Is(err, ledger.ErrConflict) { // its end moved it
		return nil
	}
	return err
}

// move changes a failure and says so in one line. Losing a race is fine: whoever won decided.
func (j *Job) move(ctx context.Context, f ledger.Failure, m ledger.Move) error {
	err := j.Book.MoveFailure(ctx, f, m, ledger.Waiting, ledger.Retrying)
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	j.Logger.InfoContext(ctx, "failure decided on", "execution", f.Execution, "resourceId", f.ResourceID, "error", f.Error,
		"attempt", f.Attempt, "status", m.To, "decision", m.Decision)
	return nil
}
