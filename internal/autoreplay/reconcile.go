package autoreplay

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

const (
	// openBatch is how many open executions of one shard are read at once.
	openBatch = 500
	// runningPages is how many pages of running executions a run lists: 50,000 executions. Each one beyond them is
	// looked up.
	runningPages = 50
	// messageLife is how long SQS keeps a message of the Replay queue. A start that has not happened by then never
	// will.
	messageLife = 14 * 24 * time.Hour
)

// reconcileOpen looks up executions that have a row without an outcome: their status events may have been lost. It
// leaves out those that Step Functions lists as running, however long they take.
func (r *run) reconcileOpen(ctx context.Context) error {
	running, err := r.listRunning(ctx)
	if err != nil {
		return err
	}
	r.running = running
	by := r.Now().Add(-r.policy.SettleAfter)
	for shard := range ledger.Shards {
		for cursor := ""; ctx.Err() == nil; {
			open, next, err := r.Book.Executions.Open(ctx, shard, by, func(name string) bool { return running[name] }, cursor, openBatch)
			if err != nil {
				return err
			}
			for _, e := range open {
				if ctx.Err() != nil {
					return nil //nolint:nilerr // out of time: the next run goes on
				}
				if err := r.checkOpen(ctx, e); err != nil {
					return err
				}
			}
			if next == "" {
				break
			}
			cursor = next
		}
	}
	r.looked = ctx.Err() == nil
	return nil
}

// listRunning lists the running executions. The list is eventually consistent, so it is only a hint.
func (r *run) listRunning(ctx context.Context) (map[string]bool, error) {
	names := map[string]bool{}
	token := ""
	for range runningPages {
		page, next, err := r.Machine.List(ctx, domain.Running, token)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			names[e.Name] = true
		}
		if next == "" {
			break
		}
		token = next
	}
	return names, nil
}

// checkOpen looks up an open execution, within the look-ups of the run, and reports it if it stays open for too long.
func (r *run) checkOpen(ctx context.Context, e domain.Execution) error {
	accounted := false
	recorded := e.VersionID != "" && (e.Mode == domain.Live || e.Mode == domain.Restart) // replays are accounted for by their failures and items
	if r.mayLookUp(forOpen) {
		var err error
		accounted, err = r.lookUp(ctx, e)
		switch {
		case errors.Is(err, sfn.ErrBusy): // it comes first in the next run
			r.lookUps = math.MaxInt
			return nil
		case err != nil:
			r.sum.Errors++
			r.Logger.Log(ctx, errs.Level(err), "open execution not looked up", "execution", e.Name, "error", err)
		}
		if !accounted { // a later run looks it up again, after others
			again := r.Now()
			if recorded {
				again = again.Add(-r.policy.SettleAfter)
			}
			if err := r.Book.Executions.CheckLater(ctx, e, again); err != nil {
				return err
			}
		}
	}
	if !accounted && recorded && r.Now().Sub(later(e.StartedAt.Time, e.StoppedAt.Time)) > r.policy.UnaccountedAfter {
		r.sum.Unaccounted++
		r.Logger.ErrorContext(ctx, "the outcome of an event is unknown", "execution", e.Name, "resourceId", e.ResourceID,
			"versionId", e.VersionID)
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// lookUp records the outcome of an execution that has ended. A running one is accounted for too.
func (r *run) lookUp(ctx context.Context, e domain.Execution) (accounted bool, err error) {
	d, err := r.Machine.Describe(ctx, e.Name)
	switch {
	case errors.Is(err, sfn.ErrNotFound):
		return r.recordUnstarted(ctx, e)
	case err != nil:
		return false, err
	case d.Status.Terminal() && d.RedriveCount < e.RedriveRun: // the message that redrives it is in the Replay queue
		return true, r.Book.Executions.CheckLater(ctx, e, r.Now())
	case d.Status.Terminal():
		r.sum.Settled++
		if err := r.recordEnd(ctx, d.Ended); err != nil {
			return false, err
		}
		return true, r.Book.Executions.MarkLookedUp(ctx, e)
	}
	return true, r.Book.Executions.CheckLater(ctx, e, r.Now()) // the next check is SettleAfter from now
}

// recordUnstarted records the end of an execution that Step Functions does not know. Its start is in the Replay queue
// or was given up, or Step Functions has forgotten it.
func (r *run) recordUnstarted(ctx context.Context, e domain.Execution) (accounted bool, err error) {
	if r.Now().Sub(e.StartedAt.Time) < messageLife {
		return r.recordReplaced(ctx, e)
	}
	r.sum.Settled++
	if e.Status.Terminal() { // failed, and its failure was never recorded
		return true, r.recordEnd(ctx, domain.Ended{
			Name: e.Name, ARN: e.ARN, Status: e.Status, Error: e.Error, Cause: e.Cause,
			StoppedAt: e.StoppedAt.Time, RedriveCount: e.RedriveCount,
		})
	}
	return true, r.Outcomes.Record(ctx, []domain.Ended{{
		Name: e.Name, ARN: e.ARN, Status: domain.Aborted, Error: domain.NeverStarted, StoppedAt: r.Now(),
		Cause: "Step Functions does not know this execution",
	}})[0]
}

// recordReplaced closes the row of an event whose execution is gone with its state machine, if a replay of its version
// or a newer event of its resource has succeeded since.
func (r *run) recordReplaced(ctx context.Context, e domain.Execution) (accounted bool, err error) {
	if e.Status.Terminal() || e.VersionID == "" || e.Mode != domain.Live && e.Mode != domain.Restart {
		return false, nil
	}
	for x, err := range r.Book.Executions.Latest(ctx, e.ResourceID, e.RecordedAt.Time) {
		if err != nil {
			return false, err
		}
		newer := x.VersionID != e.VersionID && x.Placed().After(e.Placed().Time)
		if x.Status != domain.Succeeded || x.Name == e.Name || x.VersionID != e.VersionID && !newer {
			continue
		}
		r.sum.Settled++
		return true, r.Outcomes.Record(ctx, []domain.Ended{{
			Name: e.Name, ARN: e.ARN, Status: domain.Aborted, StoppedAt: r.Now(),
			Cause: "Step Functions does not know this execution, and " + x.Name + " has succeeded since",
		}})[0]
	}
	return false, nil
}
