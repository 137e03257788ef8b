// Package smoke checks a deployed stack of the example. It checks what only a real AWS account can show. On the
// emulator, it runs the checks that the emulator supports.
//
// It starts executions, switches the example's geocoder off and on, and reads the stack's queues; so run it only on a
// dev stage that is not in use. Its events stay in the event log under resource ids that begin with "smoke-".
// docs/aws-smoke.md says how to run it and what each check proves.
package smoke

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"
)

// Options say which stack to check, and how.
type Options struct {
	// Outputs are the stack's CloudFormation outputs, by name. See Outputs.
	Outputs map[string]string

	// APIURL is the base URL of the replay API, stage included. Empty: the output ApiUrl.
	APIURL string

	// Emulator says that the stack is deployed to MiniStack. Checks that it does not support are skipped, and auto-replay is
	// invoked instead of waiting for its schedule.
	Emulator bool

	// Only are the names of the checks to run. Empty: all.
	Only []string

	// Report is called with each result. It may be nil.
	Report func(Result)
}

// Outcome of a check.
type Outcome string

// Outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped"
)

// Result of a check.
type Result struct {
	Name    string
	Proves  string
	Outcome Outcome
	Detail  string // what was observed, what is wrong, or why it was skipped
	Took    time.Duration
}

// ErrFailed means that a check failed.
var ErrFailed = errors.New("smoke checks failed")

// How long one check may take. On a real account, most of the time is spent waiting for the schedule.
const (
	emulatorTimeout = 30 * time.Second
	accountTimeout  = 6 * time.Minute
)

// parallel is how many checks run at once, if they may.
const parallel = 4

// Run runs the checks and returns a result for each, in a fixed order. The error is ErrFailed if a check failed. Any
// other error means that the checks could not run.
func Run(ctx context.Context, cfg aws.Config, opts Options) ([]Result, error) {
	selected, err := choose(checks(), opts.Only)
	if err != nil {
		return nil, err
	}
	e, err := newEnv(cfg, opts)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(selected))
	var mu sync.Mutex
	run := func(i int) {
		r := e.run(ctx, selected[i])
		mu.Lock()
		defer mu.Unlock()
		results[i] = r
		if opts.Report != nil {
			opts.Report(r)
		}
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, c := range selected {
		if !c.alone {
			group.Go(func() error { run(i); return nil })
		}
	}
	_ = group.Wait() // no function above returns an error
	for i, c := range selected {
		if c.alone {
			run(i)
		}
	}
	return results, failed(results)
}

// Names returns the names of all checks.
func Names() []string {
	var names []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

func failed(results []Result) error {
	var names []string
	for _, r := range results {
		if r.Outcome == Failed {
			names = append(names, r.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrFailed, strings.Join(names, ", "))
}

// choose returns the checks with the given names, in their own order.
func choose(all []check, names []string) ([]check, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []check
	for _, c := range all {
		if slices.Contains(names, c.name) {
			chosen = append(chosen, c)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(all, func(c check) bool { return c.name == n }) {
			return nil, fmt.Errorf("there is no check %q", n)
		}
	}
	return chosen, nil
}

func (e *env) run(ctx context.Context, c check) Result {
	r := Result{Name: c.name, Proves: c.proves}
	if e.Emulator && c.realOnly {
		r.Outcome, r.Detail = Skipped, "on the emulator: "+c.emulator
		return r
	}
	timeout := accountTimeout
	if e.Emulator {
		timeout = emulatorTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	detail, err := c.run(ctx, e)
	r.Took = time.Since(start)
	var skip skipped
	switch {
	case errors.As(err, &skip):
		r.Outcome, r.Detail = Skipped, skip.why
	case err != nil:
		r.Outcome, r.Detail = Failed, err.Error()
	default:
		r.Outcome, r.Detail = Passed, detail
	}
	return r
}

// skipped is the error of a check that cannot run.
type skipped struct{ why string }

func (s skipped) Error() string { return "skipped: " + s.why }
