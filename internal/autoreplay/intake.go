package autoreplay

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// recordEnd records the end of an execution in its row, and in that of a failure if it failed. Recording the same end
// again changes nothing.
func (r *run) recordEnd(ctx context.Context, e domain.Ended) error {
	if e.Status != domain.Failed && e.Status != domain.TimedOut {
		return errors.Join(r.Outcomes.Record(ctx, []domain.Ended{e})[0], r.addAborted(ctx, e))
	}
	d, err := r.Machine.Describe(ctx, e.Name)
	switch {
	case errors.Is(err, sfn.ErrNotFound):
		d = sfn.Description{Ended: e} // forgotten after 90 days: only the message is left
	case errors.Is(err, sfn.ErrBusy):
		if d, err = r.undescribed(ctx, e, err); err != nil {
			return err
		}
	case err != nil:
		return err
	case sameRun(d.Ended, e):
		e = d.Ended // with the cause
	}
	if err := r.Outcomes.Record(ctx, []domain.Ended{e})[0]; err != nil {
		return err
	}
	row, err := r.row(ctx, d)
	if err != nil {
		return err
	}
	if row.Mode == domain.API {
		if err := r.Book.Executions.SetCause(ctx, e); err != nil { // the item has its outcome already
			return err
		}
	}
	if err := r.addFailure(ctx, e, d, row); err != nil {
		return err
	}
	switch {
	case d.RedriveCount <= e.RedriveCount:
		return r.Book.Executions.MarkFollowedUp(ctx, e.Name)
	case d.Status.Terminal(): // it was redriven since, and the end of that run is recorded too
		return r.recordEnd(ctx, d.Ended)
	}
	return nil // it was redriven and runs: it stays open
}

// undescribed is what the message and the row of the execution say about an end, without asking Step Functions. That
// suffices if the error decides and the event was recorded. Otherwise, it returns busy, and the end is recorded later.
func (r *run) undescribed(ctx context.Context, e domain.Ended, busy error) (sfn.Description, error) {
	if e.Error == "" || e.Error == wrappedError {
		return sfn.Description{}, busy
	}
	row, err := r.Book.Executions.Get(ctx, e.Name)
	switch {
	case errors.Is(err, ledger.ErrNotFound) || err == nil && row.VersionID == "":
		return sfn.Description{}, busy
	case err != nil:
		return sfn.Description{}, err
	}
	return sfn.Description{Ended: e, StartedAt: row.StartedAt.Time}, nil
}

// wrappedError is the error of an execution whose cause may describe a failed child.
const wrappedError = "States.TaskFailed"

// addAborted adds the row of an execution that was aborted after it had written its version, and before its row was
// written. Without the row, the version would count as the newest event of its resource.
func (r *run) addAborted(ctx context.Context, e domain.Ended) error {
	if e.Status != domain.Aborted {
		return nil
	}
	_, err := r.Book.Executions.Get(ctx, e.Name)
	if !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	d, err := r.Machine.Describe(ctx, e.Name)
	if errors.Is(err, sfn.ErrNotFound) || err == nil && !d.Status.Terminal() {
		return nil
	}
	if err == nil {
		_, err = r.findRow(ctx, d, domain.Execution{})
	}
	return err
}

// row returns the row of an execution. If Record died before it could write it, the row is completed from the event
// log. If the event never reached the log, the row is zero.
func (r *run) row(ctx context.Context, d sfn.Description) (domain.Execution, error) {
	row, err := r.Book.Executions.Get(ctx, d.Name)
	unrecorded := row.Records() && row.VersionID == ""
	if err == nil && !unrecorded || err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return row, err
	}
	found, ferr := r.findRow(ctx, d, row)
	if ferr != nil || found.VersionID == "" || err != nil {
		if err == nil {
			found = row
		}
		return found, ferr
	}
	return r.Book.Executions.SetRecorded(ctx, domain.Recorded{
		Name: row.Name, ARN: d.ARN, StartedAt: d.StartedAt, ResourceID: found.ResourceID, OwnerID: found.OwnerID,
		VersionID: found.VersionID, RecordedAt: found.RecordedAt.Time,
	})
}

// sameRun reports whether Step Functions describes the run that a message reported. The stop time decides where a
// message has no redrive count.
func sameRun(d, e domain.Ended) bool {
	return d.Status == e.Status &&
		(d.RedriveCount == e.RedriveCount || domain.At(d.StoppedAt).Equal(domain.At(e.StoppedAt).Time))
}

// findRow makes the row of an execution that has none, or only an announced one: Record may have died after it wrote
// the event. It returns the zero row if the log has no version of the execution.
func (r *run) findRow(ctx context.Context, d sfn.Description, announced domain.Execution) (domain.Execution, error) {
	ids, err := r.Reader.Read(d.Input)
	if announced.Corrects != "" { // its input has only a reference to the event
		ids, err = ingest.IDs{ResourceID: announced.ResourceID}, nil
	}
	if err != nil {
		return domain.Execution{}, nil //nolint:nilerr // an event without a usable id cannot be in the log
	}
	v, err := r.Log.FindEnded(ctx, ids.ResourceID, d.Name, d.StartedAt, d.StoppedAt)
	if errors.Is(err, eventlog.ErrNotFound) {
		return domain.Execution{}, nil
	}
	if err != nil {
		return domain.Execution{}, err
	}
	if announced.Corrects != "" {
		ids.OwnerID = v.OwnerID
	}
	row := domain.Execution{
		Name: d.Name, ARN: d.ARN, Mode: domain.Live, Status: d.Status, ResourceID: ids.ResourceID, OwnerID: ids.OwnerID,
		VersionID: v.ID, RecordedAt: domain.At(v.RecordedAt), StartedAt: domain.At(d.StartedAt), Place: domain.At(v.FirstStartedAt),
		StoppedAt: domain.At(d.StoppedAt), RedriveCount: d.RedriveCount, Error: d.Error, Cause: domain.Excerpt(d.Cause),
	}
	if row.OwnerID != "" {
		if err := r.Book.Owners.Note(ctx, row.OwnerID, row.ResourceID, row.RecordedAt); err != nil {
			return domain.Execution{}, err
		}
	}
	if _, err := r.Book.Executions.Add(ctx, row); err != nil && !errors.Is(err, ledger.ErrConflict) {
		return domain.Execution{}, err
	}
	return row, nil
}

func (r *run) addFailure(ctx context.Context, e domain.Ended, d sfn.Description, row domain.Execution) error {
	name, cause := domain.UnwrapError(e.Error, e.Cause)
	f := domain.Failure{
		Execution: e.Name, ARN: r.Machine.ExecutionARN(e.Name), RedriveCount: e.RedriveCount, Status: domain.Waiting,
		ResourceID: row.ResourceID, OwnerID: row.OwnerID, VersionID: row.VersionID, RecordedAt: row.RecordedAt,
		Error: name, Cause: domain.Excerpt(cause), Root: e.Name, Attempt: row.Attempt,
		StartedAt: domain.At(d.StartedAt), FailedAt: domain.At(e.StoppedAt), FirstAt: domain.At(e.StoppedAt),
	}
	if row.Root != "" {
		f.Root = row.Root
	}
	if row.Corrects != "" {
		f.StartedAt = row.Placed() // events after the version that it corrects are newer
	}
	before, err := r.inherit(ctx, &f, row)
	if err != nil {
		return err
	}
	if e.RedriveCount > 0 { // a person has tried again: the attempts begin again, with other names
		f.Root, f.Attempt, f.FirstAt = domain.LineageOf(e.Name, e.RedriveCount), 0, f.FailedAt
	}
	if f.VersionID == "" && row.Corrects == "" {
		if ids, err := r.Reader.Read(d.Input); err == nil {
			f.ResourceID, f.OwnerID = ids.ResourceID, ids.OwnerID // a newer event of the resource may supersede it
		}
		if err := r.keepInput(ctx, &f, d); err != nil {
			return err
		}
	}
	switch {
	case row.Redriven(e.RedriveCount):
		return r.addRedriven(ctx, f, row)
	case row.Mode == domain.API:
		return r.addAsked(ctx, f, row)
	}
	if before.HealedBy != "" && e.RedriveCount == 0 { // another replay of the event was faster
		f.Status, f.Decision = domain.Closed, "the event had succeeded by then: see "+before.HealedBy
	} else {
		if r.policy.Errors.Retriable(f.Error) {
			f.Storm = f.Error
		}
		f.DueAt = domain.At(r.policy.due(f, r.Now(), r.Random()))
		f.Decision = fmt.Sprintf("decide at %s", f.DueAt)
	}
	if err := r.insert(ctx, f); err != nil {
		return err
	}
	return r.closeBefore(ctx, f, row)
}

// insert adds a failure, unless it is there.
func (r *run) insert(ctx context.Context, f domain.Failure) error {
	if f.State == "" && f.ARN != "" {
		state, err := r.Machine.FailedState(ctx, f.Execution)
		if err != nil && !errors.Is(err, sfn.ErrBusy) { // the failure is worth keeping without the state
			r.Logger.WarnContext(ctx, "failed state not found", "execution", f.Execution, "error", err)
		}
		f.State = state
	}
	_, err := r.Book.Failures.Add(ctx, f)
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	if err == nil {
		r.Logger.InfoContext(ctx, "failure taken in", "execution", f.Execution, "resourceId", f.ResourceID, "state", f.State,
			"error", f.Error, "attempt", f.Attempt, "root", f.Root, "status", f.Status, "dueAt", f.DueAt.Time)
	}
	return err
}

// inherit copies to a failure what it has in common with the one that its execution was to heal, and returns that one.
func (r *run) inherit(ctx context.Context, f *domain.Failure, row domain.Execution) (domain.Failure, error) {
	if row.Failure == "" {
		return domain.Failure{}, nil
	}
	before, err := r.Book.Failures.Get(ctx, row.Failure)
	if errors.Is(err, ledger.ErrNotFound) {
		return domain.Failure{}, nil
	}
	if err != nil {
		return before, err
	}
	f.FirstAt, f.StartedAt = before.FirstAt, before.StartedAt
	if f.VersionID == "" && !row.Patched {
		f.InputKey = before.InputKey
	}
	return before, nil
}

// closeBefore closes the failures that this one continues: the one that its execution was to heal, and those of the
// runs before a redrive.
func (r *run) closeBefore(ctx context.Context, f domain.Failure, row domain.Execution) error {
	if row.Failure != "" {
		why := "its automatic replay " + f.Execution + " failed as well"
		if err := r.markFailedAgain(ctx, row.Failure, why); err != nil {
			return err
		}
	}
	runs := make([]string, f.RedriveCount) // up to 1,000
	for n := range runs {
		runs[n] = domain.FailureID(f.Execution, n)
	}
	rows, err := r.Book.Failures.Find(ctx, runs)
	if err != nil {
		return err
	}
	again := domain.Move{To: domain.FailedAgain, Decision: "redriven, and failed again"}
	for _, before := range rows {
		from := []domain.FailureStatus{domain.Waiting, domain.Quarantined}
		if before.Redrive != "" { // no automatic replay of it is under way
			from = append(from, domain.Retrying)
		}
		if _, err := r.tryMove(ctx, before, again, from...); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) markFailedAgain(ctx context.Context, failureID, why string) error {
	before, err := r.Book.Failures.Get(ctx, failureID)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err == nil {
		again := domain.Move{To: domain.FailedAgain, Decision: why}
		_, err = r.tryMove(ctx, before, again, domain.Waiting, domain.Retrying, domain.Quarantined)
	}
	return err
}

// keepInput stores an input that never reached the log, since Step Functions forgets it after 90 days.
func (r *run) keepInput(ctx context.Context, f *domain.Failure, d sfn.Description) error {
	if f.InputKey != "" {
		return nil
	}
	f.InputKey = eventlog.UnrecordedKey(f.Execution)
	if len(d.Input) == 0 {
		f.InputKey = ""
		return nil
	}
	return r.Log.PutObject(ctx, f.InputKey, d.Input)
}
