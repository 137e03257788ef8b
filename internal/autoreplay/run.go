package autoreplay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// run is one run of a Runner.
type run struct {
	*Runner
	sum     Summary
	sent    *atomic.Int64   // automatic replays sent, those of parts that were left behind included
	lookUps int             // executions looked up in Step Functions, without those that were reported
	storms  map[string]bool // by error: whether its failures are held, for errors that the run has checked
	begun   map[string]bool // errors whose storms this run began: an index may not show them yet
	held    map[string]bool // errors whose failures this run has held: an index may not show them yet

	controls domain.Controls // what is paused

	rate    float64 // automatic replays per second that other replays leave room for
	started time.Time
	failed  *failedRuns
	behind  bool            // a part was left behind
	running map[string]bool // executions that were listed as running; nil: they were not listed
	looked  bool            // every open execution was checked

	counted *domain.FailureTally // of all failures; nil: the run could not count them

	left map[string]bool // dead letters that are still in the queue after an attempt, by message id; nil: the queue was not read
}

func (a *Runner) newRun(ctx context.Context, until time.Time) *run {
	r := &run{
		Runner: a, sent: new(atomic.Int64), storms: map[string]bool{}, begun: map[string]bool{}, held: map[string]bool{},
		started: a.Now(), rate: a.policy.StartsPerSecond, failed: newFailedRuns(),
	}
	r.sum.Paused = r.pauseReason(ctx, until)
	return r
}

// copy returns a run with its own state. The two share the count of sent replays and what is safe for concurrent use.
func (r *run) copy() *run {
	c := *r
	c.storms, c.begun, c.held, c.left = maps.Clone(r.storms), maps.Clone(r.begun), maps.Clone(r.held), maps.Clone(r.left)
	return &c
}

// setRate reads how many automatic replays per second may start beside other replays. More would only wait in the
// Replay queue.
func (r *run) setRate(ctx context.Context) error {
	budget := ledger.Starts(r.policy.StartsPerSecond * r.controls.Pace(r.Now()))
	rate, err := r.Book.Pace.Rate(ctx, budget, ledger.Claimant{Name: ledger.AutoClaimant}, r.Now())
	if err == nil {
		r.rate = rate
	}
	return err
}

// notKnown is the reason for a pause if the ledger cannot say what is paused.
const notKnown = "what is paused is not known"

// pauseReason says why nothing is started now, "" if replays may start. If it is not known what is paused, nothing is
// started: waiting failures are not lost.
func (r *run) pauseReason(ctx context.Context, until time.Time) string {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var err error
	if r.controls, err = errs.WithinDeadline(ctx, r.Book.Controls.Get); err != nil {
		r.Logger.ErrorContext(ctx, "auto-replay paused: what is paused is not known", "error", err)
		return notKnown
	}
	alarm := r.alarmReason(ctx)
	switch {
	case !r.policy.Enabled:
		return "auto-replay is off"
	case !r.controls.AutoPausedAt.IsZero():
		return "auto-replay is paused: " + r.controls.AutoPauseReason
	}
	return alarm
}

// alarmReason says why PauseAlarm pauses all replays, "" if it does not. If the state of the alarm is not known, it
// pauses them. The listener reads the reason in the ledger.
func (r *run) alarmReason(ctx context.Context) (why string) {
	if r.Pause != nil {
		in, err := errs.WithinDeadline(ctx, r.Pause.InAlarm)
		switch {
		case err != nil:
			r.Logger.ErrorContext(ctx, "replays paused: the state of the pause alarm is not known", "error", err)
			why = "the state of the pause alarm is not known"
		case in:
			why = "the pause alarm is in ALARM"
		}
	}
	if (why == "") == r.controls.AlarmAt.IsZero() {
		return why
	}
	now := domain.At(r.Now())
	err := once(ctx, func(ctx context.Context) error { return r.Book.Controls.SetAlarm(ctx, now, why) })
	if err != nil {
		r.Logger.ErrorContext(ctx, "state of the pause alarm not noted", "error", err)
		return why
	}
	if r.controls.AlarmAt, r.controls.AlarmReason = now, why; why == "" {
		r.controls.AlarmAt = domain.Stamp{}
	}
	return why
}

// mayStart reports whether the run may send one more automatic replay.
func (r *run) mayStart() bool { return r.sum.Paused == "" && r.maySend() > 0 }

// maySend is how many more automatic replays the run may send.
func (r *run) maySend() int { return r.policy.starts(r.rate) - int(r.sent.Load()) }

// lookUpsPerSecond is how many executions are looked up per second, over the time from one run to the next. The quota
// of DescribeExecution refills at 10 to 15 a second, and other users of the account need some of it.
const lookUpsPerSecond = 5

// Parts of a run's look-ups: listed executions must leave some for open ones, and both must leave some for a rebuild.
const (
	forListed  = 0.5
	forOpen    = 0.8
	forRebuild = 1
)

// mayLookUp reports whether the run may look up one more execution within a part of its look-ups, and counts it.
func (r *run) mayLookUp(part float64) bool {
	if float64(r.lookUps) >= part*max(lookUpsPerSecond*r.policy.Interval.Seconds(), 100) {
		return false
	}
	r.lookUps++
	return true
}

// send queues the automatic replay, then moves the failure. If the function dies in between, the message is sent twice,
// and the deterministic execution name lets only one of them start anything. The starts of a run are spread over the
// time until the next run, so they keep to their share at any moment.
func (r *run) send(ctx context.Context, f domain.Failure) error {
	msg := protocol.ReplayMessage{Kind: protocol.KindAuto, Execution: f.Execution, RedriveCount: f.RedriveCount}
	// Counted from the beginning of the run, so that late messages do not reach into the time of the next run.
	delay := max(r.started.Add(time.Duration(float64(r.sent.Load())/r.rate*float64(time.Second))).Sub(r.Now()), 0)
	if err := r.Replays.Post(ctx, sqs.Post{Body: msg.Encode(), Delay: delay}); err != nil {
		return err
	}
	r.sent.Add(1)
	r.sum.Replayed++
	return r.move(ctx, f, domain.Move{
		To:       domain.Retrying,
		Decision: fmt.Sprintf("automatic replay %d of %d sent", f.Attempt+1, r.policy.MaxAttempts),
		DueAt:    r.Now().Add(delay + recheckAfter),
	})
}

// move moves a failure that is open, and logs the decision.
func (r *run) move(ctx context.Context, f domain.Failure, m domain.Move) error {
	moved, err := r.tryMove(ctx, f, m, domain.Waiting, domain.Retrying)
	if moved {
		r.logDecision(ctx, f, m)
	}
	return err
}

// tryMove moves a failure. Losing a race is not an error: the winner has decided.
func (r *run) tryMove(
	ctx context.Context, f domain.Failure, m domain.Move, from ...domain.FailureStatus,
) (moved bool, err error) {
	err = r.Book.Failures.Move(ctx, f, m, from...)
	if errors.Is(err, ledger.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

func (r *run) logDecision(ctx context.Context, f domain.Failure, m domain.Move) {
	args := []any{
		"execution", f.Execution, "resourceId", f.ResourceID, "error", f.Error, "attempt", f.Attempt, "status", m.To,
		"decision", m.Decision,
	}
	if !m.DueAt.IsZero() {
		args = append(args, "dueAt", m.DueAt)
	}
	r.Logger.InfoContext(ctx, "failure decided on", args...)
}
