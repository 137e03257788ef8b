// Package chaos runs real events through the deployed example while everything around it misbehaves, and then checks
// that no invariant was broken: nothing lost, nothing started too often, nothing old published over something new.
//
// Clocks do not jump here, since the processes share that of the machine: the tests of the engine inject theirs.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/faultproxy"
	"github.com/ce873799/replayable-ingestion/dev/iam"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/observe"
)

// Options say how much is to happen.
type Options struct {
	Dir      string        // a directory of the checkout. Default: the current one
	Seed     uint64        // of everything that is random
	Events   int           // real events, spread over the levels; at most MaxEvents
	Levels   []float64     // shares of requests that are disturbed, one after the other
	Patience time.Duration // for everything to come to rest afterwards. Default: 8 minutes
	Out      io.Writer     // what happens, and the tables
	Report   string        // file of the report, as JSON. Empty: none
}

// ErrBroken means that an invariant was broken.
var ErrBroken = errors.New("invariants are broken")

// run is one run.
type run struct {
	*observe.System
	opts     Options
	stack    *local.Stack
	calls    iam.Recorder // of functions
	proxy    *faultproxy.Proxy
	counters *counters
	began    time.Time
	pending  atomic.Int64 // deliveries in the background

	mu         sync.Mutex
	sent       map[string]Sent
	asked      map[string]string
	deleted    map[string]time.Time // resources
	deliveries map[string][]Span
}

// Run brings the dev stage up, disturbs it, and returns a report. The error is ErrBroken if an invariant was broken,
// and another one if the run itself did not work.
func Run(ctx context.Context, opts Options) (*Report, error) {
	if opts.Patience <= 0 {
		opts.Patience = 8 * time.Minute
	}
	if len(opts.Levels) == 0 || opts.Events < len(opts.Levels) || opts.Events > MaxEvents {
		return nil, fmt.Errorf("chaos needs a level and 1 to %d events for each, got %d events for %d levels",
			MaxEvents, opts.Events, len(opts.Levels))
	}
	events, err := load(opts.Seed, opts.Events)
	if err != nil {
		return nil, err
	}
	r := &run{
		opts: opts, counters: newCounters(len(opts.Levels)), began: time.Now(),
		sent: map[string]Sent{}, asked: map[string]string{}, deleted: map[string]time.Time{}, deliveries: map[string][]Span{},
	}
	r.say("seed %d: %d events, levels %v", opts.Seed, len(events), opts.Levels)
	defer r.stop()
	if err := r.bringUp(ctx); err != nil {
		return nil, fmt.Errorf("seed %d: %w", opts.Seed, err)
	}
	report, err := r.all(ctx, events)
	if err != nil {
		return nil, fmt.Errorf("seed %d: %w", opts.Seed, err)
	}
	report.print(opts.Out)
	if err := report.write(opts.Report); err != nil {
		return report, err
	}
	if len(report.Violations) > 0 {
		return report, fmt.Errorf("seed %d: %d violations: %w", opts.Seed, len(report.Violations), ErrBroken)
	}
	return report, nil
}

func (r *run) all(ctx context.Context, events []event) (*Report, error) {
	if err := r.hookAll(nil); err != nil {
		return nil, err
	}
	for n, rate := range r.opts.Levels {
		from, to := len(events)*n/len(r.opts.Levels), len(events)*(n+1)/len(r.opts.Levels)
		if err := r.storm(ctx, n, newLevel(rate), events[from:to]); err != nil {
			return nil, fmt.Errorf("at %v: %w", rate, err)
		}
	}
	stormed := time.Since(r.began)
	if err := r.rest(ctx); err != nil {
		return nil, err
	}
	rested := time.Since(r.began)
	facts, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	report := newReport(r, facts)
	report.Seconds = Seconds{Storm: seconds(stormed), Rest: seconds(rested - stormed), All: seconds(time.Since(r.began))}
	return report, nil
}

// Parts of a level, as shares of its events: EventBridge is off at first, then it loses some events, and none at last; what
// nobody reported is looked up after a minute, and a run is to end soon. In between, the geocoder is out, then it hangs.
const (
	busBack              = 0.15
	outageFrom, outageTo = 0.25, 0.40
	hangFrom, hangTo     = 0.60, 0.61
	busWell              = 0.80
)

// storm sends events while everything misbehaves.
func (r *run) storm(ctx context.Context, n int, l level, events []event) error {
	r.counters.level(n)
	r.say("%6.1f s  %v %% of the requests disturbed, %d events", time.Since(r.began).Seconds(), 100*l.Rate, len(events))
	seed := r.opts.Seed + uint64(n)<<32 //nolint:gosec // a few levels
	d, end, err := r.disturb(ctx, l, seed)
	if err != nil {
		return err
	}
	defer end()
	before := r.proxy.Counts()
	r.proxy.Set(faultproxy.Faults{Rate: l.Rate, Refuse: unkept(events)})
	part := func(from, to float64) []event {
		return events[int(from*float64(len(events))):int(to*float64(len(events)))]
	}
	asked := make(chan error, 1)
	for _, step := range []func() error{
		func() error { return r.ingest(ctx, part(0, busBack)) },
		func() error {
			d.bus.Store(busFlaky)
			return r.ingest(ctx, part(busBack, outageFrom))
		},
		func() error { return r.SetGeocoder(ctx, observe.GeocoderUnavailable) },
		func() error { return r.ingest(ctx, part(outageFrom, outageTo)) },
		func() error { return r.SetGeocoder(ctx, observe.GeocoderOK) },
		func() error {
			go func() { asked <- r.ask(ctx, seed, n, part(0, outageTo)) }()
			return r.ingest(ctx, part(outageTo, hangFrom))
		},
		func() error { return r.SetGeocoder(ctx, observe.GeocoderHang) },
		func() error { return r.ingest(ctx, part(hangFrom, hangTo)) },
		func() error { return r.SetGeocoder(ctx, observe.GeocoderOK) },
		func() error { return r.ingest(ctx, part(hangTo, busWell)) },
		func() error {
			d.bus.Store(busReliable)
			return r.ingest(ctx, part(busWell, 1))
		},
		func() error { return <-asked },
		func() error { return r.calm(ctx, len(events)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	r.counters.addFaults(before, r.proxy.Counts())
	return nil
}

func (r *run) say(format string, args ...any) {
	if r.opts.Out != nil {
		_, _ = fmt.Fprintf(r.opts.Out, format+"\n", args...)
	}
}

func (r *run) stop() {
	if r.stack != nil {
		r.stack.Stop()
	}
	if r.proxy != nil {
		r.proxy.Stop()
	}
}
