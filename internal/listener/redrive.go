package listener

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// failedRun is the failed run of an execution that an item redrives.
type failedRun struct {
	row     domain.Execution
	failure domain.Failure // zero if the execution was aborted
}

// stoppedAt is when the run ended.
func (r failedRun) stoppedAt() time.Time {
	if r.failure.FailedAt.IsZero() {
		return r.row.StoppedAt.Time
	}
	return r.failure.FailedAt.Time
}

// redriveRecheck is the time after which auto-replay checks a failure that is being redriven.
const redriveRecheck = 15 * time.Minute

// redrive goes on with the failed execution that an item is bound to, from the state that failed.
func (l *Listener) redrive(ctx context.Context, it domain.Item) (*verdict, error) {
	row, err := l.Book.Executions.Get(ctx, it.Execution)
	if err != nil {
		return nil, err
	}
	if row.RedriveID != it.ReplayID { // withdrawn by an earlier delivery, which died before it could record that
		return skip("execution %s could not be redriven: replay it instead", row.Name), nil
	}
	if vd, err := l.beginRun(ctx, it, row); vd != nil || err != nil {
		return vd, err
	}
	l.Logger.InfoContext(ctx, "execution redriven", "execution", row.Name, "resourceId", row.ResourceID,
		"versionId", row.VersionID, "replayId", it.ReplayID, "run", row.RedriveRun)
	return started(l.Machine.ExecutionARN(row.Name)), nil
}

// bindRedrive binds an item to a failed run, and takes over its failure: no automatic replay and no other redrive
// follows it then. It returns a verdict if there is nothing to redrive.
func (l *Listener) bindRedrive(ctx context.Context, t *task) (*verdict, error) {
	run, vd, err := l.runOf(ctx, t.it)
	if vd == nil && err == nil {
		vd, err = l.mayRedrive(ctx, t, run)
	}
	if vd != nil || err != nil {
		return vd, err
	}
	if t.req.DryRun {
		return wouldRedrive(run), nil
	}
	if vd, err := l.redrivable(ctx, run.row); vd != nil || err != nil {
		return vd, err
	}
	if run.row.Mode == "" {
		run.row.Mode = domain.Live
		if _, err := l.Book.Executions.Add(ctx, run.row); err != nil && !errors.Is(err, ledger.ErrConflict) {
			return nil, err
		}
	}
	run.row.RedriveStale = t.req.AllowStale
	err = l.Book.Items.BindRedrive(ctx, t.it, run.row, run.failure, domain.Move{
		To: domain.Retrying, Decision: "redriven by replay " + t.it.ReplayID, DueAt: l.now().Add(redriveRecheck), Redrive: t.it.ReplayID,
	})
	return l.bound(ctx, t, run.row.VersionID, run.row.Name, err)
}

func wouldRedrive(run failedRun) *verdict {
	vd := &verdict{to: replay.WouldRun, version: run.row.VersionID, reason: "goes on with execution " + run.row.Name}
	if run.failure.State != "" {
		vd.reason += fmt.Sprintf(" from state %q", run.failure.State)
	}
	return vd
}

// runOf returns the failed run that an item is about, or a verdict: that of the failure that was selected, or the
// newest of the resource.
func (l *Listener) runOf(ctx context.Context, it domain.Item) (run failedRun, vd *verdict, err error) {
	if it.Failure == "" {
		return l.openRun(ctx, it)
	}
	f, err := l.Book.Failures.Get(ctx, it.Failure)
	if err != nil {
		return run, nil, err
	}
	if f.VersionID != "" {
		others, err := l.Book.Failures.OfVersion(ctx, f.ResourceID, f.RecordedAt)
		if err != nil {
			return run, nil, err
		}
		for _, other := range others {
			if other.VersionID == f.VersionID && other.Unsettled() && other.FailedAt.After(f.FailedAt.Time) {
				return run, skip("execution %s of the same version failed later, and is the one to redrive", other.Execution), nil
			}
		}
	}
	return l.runOfFailure(ctx, f)
}

func (l *Listener) runOfFailure(ctx context.Context, f domain.Failure) (run failedRun, vd *verdict, err error) {
	switch {
	case f.Redrive != "":
		return run, skip("replay %s redrives execution %s", f.Redrive, f.Execution), nil
	case f.Status == domain.Retrying:
		return run, skip("an automatic replay of execution %s is under way", f.Execution), nil
	case !f.Unsettled():
		return run, skip("%s", noLongerFailed(f)), nil
	case f.ARN == "":
		return run, skip("%s is not an execution: it is kept under %s", f.Execution, f.InputKey), nil
	}
	row, err := l.Book.Executions.Get(ctx, f.Execution)
	switch {
	case errors.Is(err, ledger.ErrNotFound): // the event never reached the log; the redrive begins with Record
		row, err = domain.Execution{
			Name: f.Execution, ARN: f.ARN, Status: domain.Failed, Unrecorded: true, StartedAt: f.StartedAt, StoppedAt: f.FailedAt,
			RedriveCount: f.RedriveCount, Error: f.Error, Cause: f.Cause,
		}, nil
	case err == nil && row.RedriveCount != f.RedriveCount:
		vd = skip("execution %s was redriven meanwhile", f.Execution)
	}
	return failedRun{row, f}, vd, err
}

// openRun returns the newest failed run of a resource that can be redriven, or a verdict: its latest execution, if that
// was aborted, or its newest failure that is open or in quarantine.
func (l *Listener) openRun(ctx context.Context, it domain.Item) (run failedRun, vd *verdict, err error) {
	for row, err := range l.Book.Executions.Latest(ctx, it.ResourceID, time.Time{}) {
		if err != nil {
			return run, nil, err
		}
		if row.Status != domain.Aborted || row.Error == domain.NeverStarted {
			break
		}
		if row.RedriveRun > row.RedriveCount {
			return run, skip("replay %s redrives execution %s", row.RedriveID, row.Name), nil
		}
		if !row.CheckAt.IsZero() {
			return run, skip("the end of execution %s is still being recorded: try again in some minutes", row.Name), nil
		}
		return failedRun{row: row}, nil, nil
	}
	f, found, err := l.Book.Failures.NewestUnsettled(ctx, it.ResourceID)
	if err != nil {
		return run, nil, err
	}
	if !found {
		return run, skip("none of its executions has failed and is open"), nil
	}
	return l.runOfFailure(ctx, f)
}

// mayRedrive is the verdict of the guards about a failed run, nil if it may be redriven.
func (l *Listener) mayRedrive(ctx context.Context, t *task, run failedRun) (*verdict, error) {
	if l.now().Sub(run.stoppedAt()) > domain.RedrivableFor {
		return skip("execution %s ended at %s: Step Functions redrives for 14 days only: replay it instead",
			run.row.Name, run.stoppedAt().Format(time.RFC3339)), nil
	}
	if t.it.Want != "" && t.it.Want != run.row.VersionID {
		return skip("another version of it has failed meanwhile"), nil
	}
	if run.row.VersionID == "" {
		return l.mayRedriveUnrecorded(ctx, t.req, run.failure)
	}
	failed := domain.Item{ResourceID: run.row.ResourceID, Want: run.row.VersionID}
	v, latest, vd, err := l.wanted(ctx, failed, t.req)
	if vd != nil || err != nil {
		return vd, err
	}
	return l.unfitOrOutdated(ctx, run.row.ResourceID, v, latest, t.req)
}

func (l *Listener) mayRedriveUnrecorded(ctx context.Context, req request, f domain.Failure) (*verdict, error) {
	if vd, err := l.unfitUnrecorded(ctx, f, req); vd != nil || err != nil {
		return vd, err
	}
	return l.superseded(ctx, f, req, "redrives")
}

// redrivable asks Step Functions about a run. The verdict is nil if the run is the last one and can be redriven.
func (l *Listener) redrivable(ctx context.Context, row domain.Execution) (*verdict, error) {
	d, err := l.Machine.Describe(ctx, row.Name)
	switch {
	case errors.Is(err, sfn.ErrNotFound):
		return skip("Step Functions no longer knows execution %s", row.Name), nil
	case err != nil:
		return nil, err
	case !d.Status.Terminal():
		return skip("execution %s was redriven meanwhile, and runs", row.Name), nil
	case d.Status == domain.Succeeded:
		return skip("execution %s was redriven meanwhile, and has succeeded", row.Name), nil
	case d.RedriveCount > row.RedriveCount:
		return skip("execution %s was redriven meanwhile, and has failed again", row.Name), nil
	case d.Unredrivable != "":
		return skip("Step Functions cannot redrive execution %s: %s: replay it instead", row.Name, d.Unredrivable), nil
	}
	return nil, nil
}

// beginRun redrives the execution to which an item is bound, unless an earlier delivery or an operator has done so. The
// token alone does not ensure that: it is kept for 15 minutes. It returns a verdict if the execution cannot be
// redriven.
func (l *Listener) beginRun(ctx context.Context, it domain.Item, row domain.Execution) (*verdict, error) {
	if !it.JustBound {
		d, err := l.Machine.Describe(ctx, row.Name)
		if err != nil && !errors.Is(err, sfn.ErrNotFound) {
			return nil, err
		}
		if d.RedriveCount >= row.RedriveRun {
			return nil, nil
		}
	}
	err := l.Machine.Redrive(ctx, row.Name, domain.RedriveToken(it.ReplayID, row.Name, row.RedriveRun))
	if !errors.Is(err, sfn.ErrNotRedrivable) && !errors.Is(err, sfn.ErrNotFound) {
		return nil, err
	}
	d, derr := l.Machine.Describe(ctx, row.Name)
	if derr != nil && !errors.Is(derr, sfn.ErrNotFound) {
		return nil, derr
	}
	if d.RedriveCount >= row.RedriveRun {
		return nil, nil
	}
	why := fmt.Sprintf("%v: replay it instead", err)
	return skip("%s", why), l.Book.Items.WithdrawRedrive(ctx, it.ReplayID, row, why)
}
