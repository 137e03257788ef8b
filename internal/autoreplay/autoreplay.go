// Package autoreplay is the scheduled job that keeps failures from being lost: it drains the dead-letter queue into
// the ledger, decides what is due, sends what can be retried to the Replay queue, quarantines the rest, and settles
// executions whose end was never reported.
package autoreplay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/replay"
)

type book interface {
	Execution(ctx context.Context, name string) (ledger.Execution, error)
	AddExecution(ctx context.Context, e ledger.Execution) (ledger.Execution, error)
	AddOwned(ctx context.Context, ownerID, resourceID string, at ledger.Stamp) error
	SetCause(ctx context.Context, o ledger.Ended) error
	SetRecorded(ctx context.Context, r ledger.Recorded) (ledger.Execution, error)
	TakenIn(ctx context.Context, name string) error
	CheckLater(ctx context.Context, e ledger.Execution, at time.Time) error
	OpenExecutions(ctx context.Context, shard int, by time.Time, limit int) ([]ledger.Execution, error)
	Failure(ctx context.Context, partition string) (ledger.Failure, error)
	AddFailure(ctx context.Context, f ledger.Failure) (ledger.Failure, error)
	MoveFailure(ctx context.Context, f ledger.Failure, m ledger.Move, from ...ledger.FailureStatus) error
	OpenReplays(ctx context.Context, by time.Time, limit int) ([]ledger.Replay, error)
	CheckReplayLater(ctx context.Context, r ledger.Replay, at time.Time) error
	OpenSeries(ctx context.Context, shard int, by time.Time, limit int) ([]ledger.Series, error)
	CheckSeriesLater(ctx context.Context, name string, at time.Time) error
	Series(ctx context.Context, name string) (ledger.Series, error)
	Item(ctx context.Context, replayID string, page, ordinal, index int) (ledger.Item, error)
	Page(ctx context.Context, replayID string, number int) (ledger.Page, error)
	Due(ctx context.Context, shard int, now time.Time, limit int) ([]ledger.Failure, error)
	Acquire(ctx context.Context, name, holder string, now, until time.Time) error
	Release(ctx context.Context, name, holder string) error
}

type eventLog interface {
	FindExecution(ctx context.Context, resourceID, execution string, startedAt time.Time) (eventlog.Version, error)
	PutObject(ctx context.Context, key string, document []byte) error
}

type machine interface {
	Describe(ctx context.Context, name string) (states.Description, error)
	ExecutionARN(name string) string
}

type deadLetters interface {
	Receive(ctx context.Context, hide time.Duration) ([]queue.Message, error)
	Delete(ctx context.Context, m queue.Message) error
}

type sender interface {
	Send(ctx context.Context, bodies ...string) error
}

type settler interface {
	Settle(ctx context.Context, ended []ledger.Ended) []error
}

type board interface {
	Take(ctx context.Context, steps []progress.Step) map[string]error
	Look(ctx context.Context, id string, now time.Time) error
	Stop(ctx context.Context, id string, stop replay.Stop) error
}

type judge interface {
	OfFailure(ctx context.Context, f ledger.Failure) (eventlog.Version, bool, error)
}

// Deps are what the job works with.
type Deps struct {
	Book        book
	Log         eventLog
	Machine     machine
	Series      machine // the Series state machine
	DeadLetters deadLetters
	Replays     sender
	Settler     settler
	Board       board
	Judge       judge // nil: older failures are not superseded by newer events
	Reader      record.Reader
	Logger      *slog.Logger
}

// Job is the scheduled job.
type Job struct {
	Deps
	policy      Policy
	settleAfter time.Duration
	now         func() time.Time
	random      func() float64
}

// New returns the job. Executions open for longer than settleAfter are looked up in Step Functions.
func New(deps Deps, policy Policy, settleAfter time.Duration) *Job {
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	return &Job{
		Deps: deps, policy: policy, settleAfter: settleAfter,
		now: time.Now, random: rand.Float64,
	}
}

// Summary is what a run did.
type Summary struct {
	Skipped     bool `json:"skipped,omitempty"` // another run holds the lease
	DeadLetters int  `json:"deadLetters"`       // taken out of the dead-letter queue
	Settled     int  `json:"settled"`           // executions whose end nobody had reported
	Replayed    int  `json:"replayed"`          // sent to the Replay queue
	Quarantined int  `json:"quarantined"`
	Superseded  int  `json:"superseded"`
	Waiting     int  `json:"waiting"` // looked at and left for later
	Errors      int  `json:"errors"`  // left for the next run
}

const (
	leaseName = "auto-replay"
	// reserve is left of the function's time when a run stops taking new work.
	reserve = 15 * time.Second
	// defaultRun bounds a run whose context has no deadline.
	defaultRun = 5 * time.Minute
)

// phase runs a part of the job until a time. Running out of it is no error: the next run goes on.
func phase(ctx context.Context, until time.Time, sum *Summary, do func(context.Context, *Summary) error) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	err := do(ctx, sum)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Run does one round. Runs that overlap exclude each other; what a run leaves, the next takes up. holder names this
// run and no other.
func (j *Job) Run(ctx context.Context, holder string) (Summary, error) {
	var sum Summary
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = j.now().Add(defaultRun)
	}
	err := j.Book.Acquire(ctx, leaseName, holder, j.now(), deadline.Add(reserve))
	if errors.Is(err, ledger.ErrConflict) {
		j.Logger.InfoContext(ctx, "auto-replay skipped: another run is under way")
		return Summary{Skipped: true}, nil
	}
	if err != nil {
		return sum, err
	}
	work, cancel := context.WithDeadline(ctx, deadline.Add(-min(reserve, time.Until(deadline)/2)))
	defer cancel()
	err = errors.Join(
		// Half of the time at most: an outage can bring dead letters faster than they are taken in, and what is known
		// already must be decided on all the same.
		phase(work, time.Now().Add(time.Until(deadline)/2), &sum, j.drain),
		phase(work, deadline, &sum, j.reconcile),
		phase(work, deadline, &sum, j.reconcileReplays),
		phase(work, deadline, &sum, j.decideDue),
		j.Book.Release(ctx, leaseName, holder),
	)
	j.Logger.InfoContext(ctx, "auto-replay done", "deadLetters", sum.DeadLetters, "settled", sum.Settled,
		"replayed", sum.Replayed, "quarantined", sum.Quarantined, "superseded", sum.Superseded, "waiting", sum.Waiting,
		"errors", sum.Errors)
	if err != nil {
		return sum, fmt.Errorf("auto-replay: %w", err)
	}
	return sum, nil
}
