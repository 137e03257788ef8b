package autoreplay

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

const (
	// dueBatch is how many failures of one shard are read at once.
	dueBatch = 100
	// dueWithoutStarts is how many failures of one shard a run reads while it may not start anything: some of them can
	// still be closed.
	dueWithoutStarts = 1000
	// recheckAfter is the time until a failure whose automatic replay was sent is checked again, in case the message
	// got lost.
	recheckAfter = 15 * time.Minute
	// postponeFor is the time until a failure that could not be decided on is tried again.
	postponeFor = time.Minute
)

// decideDue decides on the failures that are due. It takes one batch of each shard in turn, so that no shard waits for
// the others if the run may not start all.
func (r *run) decideDue(ctx context.Context) error {
	if err := r.setRate(ctx); err != nil {
		return err
	}
	now := r.Now() // failures that are postponed meanwhile are left to the next run
	type position struct {
		shard, looked int
		cursor        string
	}
	var open []position
	for shard := range ledger.Shards {
		open = append(open, position{shard: shard})
	}
	for len(open) > 0 && ctx.Err() == nil {
		at := open[0]
		open = open[1:]
		due, next, err := r.Book.Failures.Due(ctx, at.shard, now, at.cursor, dueBatch)
		if err != nil {
			return err
		}
		r.checkStorms(ctx, due)
		r.each(due, func(r *run, f domain.Failure) {
			err := r.decide(ctx, f)
			switch {
			case errors.Is(err, sfn.ErrBusy): // it stays due
				r.sum.Waiting++
			case err != nil:
				r.sum.Errors++
				r.Logger.Log(ctx, errs.Level(err), "failure not decided on", "execution", f.Execution, "error", err)
				r.postpone(ctx, f)
			}
		})
		at.cursor, at.looked = next, at.looked+len(due)
		if next != "" && (r.mayStart() || at.looked < dueWithoutStarts) {
			open = append(open, at)
		}
	}
	return nil
}

// checkStorms looks for storms before failures are decided on concurrently, so that each storm begins once.
func (r *run) checkStorms(ctx context.Context, due []domain.Failure) {
	for _, f := range due {
		if f.Storm == "" || !r.policy.Enabled || r.quarantineReason(f) != "" {
			continue
		}
		if _, err := r.checkStorm(ctx, f.Storm); err != nil {
			r.Logger.Log(ctx, errs.Level(err), "storm not read", "storm", f.Storm, "error", err)
		}
	}
}

// quarantineReason is why a failure is not replayed automatically. A failure does not age while auto-replay is paused.
func (r *run) quarantineReason(f domain.Failure) string {
	return r.policy.quarantineReason(f, r.controls.WithoutPause(f.FirstAt.Time, r.Now()))
}

// postpone moves a failure behind others for a while. Otherwise, one that always causes an error would delay them.
func (r *run) postpone(ctx context.Context, f domain.Failure) {
	_, err := r.tryMove(ctx, f, domain.Move{To: f.Status, DueAt: r.Now().Add(postponeFor), Redrive: f.Redrive}, f.Status)
	if err != nil {
		r.Logger.Log(ctx, errs.Level(err), "failure not postponed", "execution", f.Execution, "error", err)
	}
}

// decide decides on a failure whose time has come.
func (r *run) decide(ctx context.Context, f domain.Failure) error {
	if !f.Status.Open() || f.DueAt.After(r.Now()) { // the index lags behind
		return nil
	}
	if f.Redrive != "" || f.Status == domain.Retrying {
		return r.recheck(ctx, f)
	}
	reason := r.quarantineReason(f)
	if reason == "" {
		if !r.policy.Enabled {
			r.sum.Waiting++
			return r.move(ctx, f, domain.Move{To: domain.Waiting, Decision: r.sum.Paused, DueAt: r.Now().Add(recheckAfter)})
		}
		if holds, err := r.checkStorm(ctx, f.Storm); err != nil {
			return err
		} else if holds { // even if it was held before: it does not age in a pause, so it came due before it was too old
			return r.hold(ctx, f)
		}
		if !r.mayStart() { // it stays due
			r.sum.Waiting++
			return nil
		}
	}
	_, err := r.closeOrSend(ctx, f, reason)
	return err
}

// closeOrSend closes or quarantines a failure that needs no automatic replay or cannot have one. Otherwise it sends the
// replay.
func (r *run) closeOrSend(ctx context.Context, f domain.Failure, reason string) (sent bool, err error) {
	if moved, err := r.moveIfRedriven(ctx, f); moved || err != nil {
		return false, err
	}
	if moved, err := r.moveIfNeedless(ctx, f); moved || err != nil {
		return false, err
	}
	if reason != "" {
		return false, r.quarantine(ctx, f, reason)
	}
	if f.VersionID == "" && f.InputKey == "" {
		return false, r.quarantine(ctx, f, "its event never reached the log and its input is gone")
	}
	return true, r.send(ctx, f)
}

// moveIfNeedless moves a failure that needs no automatic replay: a newer event supersedes it, or its event is gone.
func (r *run) moveIfNeedless(ctx context.Context, f domain.Failure) (bool, error) {
	m, err := r.Superseding.Needless(ctx, f, r.policy.SupersedeOlder)
	if m == nil || err != nil {
		return false, err
	}
	if m.To == domain.Superseded {
		r.sum.Superseded++
	} else {
		r.sum.Quarantined++
	}
	return true, r.move(ctx, f, *m)
}

func (r *run) quarantine(ctx context.Context, f domain.Failure, why string) error {
	r.sum.Quarantined++
	return r.move(ctx, f, domain.Move{To: domain.Quarantined, Decision: why})
}

// recheck checks a failure whose automatic replay or redrive was sent a while ago and whose end was not reported. Until
// the message of a redrive is handled, Step Functions still has the failed run.
func (r *run) recheck(ctx context.Context, f domain.Failure) error {
	name := f.Execution
	if f.Redrive == "" {
		name = domain.AutoName(f.Root, f.Attempt+1)
	}
	if r.running[name] {
		return r.recheckLater(ctx, f)
	}
	d, err := r.Machine.Describe(ctx, name)
	switch {
	case errors.Is(err, sfn.ErrBusy): // its end will most likely be reported
	case errors.Is(err, sfn.ErrNotFound) && f.Redrive != "":
		return r.quarantine(ctx, f, "Step Functions no longer knows its execution, which replay "+f.Redrive+" was to redrive")
	case errors.Is(err, sfn.ErrNotFound):
		if !r.mayStart() {
			r.sum.Waiting++
			return nil
		}
		return r.send(ctx, f)
	case err != nil:
		return err
	case d.Status.Terminal() && (f.Redrive == "" || d.RedriveCount > f.RedriveCount):
		if err := r.recordEnd(ctx, d.Ended); err != nil {
			return err
		}
	}
	return r.recheckLater(ctx, f)
}

func (r *run) recheckLater(ctx context.Context, f domain.Failure) error {
	r.sum.Waiting++
	later := domain.Move{To: domain.Retrying, DueAt: r.Now().Add(recheckAfter), Redrive: f.Redrive}
	_, err := r.tryMove(ctx, f, later, domain.Retrying) // its end may have moved it
	return err
}
