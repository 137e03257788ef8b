package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"
)

// Threads runs functions of the product side by side, in a bubble of package synctest. Each stops at every call to a
// service, until the test lets the call through and decides its fate. So the test decides the order of calls, and which
// of them fail or are slow. The same decisions give the same run.
type Threads struct {
	mu   sync.Mutex
	open []*Thread // oldest first
	at   int       // increases with every event
	stop []context.CancelFunc

	late atomic.Bool // a call takes effect after its caller gave it up
}

// Thread is a function's invocation, or an execution with the invocations of all its states.
type Thread struct {
	Name  string
	after func() // run by the test once it has ended
	calls []*turn
	ended bool
}

// invocation is an invocation of a function.
type invocation struct {
	thread *Thread
	begun  int // when, as Threads.Now counts
	dead   bool
}

type turn struct {
	of   *invocation
	what string
	fate chan Fate
}

// Fate is the outcome of a call.
type Fate int

// Fates of a call.
const (
	Works   Fate = iota
	Slow         // it takes effect, and the test decides when its answer arrives
	Refused      // the service is unavailable
	Lost         // it takes effect, its answer is lost
	Dies         // the function dies before it
	Died         // it takes effect, but the function died meanwhile
	Late         // the caller gets an error, but the call takes effect: a message seconds later
)

// underWay is how long a call continues after its caller gave it up.
const underWay = 2 * time.Second

type invocationKey struct{}

// Now increments and returns the event counter.
func (s *Threads) Now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at++
	return s.at
}

// Begun returns when the invocation of a call began, 0 outside of one.
func Begun(ctx context.Context) int {
	if inv, ok := ctx.Value(invocationKey{}).(*invocation); ok {
		return inv.begun
	}
	return 0
}

// Start begins a thread. after is run by the test, in Reap, once it has ended.
func (s *Threads) Start(ctx context.Context, name string, run func(context.Context), after func()) *Thread {
	th := &Thread{Name: name, after: after}
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.stop = append(s.stop, cancel)
	s.open = append(s.open, th)
	s.mu.Unlock()
	go func() {
		run(context.WithValue(ctx, invocationKey{}, &invocation{thread: th}))
		s.mu.Lock()
		defer s.mu.Unlock()
		th.ended = true
	}()
	synctest.Wait()
	return th
}

// Invoke runs a function within a thread, until its timeout at most, and reports whether it died.
func (s *Threads) Invoke(ctx context.Context, timeout time.Duration, do func(context.Context)) (died bool) {
	of, ok := ctx.Value(invocationKey{}).(*invocation)
	if !ok {
		do(ctx)
		return false
	}
	inv := &invocation{thread: of.thread, begun: s.Now()}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, invocationKey{}, inv), timeout)
	defer cancel()
	do(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return inv.dead || ctx.Err() != nil
}

// take waits until a call may be made.
func (s *Threads) take(ctx context.Context, what string) (Fate, error) {
	inv, ok := ctx.Value(invocationKey{}).(*invocation)
	if !ok {
		return Works, nil
	}
	t := &turn{of: inv, what: what, fate: make(chan Fate, 1)}
	s.mu.Lock()
	if inv.dead {
		s.mu.Unlock()
		return Dies, errDied
	}
	th := inv.thread
	th.calls = append(th.calls, t)
	slices.SortStableFunc(th.calls, func(a, b *turn) int { return strings.Compare(a.what, b.what) })
	s.mu.Unlock()
	select {
	case fate := <-t.fate:
		if fate == Dies {
			return fate, errDied
		}
		return fate, nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		th.calls = slices.DeleteFunc(th.calls, func(o *turn) bool { return o == t })
		return Refused, ctx.Err() //nolint:wrapcheck // as the SDK has it
	}
}

// inTurn makes a call when its turn has come.
func inTurn[T any](ctx context.Context, s *Threads, what string, do func() (T, error)) (out T, err error) {
	fate, err := s.take(ctx, what)
	if err != nil {
		return out, err
	}
	if fate == Refused {
		return out, &unavailable
	}
	if fate == Late && what == "Publish" { // writes are retried for longer than they continue
		go func() {
			time.Sleep(underWay)
			s.late.Store(true)
			defer s.late.Store(false)
			_, _ = do() // the result is discarded
		}()
		return out, &unavailable
	}
	got, err := do()
	if fate == Slow && err == nil {
		fate, err = s.take(ctx, what+", answer")
	}
	switch {
	case err != nil:
		return out, err
	case fate == Died:
		return out, errDied
	case fate != Works && fate != Slow:
		return out, &unavailable
	}
	return got, nil
}

// Open returns the threads that have not ended, oldest first.
func (s *Threads) Open() []*Thread {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.open), func(th *Thread) bool { return th.ended })
}

// Waits returns the call at which a thread waits.
func (s *Threads) Waits(th *Thread) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case th.ended:
		return "ended"
	case len(th.calls) == 0:
		return "waits for time to pass"
	}
	return "stands before " + th.calls[0].what
}

// Next lets the next call of a thread through and returns which it was, empty if the thread waits for time to pass.
func (s *Threads) Next(th *Thread, fate Fate) (what string) {
	s.mu.Lock()
	if len(th.calls) == 0 {
		s.mu.Unlock()
		return ""
	}
	t := th.calls[0]
	th.calls = th.calls[1:]
	s.at++
	if fate == Dies || fate == Died {
		t.of.dead = true
		for _, o := range th.calls {
			if o.of == t.of {
				o.fate <- Dies
			}
		}
		th.calls = slices.DeleteFunc(th.calls, func(o *turn) bool { return o.of == t.of })
	}
	s.mu.Unlock()
	t.fate <- fate
	synctest.Wait()
	return t.what
}

// Reap runs the callbacks of ended threads.
func (s *Threads) Reap() {
	for {
		s.mu.Lock()
		i := slices.IndexFunc(s.open, func(th *Thread) bool { return th.ended })
		if i < 0 {
			s.mu.Unlock()
			return
		}
		th := s.open[i]
		s.open = slices.Delete(s.open, i, i+1)
		s.mu.Unlock()
		if th.after != nil {
			th.after()
		}
	}
}

// maxCalls bounds the calls of a thread.
const maxCalls = 20_000

// Finish lets a thread run, and reports whether it reached its end.
func (s *Threads) Finish(th *Thread) bool {
	for range maxCalls {
		s.mu.Lock()
		ended := th.ended
		s.mu.Unlock()
		if ended {
			s.Reap()
			return true
		}
		if s.Next(th, Works) == "" {
			time.Sleep(50 * time.Millisecond) // until it wants to go on
			synctest.Wait()
		}
	}
	return false
}

// Abandon ends every thread, so that the bubble can end.
func (s *Threads) Abandon() {
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	for _, cancel := range stop {
		cancel()
	}
	defer time.Sleep(2 * underWay)
	for range maxCalls {
		synctest.Wait()
		if len(s.Open()) == 0 {
			return
		}
		time.Sleep(time.Second) // for those that wait for time to pass
	}
}
