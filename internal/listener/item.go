package listener

import (
	"context"
	"errors"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// task is an item that is being handled, with its replay and the message about it.
type task struct {
	msg protocol.ReplayMessage
	it  domain.Item
	req request
	r   domain.Replay

	only string // the version of a series that has one version; empty: the request says which
}

func (l *Listener) task(ctx context.Context, msg protocol.ReplayMessage, index int) (t task, err error) {
	t.msg = msg
	if t.it, err = l.Book.Items.Get(ctx, msg.ReplayID, msg.Page, msg.Ordinal, index); err != nil {
		return t, err
	}
	if t.req, err = l.request(ctx, msg.ReplayID); err != nil {
		return t, err
	}
	t.r, err = l.Book.Replays.Get(ctx, msg.ReplayID)
	return t, err
}

// item replays one resource of a replay.
func (l *Listener) item(ctx context.Context, msg protocol.ReplayMessage) (*progress.Transition, error) {
	t, err := l.task(ctx, msg, 0)
	if err != nil {
		return nil, err
	}
	handle := l.single
	if t.req.Versions.Several() {
		handle = l.several
	}
	vd, err := handle(ctx, &t)
	if err != nil {
		return nil, err
	}
	return l.decided(t.it, vd), nil
}

// single replays one version of a resource.
func (l *Listener) single(ctx context.Context, t *task) (*verdict, error) {
	if t.it.Outcome != replay.Waiting {
		// Started before. It may have ended while the replay was still expanding, so check whether the replay is
		// complete.
		return &verdict{to: t.it.Outcome}, nil
	}
	if t.it.Execution == "" { // a bound item starts in any case: an earlier delivery may have started it without recording that
		if vd, err := l.mayBegin(ctx, t); vd != nil || err != nil {
			return vd, err
		}
	}
	// Bound items too: if Step Functions has refused them for an hour, they must not start all at once.
	if waits, err := l.pace(ctx, t.r, t.msg); waits || err != nil {
		return later, err
	}
	if t.it.Execution == "" {
		if vd, err := l.bindItem(ctx, t); vd != nil || err != nil {
			return vd, err
		}
	}
	return l.run(ctx, t)
}

// bindItem finds what an item replays, and binds the item to it. It returns a verdict if there is nothing to run.
func (l *Listener) bindItem(ctx context.Context, t *task) (*verdict, error) {
	switch {
	case t.req.Action == replay.Redrive:
		vd, err := l.bindRedrive(ctx, t)
		return t.req.drift(vd), err
	case unrecorded(t.it, t.req):
		vd, err := l.bindUnrecorded(ctx, t)
		return t.req.drift(vd), err
	}
	v, vd, err := l.choose(ctx, t)
	if vd != nil || err != nil {
		return t.req.drift(vd), err
	}
	return l.bind(ctx, t, v, domain.Stamp{})
}

func stopped(r domain.Replay) string {
	if r.StopStatus == replay.Cancelled {
		return "the replay was cancelled"
	}
	return "the replay was halted: " + r.StopReason
}

// bind binds an item to a version. From then on, it starts in any case. A dry run binds nothing: the verdict says what
// would run. MayFollow is the newest place that the item may be published after, zero its own.
func (l *Listener) bind(ctx context.Context, t *task, v eventlog.Version, mayFollow domain.Stamp) (*verdict, error) {
	if t.req.Action == replay.Republish {
		return l.bindOutput(ctx, t, v)
	}
	row := announcement(t, v, l.now())
	row.MayFollow = mayFollow
	diff, digest, vd, err := l.applyTransform(ctx, t, row)
	if vd == nil && err == nil {
		vd = t.req.sameAsPlanned(t.it, v.ID, digest)
	}
	if vd != nil || err != nil {
		return vd, err
	}
	if t.req.DryRun {
		warning, err := l.warning(ctx, t.it, t.req, v)
		return &verdict{to: replay.WouldRun, version: v.ID, diff: diff, warning: warning, digest: digest}, err
	}
	if t.req.Action == replay.Correct {
		return l.bindCorrection(ctx, t, v, row)
	}
	err = l.Book.Items.Bind(ctx, t.it, row)
	return l.bound(ctx, t, row.VersionID, row.Name, err)
}

// bound notes what an item was bound to, given the error of binding it. If another delivery was first, its binding
// counts. It returns a verdict if the item has ended instead.
func (l *Listener) bound(ctx context.Context, t *task, versionID, execution string, err error) (*verdict, error) {
	if !errors.Is(err, ledger.ErrConflict) {
		t.it.VersionID, t.it.Execution, t.it.JustBound = versionID, execution, true
		return nil, err
	}
	now, gerr := l.Book.Items.Get(ctx, t.it.ReplayID, t.it.Page, t.it.Ordinal, t.it.Index)
	if gerr != nil {
		return nil, gerr
	}
	t.it = now
	switch {
	case now.Execution != "":
		return nil, nil
	case now.Outcome.Final():
		return &verdict{to: now.Outcome}, nil
	case t.req.Action == replay.Redrive: // the execution or its failure has changed: try again
		return nil, err
	}
	return skip("the same version is another item of this replay"), nil
}

// announcement is the row that lets Record accept the execution of an item.
func announcement(t *task, v eventlog.Version, at time.Time) domain.Execution {
	it, req := t.it, t.req
	name := domain.APIName(it.ReplayID, it.ResourceID, it.Index)
	if req.Versions.Mode == replay.FailedVersion {
		name = domain.FailedName(it.ReplayID, it.ResourceID, v.ID)
	}
	row := domain.Execution{
		Name: name, Mode: domain.API, Status: domain.Starting,
		ResourceID: it.ResourceID, OwnerID: v.OwnerID, VersionID: v.ID, RecordedAt: domain.At(v.At()),
		StartedAt: domain.At(at), Place: domain.At(v.Place()), AllowStale: req.AllowStale, Reason: req.Reason,
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, Index: it.Index, Target: req.Target,
		Suppress: req.Publish == replay.PublishSuppress, Patched: req.transform != nil,
	}
	if v.Correction.Of != "" {
		row.Correction = v.Execution
	}
	return row
}

// applyTransform applies the transform of a replay to the version of a row, if there is one. It returns the digest of
// the result, and the diff if the item is in the sample of a plan. If the transform cannot be applied, that is the
// item's outcome.
func (l *Listener) applyTransform(
	ctx context.Context, t *task, row domain.Execution,
) (diff, made string, vd *verdict, err error) {
	if t.req.transform == nil {
		return "", "", nil, nil
	}
	event, vd, err := l.event(ctx, row.ResourceID, row.VersionID)
	if vd != nil || err != nil {
		return "", "", vd, err
	}
	transformed, vd, err := l.recordable(ctx, row, t.req, event)
	if vd != nil || err != nil {
		return "", "", vd, err
	}
	return sampleDiff(t, event, transformed), digest(transformed), nil, nil
}

// sampleDiff is the diff of a transform, if the item is in the sample of a plan and the diff is small enough to show.
func sampleDiff(t *task, event, transformed []byte) string {
	sampled := t.it.Page == 0 && t.it.Ordinal < replay.PlanSample && t.it.Index < replay.PlanSample
	if !sampled || !t.req.DryRun || t.req.transform == nil {
		return ""
	}
	changes, err := transform.Diff(event, transformed)
	if err != nil {
		return ""
	}
	return string(changes)
}

// event returns the event of a version, or a verdict if the version can never be read.
func (l *Listener) event(ctx context.Context, resourceID, versionID string) ([]byte, *verdict, error) {
	event, err := l.Log.Event(ctx, resourceID, versionID)
	switch {
	case errors.Is(err, eventlog.ErrNotFound):
		return nil, gone(versionID), nil
	case errors.Is(err, eventlog.ErrNotAnEvent):
		return nil, fail(versionID, "NotAnEvent: version %s is larger than any event: it was not put by this ingestion", versionID), nil
	}
	return event, nil, err
}

// run starts what an item is bound to, or publishes it again.
func (l *Listener) run(ctx context.Context, t *task) (*verdict, error) {
	switch t.req.Action {
	case replay.Redrive:
		return l.redrive(ctx, t.it)
	case replay.Republish:
		return l.republish(ctx, t)
	}
	row, err := l.Book.Executions.Get(ctx, t.it.Execution)
	if err != nil {
		return nil, err
	}
	arn, vd, err := l.start(ctx, row)
	if err != nil {
		return nil, err
	}
	if vd != nil {
		begun, err := l.withdraw(ctx, row, vd.reason)
		if err != nil || !begun {
			return vd, err
		}
		arn = l.Machine.ExecutionARN(row.Name)
	}
	return started(arn), nil
}

// withdraw ends the row of an announced execution that will not be started. It does nothing if an earlier delivery has
// started it, before its version left the log.
func (l *Listener) withdraw(ctx context.Context, row domain.Execution, why string) (begun bool, err error) {
	_, err = l.Machine.Describe(ctx, row.Name)
	if !errors.Is(err, sfn.ErrNotFound) {
		return err == nil, err
	}
	return false, l.neverStarted(ctx, row.Name, why)
}

func (l *Listener) neverStarted(ctx context.Context, name, why string) error {
	_, err := l.Book.Executions.RecordOutcome(ctx, domain.NeverStartedEnd(name, why, l.now()))
	if errors.Is(err, ledger.ErrConflict) || errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.Book.Executions.MarkFollowedUp(ctx, name)
}
