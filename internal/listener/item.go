package listener

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/transform"
	"github.com/ce873799/replayable-ingestion/replay"
)

// verdict ends an item without an execution of its own. A nil verdict lets the item go on.
type verdict struct {
	to      replay.Outcome
	reason  string
	version string
	diff    string
	warning string
	digest  string
	arn     string
}

func skip(format string, args ...any) *verdict {
	return &verdict{to: replay.Skipped, reason: fmt.Sprintf(format, args...)}
}

func fail(version, format string, args ...any) *verdict {
	return &verdict{to: replay.Failed, version: version, reason: fmt.Sprintf(format, args...)}
}

func (l *Listener) step(it domain.Item, to replay.Outcome, reason string) *progress.Transition {
	return &progress.Transition{
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, Index: it.Index, To: to, Reason: reason,
		Execution: it.Execution, At: l.now(),
	}
}

// decided returns the step of an item that a verdict ends, or the error.
func (l *Listener) decided(it domain.Item, vd *verdict, err error) (*progress.Transition, error) {
	if vd == nil || err != nil {
		return nil, err
	}
	s := l.step(it, vd.to, vd.reason)
	s.Version, s.Diff, s.Warning, s.Digest, s.ARN = vd.version, vd.diff, vd.warning, vd.digest, vd.arn
	return s, nil
}

// item replays one resource of a replay.
func (l *Listener) item(ctx context.Context, msg protocol.ReplayMessage) (*progress.Transition, error) {
	it, err := l.Book.Items.Get(ctx, msg.ReplayID, msg.Page, msg.Ordinal, 0)
	if err != nil {
		return nil, err
	}
	req, err := l.request(ctx, msg.ReplayID)
	if err != nil {
		return nil, err
	}
	if req.Versions.Several() {
		return l.several(ctx, msg, it, req)
	}
	return l.single(ctx, msg, it, req, nil)
}

// single replays one version of a resource: the given one, or the one that the request asks for.
func (l *Listener) single(
	ctx context.Context, msg protocol.ReplayMessage, it domain.Item, req request, given *eventlog.Version,
) (*progress.Transition, error) {
	if it.Outcome != replay.Waiting {
		// Started before. Its end may have come while the replay was still expanding, so look whether that was all.
		return l.step(it, it.Outcome, ""), nil
	}
	r, err := l.Book.Replays.Get(ctx, it.ReplayID)
	if err != nil {
		return nil, err
	}
	if it.Execution == "" && r.Stopped() {
		return l.step(it, replay.Skipped, stopped(r)), nil
	}
	if it.Execution == "" { // what is bound starts: a delivery may have started it that did not come to note it
		if err := l.holdBack(ctx, r, it); err != nil {
			return nil, err
		}
	}
	// Also what is bound: after an hour in which Step Functions refused it, it must not come all at once.
	if waits, err := l.pace(ctx, r, msg); waits || err != nil {
		return nil, err
	}
	if req.Action == replay.Redrive {
		return l.redrive(ctx, it, req)
	}
	var vd *verdict
	if it.Execution == "" && unrecorded(it, req) {
		if it, vd, err = l.bindUnrecorded(ctx, it, req); vd != nil || err != nil {
			return l.decided(it, req.drift(vd), err)
		}
	} else if it.Execution == "" {
		v := given
		if v == nil {
			chosen, vd, err := l.choose(ctx, msg, it, req)
			if vd != nil || err != nil {
				return l.decided(it, req.drift(vd), err)
			}
			v = &chosen
		}
		if it, vd, err = l.bind(ctx, it, req, *v, domain.Stamp{}); vd != nil || err != nil {
			return l.decided(it, vd, err)
		}
	}
	return l.run(ctx, it, req)
}

func stopped(r domain.Replay) string {
	if r.StopStatus == replay.Cancelled {
		return "the replay was cancelled"
	}
	return "the replay was halted: " + r.StopReason
}

// bind binds an item to a version, from where it will start whatever comes. It returns the item as it is bound, by
// this delivery or by another one, or a verdict. A dry run binds nothing: the verdict says what would run. Over is the
// newest place that the item may be published after, zero its own.
func (l *Listener) bind(
	ctx context.Context, it domain.Item, req request, v eventlog.Version, over domain.Stamp,
) (domain.Item, *verdict, error) {
	if req.Action == replay.Republish {
		return l.bindOutput(ctx, it, req, v)
	}
	row := l.announcement(it, req, v)
	row.Over = over
	diff, digest, vd, err := l.applyTransform(ctx, it, req, row)
	if vd == nil && err == nil {
		vd = req.sameAsPlanned(it, v.ID, digest)
	}
	if vd != nil || err != nil {
		return it, vd, err
	}
	if req.DryRun {
		warning, err := l.warning(ctx, it, req, v)
		if err != nil {
			return it, nil, err
		}
		return it, &verdict{to: replay.WouldRun, version: v.ID, diff: diff, warning: warning, digest: digest}, nil
	}
	if req.Action == replay.Correct {
		return l.bindCorrection(ctx, it, req, v, row)
	}
	err = l.Book.Items.Bind(ctx, it, row)
	if errors.Is(err, ledger.ErrConflict) {
		return l.rebound(ctx, it)
	}
	it.VersionID, it.Execution = row.VersionID, row.Name
	return it, nil, err
}

// announcement is the row that lets Record accept the execution of an item.
func (l *Listener) announcement(it domain.Item, req request, v eventlog.Version) domain.Execution {
	name := domain.APIName(it.ReplayID, it.ResourceID, it.Index)
	if req.Versions.Mode == replay.FailedVersion {
		name = domain.FailedName(it.ReplayID, it.ResourceID, v.ID)
	}
	row := domain.Execution{
		Name: name, Mode: domain.API, Status: domain.Starting,
		ResourceID: it.ResourceID, OwnerID: v.OwnerID, VersionID: v.ID, RecordedAt: domain.At(v.At()),
		StartedAt: domain.At(l.now()), Place: domain.At(v.Place()), AllowStale: req.AllowStale, Reason: req.Reason,
		ReplayID: it.ReplayID, Page: it.Page, Ordinal: it.Ordinal, Index: it.Index, Target: req.Target,
		Suppress: req.Publish == replay.PublishSuppress, Patched: req.transform != nil,
	}
	if v.Correction.Of != "" {
		row.Correction = v.Execution
	}
	return row
}

// rebound returns an item that another delivery bound, which counts, or a verdict.
func (l *Listener) rebound(ctx context.Context, it domain.Item) (domain.Item, *verdict, error) {
	it, err := l.Book.Items.Get(ctx, it.ReplayID, it.Page, it.Ordinal, it.Index)
	if err == nil && it.Execution == "" {
		if it.Outcome.Final() {
			return it, &verdict{to: it.Outcome}, nil
		}
		return it, skip("the same version is another item of this replay"), nil
	}
	return it, nil, err
}

// applyTransform applies the transform of a replay to the version of a row, if there is one. It returns the digest of what it
// makes, and what it changes if the item is in the sample of a plan. A transform that cannot be applied is the item's
// outcome.
func (l *Listener) applyTransform(
	ctx context.Context, it domain.Item, req request, row domain.Execution,
) (diff, made string, vd *verdict, err error) {
	if req.transform == nil {
		return "", "", nil, nil
	}
	event, vd, err := l.event(ctx, row.ResourceID, row.VersionID)
	if vd != nil || err != nil {
		return "", "", vd, err
	}
	transformed, vd, err := l.recordable(ctx, row, req, event)
	if vd != nil || err != nil {
		return "", "", vd, err
	}
	if made = digest(transformed); !req.DryRun || !sampled(it) {
		return "", made, nil, nil
	}
	changes, err := transform.Diff(event, transformed)
	if err != nil {
		return "", made, nil, nil //nolint:nilerr // too large to show; the item is planned all the same
	}
	return string(changes), made, nil, nil
}

// sampled reports whether an item is in the sample of a plan.
func sampled(it domain.Item) bool {
	return it.Page == 0 && it.Ordinal < replay.PlanSample && it.Index < replay.PlanSample
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

func gone(versionID string) *verdict {
	return &verdict{to: replay.Skipped, version: versionID, reason: "version " + versionID + " is no longer in the event log"}
}

// run starts what an item is bound to, or publishes it again.
func (l *Listener) run(ctx context.Context, it domain.Item, req request) (*progress.Transition, error) {
	if req.Action == replay.Republish {
		vd, err := l.republish(ctx, it, req)
		return l.decided(it, vd, err)
	}
	row, err := l.Book.Executions.Get(ctx, it.Execution)
	if err != nil {
		return nil, err
	}
	arn, vd, err := l.start(ctx, row)
	if vd != nil && err == nil {
		var started bool
		if started, err = l.withdraw(ctx, row, vd.reason); err == nil && !started {
			return l.decided(it, vd, nil)
		}
		arn = l.Machine.ExecutionARN(row.Name)
	}
	if err != nil {
		return nil, err
	}
	s := l.step(it, replay.Started, "")
	s.ARN = arn
	return s, nil
}

// withdraw ends the row of an execution that was announced and will not be started, unless it was: an earlier
// delivery may have started it before its version left the log.
func (l *Listener) withdraw(ctx context.Context, row domain.Execution, why string) (started bool, err error) {
	_, err = l.Machine.Describe(ctx, row.Name)
	if !errors.Is(err, sfn.ErrNotFound) {
		return err == nil, err
	}
	return false, l.neverStarted(ctx, row, why)
}

func (l *Listener) neverStarted(ctx context.Context, row domain.Execution, why string) error {
	_, err := l.Book.Executions.RecordOutcome(ctx, domain.NotStarted(row.Name, why, l.now()))
	if errors.Is(err, ledger.ErrConflict) || errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return l.Book.Executions.MarkFollowedUp(ctx, row.Name)
}
