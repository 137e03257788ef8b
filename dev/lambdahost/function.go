package lambdahost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// initTimeout is how long Lambda waits for a new process to ask for its first event.
const initTimeout = 10 * time.Second

// event is one event on its way to a process.
type event struct {
	payload   []byte
	requestID string
	trace     string
}

// Hook wraps the invocation of a function. It may change, reject, delay or repeat the invocation, or drop its answer.
// It calls invoke to run the event.
type Hook func(ctx context.Context, payload []byte, invoke func(payload []byte) (Answer, error)) (Answer, error)

// function is a hosted function with its processes.
type function struct {
	Function
	given Function // without defaults
	opts  Options
	log   *os.File
	slots chan struct{} // one per event being handled

	running chan struct{} // one per event that the host handles; nil: any number

	mu      sync.Mutex
	idle    []*process // the most recently used last
	live    map[*process]struct{}
	invoked int
	paused  chan struct{} // nil, or closed when the pause ends
	hook    Hook
	stopped bool
}

func newFunction(fn Function, opts Options, running chan struct{}) (*function, error) {
	given := fn
	if fn.FunctionName == "" {
		fn.FunctionName = fn.Name
	}
	if fn.LogGroup == "" {
		fn.LogGroup = "/aws/lambda/" + fn.FunctionName
	}
	log, err := openLog(opts.LogDir, fn.Name)
	if err != nil {
		return nil, err
	}
	return &function{
		Function: fn, given: given, opts: opts, log: log,
		slots: make(chan struct{}, max(fn.MaxProcesses, 1)),
		live:  map[*process]struct{}{},

		running: running,
	}, nil
}

var errStopped = errors.New("the Lambda host is stopped")

// invoke waits for a free slot and for the end of a pause. Then it runs the event, through the hook if there is one.
func (f *function) invoke(ctx context.Context, ev event) (Answer, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	hook, err := f.admit(ctx)
	if err != nil {
		return Answer{}, err
	}
	run := func(payload []byte) (Answer, error) {
		return f.run(ctx, event{payload: payload, requestID: ev.requestID, trace: ev.trace})
	}
	if hook != nil {
		return hook(ctx, ev.payload, run)
	}
	return run(ev.payload)
}

func (f *function) admit(ctx context.Context) (Hook, error) {
	for {
		f.mu.Lock()
		paused, hook, stopped := f.paused, f.hook, f.stopped
		f.mu.Unlock()
		switch {
		case stopped:
			return nil, errStopped
		case paused == nil:
			return hook, nil
		}
		select {
		case <-paused:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// run gives the event to a process. A process that ended before it took the event is replaced. It is the function's
// error only if a new process cannot take the event.
func (f *function) run(ctx context.Context, ev event) (Answer, error) {
	if f.running != nil {
		select {
		case f.running <- struct{}{}:
			defer func() { <-f.running }()
		default:
			return Answer{}, ErrTooManyRequests
		}
	}
	f.mu.Lock()
	f.invoked++
	f.mu.Unlock()
	for {
		p, fresh, err := f.acquire()
		if err != nil {
			return Answer{}, err
		}
		answer, taken, err := p.handle(ctx, ev)
		f.release(p)
		if err != nil || taken || fresh {
			f.note(answer)
			return answer, err
		}
	}
}

// note writes failures to the log, like the lines of the Lambda platform. A crash or a timeout itself prints nothing.
func (f *function) note(a Answer) {
	if a.Failed {
		_, _ = fmt.Fprintf(f.log, "{\"type\":\"platform.error\",\"record\":%s}\n", a.Payload)
	}
}

// acquire returns an idle process, or starts one.
func (f *function) acquire() (p *process, fresh bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return nil, false, errStopped
	}
	if n := len(f.idle); n > 0 {
		p, f.idle = f.idle[n-1], f.idle[:n-1]
		return p, false, nil
	}
	p, err = startProcess(f)
	if err != nil {
		return nil, false, err
	}
	f.live[p] = struct{}{}
	return p, true, nil
}

// release keeps a healthy process warm and forgets an ended one.
func (f *function) release(p *process) {
	f.mu.Lock()
	healthy := !p.ended() && !f.stopped
	if healthy {
		f.idle = append(f.idle, p)
	} else {
		delete(f.live, p)
	}
	f.mu.Unlock()
	if !healthy {
		p.stop()
	}
}

// kill ends the running processes and returns their number.
func (f *function) kill() int {
	f.mu.Lock()
	var doomed []*process
	for p := range f.live {
		doomed = append(doomed, p)
	}
	f.idle = slices.DeleteFunc(f.idle, func(p *process) bool {
		delete(f.live, p)
		return true
	})
	f.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range doomed {
		wg.Go(p.stop)
	}
	wg.Wait()
	return len(doomed)
}

func (f *function) stop() {
	f.mu.Lock()
	f.stopped = true
	if f.paused != nil {
		close(f.paused)
		f.paused = nil
	}
	f.mu.Unlock()
	f.kill()
	_ = f.log.Close() // an append-only file has nothing buffered
}
