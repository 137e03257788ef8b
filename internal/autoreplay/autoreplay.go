// Package autoreplay runs on a schedule and keeps failures from being lost: it ingests the dead-letter queue into the
// ledger, finds ended executions that no status event reported, and decides on the failures that are due. It sends
// those that can be retried to the Replay queue, and quarantines the rest.
package autoreplay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Runner does the scheduled runs.
type Runner struct {
	Deps
	policy Policy
	known  known
}

// New returns a Runner.
func New(deps Deps, policy Policy) *Runner {
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Random == nil {
		deps.Random = rand.Float64
	}
	return &Runner{Deps: deps, policy: policy}
}

// Summary is what a run did.
type Summary struct {
	Skipped     bool   `json:"skipped,omitempty"` // another run holds the lease
	Paused      string `json:"paused,omitempty"`  // why nothing was started
	DeadLetters int    `json:"deadLetters"`       // taken out of the dead-letter queue
	Settled     int    `json:"settled"`           // executions whose end no status event had reported
	Replayed    int    `json:"replayed"`          // sent to the Replay queue, probes included
	Probes      int    `json:"probes"`            // failures released one at a time, to see whether the cause is gone
	Held        int    `json:"held"`              // held back because many share their error
	Quarantined int    `json:"quarantined"`
	Superseded  int    `json:"superseded"`
	Waiting     int    `json:"waiting"`     // failures and dead letters left for a later run
	Unaccounted int    `json:"unaccounted"` // events whose outcome has been unknown for longer than UnaccountedAfter
	Restored    int    `json:"restored"`    // executions whose row was restored from the event log
	Errors      int    `json:"errors"`      // left for the next run
}

const (
	leaseName = "auto-replay"
	// reserve is the rest of the function's time in which a run takes no new work.
	reserve = 15 * time.Second
	// defaultRun bounds a run whose context has no deadline.
	defaultRun = 5 * time.Minute
)

// phase runs a part of a run until a time. Running out of time is not an error: the next run continues. A part that
// does not return is left behind with its copy of the run, and the other parts and the report go on without it.
func (r *run) phase(ctx context.Context, until time.Time, do func(*run, context.Context) error) error {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	part := r.copy()
	returned, err := errs.WithinDeadline(ctx, func(ctx context.Context) (bool, error) { return true, do(part, ctx) })
	if returned {
		*r = *part
	} else {
		r.behind = true
		r.sum.Errors++
		r.Logger.ErrorContext(ctx, "part of auto-replay left behind: a call did not return in time", "error", err)
	}
	if errors.Is(err, sfn.ErrBusy) {
		r.Logger.WarnContext(ctx, "part of auto-replay ended: Step Functions is asked no more for now", "error", err)
		return nil
	}
	if errors.Is(err, errs.ErrDeadlinePassed) {
		return nil
	}
	return err
}

// once calls a function outside of the parts of a run, within the time that is left.
func once(ctx context.Context, do func(context.Context) error) error {
	_, err := errs.WithinDeadline(ctx, func(ctx context.Context) (none struct{}, err error) { return none, do(ctx) })
	return err
}

// Request is what a caller of Run may ask for. The schedule sends none.
type Request struct {
	Rebuild bool `json:"rebuild"` // restore the rows of versions and owners that the ledger lacks
}

// Run does one run. Overlapping runs exclude each other. The next run continues what this one leaves. The holder is a
// name that only this run has.
func (a *Runner) Run(ctx context.Context, holder string, ask Request) (Summary, error) {
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(defaultRun)
	}
	work, cancel := context.WithDeadline(ctx, end.Add(-min(reserve, time.Until(end)/2)))
	defer cancel()
	if ask.Rebuild { // even if another run holds the lease: the next run does it
		if err := once(work, a.beginRebuild); err != nil {
			return Summary{}, a.notBegun(ctx, err)
		}
	}
	// The lease uses the clock of the machine, because in a test, the clock of decisions may be another one.
	err := once(work, func(ctx context.Context) error {
		return a.Book.Leases.Acquire(ctx, leaseName, holder, a.Now(), a.Now().Add(time.Until(end)+reserve))
	})
	if errors.Is(err, ledger.ErrConflict) {
		a.Logger.InfoContext(ctx, "auto-replay skipped: another run is under way")
		return Summary{Skipped: true}, nil
	}
	if err != nil {
		return Summary{}, a.notBegun(ctx, err)
	}
	// An outage can bring dead letters faster than they are ingested, and known failures must still be decided on. So
	// each part ends at its time, and leaves the rest to the next run.
	until := func(part float64) time.Time {
		return time.Now().Add(time.Duration(part * float64(time.Until(end))))
	}
	r := a.newRun(work, until(0.05))
	drained, listed, looked, decided := until(0.35), until(0.5), until(0.65), until(0.8)
	released, closed, counted := until(0.85), until(0.87), until(0.92)
	err = errors.Join(
		r.phase(work, drained, (*run).ingestDeadLetterQueue),
		r.phase(work, listed, (*run).reconcileListed),
		r.phase(work, looked, (*run).reconcileOpen),
		r.phase(work, looked, (*run).reconcileReplays),
		r.phase(work, decided, (*run).decideDue),
		r.phase(work, released, (*run).lookAtStorms),
		r.phase(work, closed, (*run).closeSuperseded),
		r.phase(work, counted, (*run).countFailures),
		r.phase(work, end, (*run).explain),
		r.phase(work, end, (*run).rebuild),
		once(ctx, func(ctx context.Context) error { return a.Book.Leases.Release(ctx, leaseName, holder) }),
	)
	r.report(ctx, err)
	if err != nil {
		return r.sum, fmt.Errorf("auto-replay: %w", err)
	}
	return r.sum, nil
}
