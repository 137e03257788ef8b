package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

var backlog = flag.Int("backlog", 3000, "ends of executions that a new account has to record")

const (
	newAccount   = 10                    // concurrent executions of Lambda
	livePerSec   = 5                     // events
	recordDelay  = 15 * time.Second      // the longest that the Retry of Record waits in all: 1 + 2 + 4 + 8 seconds
	handling     = 50 * time.Millisecond // of a function, beside its calls
	pollerPauses = 50 * time.Millisecond // of a poller whose invocation was refused; Lambda waits longer
)

// A new account runs ten functions at once. Ends of executions have piled up, replays are going on, auto-replay runs, and
// live events come in. The queues leave the events room: Record is never refused for longer than its state tries again.
func TestANewAccountRecordsLiveEventsDuringABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newSmallAccount(t)
		bodies := a.ended(*backlog)
		began := time.Now()
		done := make(chan struct{})
		for range config.ReplaysConcurrency + 1 { // always busy, and auto-replay's
			a.under.Go(func() { a.occupy(done) })
		}
		var live, outcomes sync.WaitGroup
		a.under.Go(func() { a.produce(&live, done) })
		for range config.OutcomesConcurrency {
			outcomes.Go(func() { a.work(&bodies) })
		}
		outcomes.Wait()
		took := time.Since(began)
		close(done)
		a.under.Wait()
		live.Wait()
		a.check(*backlog)
		slices.Sort(a.delays)
		t.Logf("%d outcomes recorded in %s of simulated time; %d live events recorded meanwhile, the median after %s, the last after %s; "+
			"%d refusals of Record, %d of Publish, %d of Tracker", *backlog, took.Round(time.Second), len(a.delays),
			a.delays[len(a.delays)/2].Round(time.Millisecond), a.delays[len(a.delays)-1].Round(time.Millisecond),
			a.refused[simtest.Record], a.refused[simtest.Publish], a.refused[simtest.Tracker])
	})
}

// smallAccount is an engine whose functions share the concurrency of a new account.
type smallAccount struct {
	*testing.T
	e     *Engine
	under sync.WaitGroup

	mu      sync.Mutex
	rng     *rand.Rand
	running int
	refused map[string]int
	delays  []time.Duration // of Record, from the start of its execution
	waiting sync.Mutex      // of the outcomes queue
}

func newSmallAccount(t *testing.T) *smallAccount {
	table := awstest.NewContended(awstest.NewTable(), 0, func() time.Duration { return 0 })
	bucket := awstest.NewBucket()
	bucket.Now = time.Now
	e := wire(t, table, bucket, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour}, slog.New(slog.DiscardHandler))
	a := &smallAccount{T: t, e: e, rng: rand.New(rand.NewPCG(1, 2)), refused: map[string]int{}} //nolint:gosec // a test's dice
	return a
}

// ended runs executions to their end, without a limit, and returns what EventBridge says of them.
func (a *smallAccount) ended(n int) (bodies []string) {
	for i := range n {
		a.e.Ingest(fmt.Sprint("past-", i), fmt.Sprintf(`{"id":"past-%d"}`, i))
	}
	for _, end := range a.e.TakeEnds() {
		bodies = append(bodies, end.Message)
	}
	table, ok := a.e.table.(*awstest.Contended)
	if !ok {
		a.Fatalf("got %T", a.e.table)
	}
	table.Takes, table.Transacts = 5*time.Millisecond, func() time.Duration { return 10 * time.Millisecond }
	a.e.Invoke = a.invoke
	return bodies
}

// invoke is Lambda. A state of the state machine tries again as its Retry says, with full jitter.
func (a *smallAccount) invoke(ctx context.Context, function string, do func(context.Context) error) error {
	began := time.Now()
	for wait := time.Second; ; wait *= 2 {
		err := a.run(ctx, function, do)
		tries := function == simtest.Record || function == simtest.Publish
		if !tries || !refusedByLambda(err) || wait > recordDelay/2+time.Second {
			if err == nil && function == simtest.Record {
				a.mu.Lock()
				a.delays = append(a.delays, time.Since(began))
				a.mu.Unlock()
			}
			return err
		}
		time.Sleep(time.Duration(a.random() * float64(wait)))
	}
}

func (a *smallAccount) random() float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rng.Float64()
}

var errTooMany = messages.InvokeResponse_Error{Type: "Lambda.TooManyRequestsException", Message: "Rate Exceeded."}

func refusedByLambda(err error) bool {
	var named messages.InvokeResponse_Error
	return errors.As(err, &named) && named.Type == errTooMany.Type
}

func (a *smallAccount) run(ctx context.Context, function string, do func(context.Context) error) error {
	a.mu.Lock()
	if a.running == newAccount {
		a.refused[function]++
		a.mu.Unlock()
		return errTooMany
	}
	a.running++
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.running--
		a.mu.Unlock()
	}()
	time.Sleep(handling)
	return do(ctx)
}

// occupy holds one concurrent execution, with invocations that follow each other.
func (a *smallAccount) occupy(done chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		err := a.run(a.Context(), simtest.ReplayListener, func(context.Context) error { return nil })
		if err != nil {
			time.Sleep(pollerPauses)
		}
	}
}

// produce starts executions for live events, which come at random.
func (a *smallAccount) produce(live *sync.WaitGroup, done chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-time.After(time.Duration(a.exponential() / livePerSec * float64(time.Second))):
		}
		name := fmt.Sprint("live-", i)
		if err := a.e.World.Ingest(name, fmt.Sprintf(`{"id":"live-%d"}`, i)); err != nil {
			a.Error(err)
		}
		live.Go(func() { a.e.Machine.Run(a.Context(), name) })
	}
}

func (a *smallAccount) exponential() float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rng.ExpFloat64()
}

// work is a poller of the outcomes queue.
func (a *smallAccount) work(bodies *[]string) {
	for {
		a.waiting.Lock()
		n := min(simtest.BatchSize, len(*bodies))
		batch := (*bodies)[:n:n]
		*bodies = (*bodies)[n:]
		a.waiting.Unlock()
		if n == 0 {
			return
		}
		for {
			err := a.run(a.Context(), simtest.Tracker, func(ctx context.Context) error {
				answer, err := a.e.Tracker.Handle(ctx, simtest.Batch(batch...))
				if len(answer.BatchItemFailures) > 0 {
					err = errors.Join(err, fmt.Errorf("%d outcomes: %w", len(answer.BatchItemFailures), simtest.ErrRefused))
				}
				return err
			})
			if err == nil {
				break
			}
			if !refusedByLambda(err) {
				a.Error(err)
				return
			}
			time.Sleep(pollerPauses)
		}
	}
}

// check compares what is recorded with what happened.
func (a *smallAccount) check(past int) {
	a.Helper()
	for _, name := range a.e.Machine.Names("live-") {
		if x := a.e.Machine.Execution(name); x.Status != "SUCCEEDED" {
			a.Errorf("%s: got %s, %s: the event was not recorded in time", name, x.Status, x.Error)
		}
		if row, err := a.e.Plain.Executions.Get(a.Context(), name); err != nil || row.VersionID == "" {
			a.Errorf("%s: got row %+v, %v, want its event recorded", name, row, err)
		}
	}
	if n := len(a.e.Machine.Names("live-")); n != len(a.delays) {
		a.Errorf("%d of %d live events were recorded", len(a.delays), n)
	}
	for i := range past {
		if row, err := a.e.Plain.Executions.Get(a.Context(), fmt.Sprint("past-", i)); err != nil || row.Status != domain.Succeeded {
			a.Fatalf("past-%d: got %s, %v, want its outcome recorded", i, row.Status, err)
		}
	}
}
