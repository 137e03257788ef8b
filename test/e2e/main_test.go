package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/local"
)

// maxAttempts is how many automatic replays an event of the shared stack gets.
const maxAttempts = 2

// atOnce is how many tests wait for the emulator at the same time, unless -parallel says otherwise. Tests that break a part of the
// shared stack, or that count all of something, are not parallel: they run before the others.
const atOnce = "8"

// sys is the stack that most tests share. Each uses resource ids of its own.
var sys *system

func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	if lookup("test.list") != "" {
		return m.Run()
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer stacks.stopAll()
	go stopEarly(ctx)

	shared, err := stacks.start(ctx, local.Options{Env: map[string]map[string]string{
		"AutoReplay": {"MAX_ATTEMPTS": fmt.Sprint(maxAttempts), "BACKOFF_BASE": "1s", "MAX_BACKOFF": "1s", "SETTLE_AFTER": "10s"},
	}})
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot bring the stack up: %v\n", err)
		return 1
	}
	if sys, err = newSystem(shared); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if selected("TestTheDemoTellsItsStory") {
		story.begin(func() (demoResult, error) { return tellStory(ctx) })
	}
	if selected("TestTheTourShowsWhatReplayctlSays") || selected("TestTheBlocksForCurlReplayThePast") {
		tour.begin(func() (tourResult, error) { return takeTour(ctx) })
	}
	if selected("TestAnExistingStateMachine") || selected("TestAFunctionOfTheUserTransforms") {
		orders.begin(func() (*system, error) { return bringUpOrders(ctx) })
	}
	if selected("TestTheMetricsAddUp") {
		metered.begin(func() (*system, error) { return bringUpMetered(ctx) })
	}
	code = m.Run()
	if err := noted.check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code != 0 {
		fmt.Fprintf(os.Stderr, "logs of the stacks: %s\n", strings.Join(stacks.logs(), ", "))
	}
	return code
}

// stopEarly stops the stacks when the tests are interrupted, or shortly before go test kills them. Whatever ends this
// process otherwise, the kernel ends its children.
func stopEarly(ctx context.Context) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	var late <-chan time.Time
	if d, err := time.ParseDuration(lookup("test.timeout")); err == nil && d > 0 {
		late = time.After(d - d/20)
	}
	why := "the time limit is near"
	select {
	case <-ctx.Done():
		return
	case s := <-interrupted:
		why = s.String()
	case <-late:
	}
	fmt.Fprintf(os.Stderr, "stopped: %s; logs of the stacks: %s\n", why, strings.Join(stacks.logs(), ", "))
	stacks.stopAll()
	os.Exit(1)
}

func lookup(name string) string {
	if f := flag.Lookup(name); f != nil {
		return f.Value.String()
	}
	return ""
}

// selected reports whether -run selects a test: what takes long in the background is not begun for others.
func selected(test string) bool {
	pattern, _, _ := strings.Cut(lookup("test.run"), "/")
	matched, err := regexp.MatchString(pattern, test)
	return err != nil || matched
}

// running are the stacks that run.
type running struct {
	starts sync.Mutex // one deployment at a time: they compile
	mu     sync.Mutex
	all    []*local.Stack
	closed bool
}

var stacks running

func (r *running) start(ctx context.Context, opts local.Options) (*local.Stack, error) {
	r.starts.Lock()
	defer r.starts.Unlock()
	s, err := noted.start(ctx, opts)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		s.Stop()
		return nil, errors.New("the tests are over")
	}
	r.all = append(r.all, s)
	return s, nil
}

func (r *running) stopAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	var group sync.WaitGroup
	for _, s := range r.all {
		group.Go(s.Stop)
	}
	group.Wait()
	noted.stop()
}

func (r *running) logs() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var dirs []string
	for _, s := range r.all {
		dirs = append(dirs, s.LogDir)
	}
	return dirs
}

// task is work that begins before the tests, because it takes long, and that one of them waits for.
type task[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func (k *task[T]) begin(work func() (T, error)) {
	k.done = make(chan struct{})
	go func() {
		defer close(k.done)
		k.value, k.err = work()
	}()
}

func (k *task[T]) wait(t *testing.T) T {
	t.Helper()
	if k.done == nil {
		t.Fatal("not begun: TestMain does not know this test by its name")
	}
	<-k.done
	if k.err != nil {
		t.Fatal(k.err)
	}
	return k.value
}
