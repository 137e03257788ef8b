package lambdahost

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// process is one running bootstrap with the Runtime API it talks to. Each has its own port, because
// AWS_LAMBDA_RUNTIME_API is a host and a port without a path.
type process struct {
	fn     *function
	child  *proc.Process
	server *http.Server
	served chan struct{}
	events chan *invocation // unbuffered: handed over when the process asks for the next event
	began  time.Time
	polled chan time.Time // when it first asked for an event

	mu      sync.Mutex
	current *invocation
	initErr *Answer // posted to init/error
}

// invocation is an event that a process works on.
type invocation struct {
	event
	answer chan Answer // takes one; further answers are refused
}

func startProcess(f *function) (*process, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime of %s: %w", f.Name, err)
	}
	p := &process{fn: f, events: make(chan *invocation), served: make(chan struct{}), polled: make(chan time.Time, 1)}
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(l) // returns when the process is stopped
	}()
	cmd := exec.Command(f.Bootstrap, f.Args...) //nolint:gosec // running that program is the purpose
	cmd.Dir = filepath.Dir(f.Bootstrap)
	cmd.Env = f.environ(l.Addr().String())
	cmd.Stdout, cmd.Stderr = f.log, f.log
	p.began = time.Now()
	p.child, err = proc.Start(cmd)
	if err != nil {
		_ = p.server.Close() // also closes the listener
		return nil, err
	}
	return p, nil
}

// handle runs one event. taken says whether the process received it. If not, another process may run it, and no event
// runs twice.
func (p *process) handle(ctx context.Context, ev event) (answer Answer, taken bool, err error) {
	inv := &invocation{event: ev, answer: make(chan Answer, 1)}
	init := time.NewTimer(initTimeout)
	defer init.Stop()
	select {
	case p.events <- inv:
	case <-p.child.Done():
		return p.initFailure(ev.requestID), false, nil
	case <-init.C:
		p.child.Kill()
		return functionError("Sandbox.Timedout", "RequestId: %s Error: Init phase timed out after %.2f seconds",
			ev.requestID, initTimeout.Seconds()), true, nil
	case <-ctx.Done():
		return Answer{}, false, ctx.Err()
	}
	answer, err = p.await(ctx, inv)
	return answer, true, err
}

// await waits for the answer. The time limit starts when the process gets the event; starting it does not count.
func (p *process) await(ctx context.Context, inv *invocation) (Answer, error) {
	timeout := time.NewTimer(p.fn.Timeout)
	defer timeout.Stop()
	select {
	case a := <-inv.answer:
		return a, nil
	case <-timeout.C:
		p.child.Kill()
		return functionError("Sandbox.Timedout", "RequestId: %s Error: Task timed out after %.2f seconds",
			inv.requestID, p.fn.Timeout.Seconds()), nil
	case <-p.child.Done():
		select {
		case a := <-inv.answer: // it answered before it ended
			return a, nil
		default:
			return p.exitError(inv.requestID), nil
		}
	case <-ctx.Done():
		p.child.Kill()
		return Answer{}, ctx.Err()
	}
}

// initFailure is the answer for a process that ended before its first event.
func (p *process) initFailure(requestID string) Answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.initErr != nil {
		return *p.initErr
	}
	return p.exitError(requestID)
}

func (p *process) exitError(requestID string) Answer {
	if p.child.Err() == nil {
		return functionError("Runtime.ExitError", "RequestId: %s Error: Runtime exited without providing a reason", requestID)
	}
	return functionError("Runtime.ExitError", "RequestId: %s Error: Runtime exited with error: %s", requestID, p.child.ExitState())
}

func (p *process) ended() bool {
	select {
	case <-p.child.Done():
		return true
	default:
		return false
	}
}

// stop kills the process without a signal to shut down, as Lambda does.
func (p *process) stop() {
	p.child.Kill()
	_ = p.server.Close()
	<-p.served
}
