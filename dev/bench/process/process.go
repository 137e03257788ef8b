// Package process starts a function's program as Lambda does, behind a Runtime API of its own. It measures the time
// until the program asks for its first event, and the memory that it takes.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/proc"
)

// ErrNotReady means that a program did not ask for an event in time, or ended before.
var ErrNotReady = errors.New("the program asked for no event")

// initTimeout is how long Lambda waits for a new process.
const initTimeout = 10 * time.Second

// Process is a program that has asked for its first event.
type Process struct {
	// Ready is how long it took from exec to the first poll.
	Ready time.Duration

	child   *proc.Process
	server  *http.Server
	polled  chan time.Time
	events  chan []byte
	answers chan answer
}

type answer struct {
	body   []byte
	failed bool
}

// Start starts a program with the variables that Lambda sets and those given, and waits for its first poll.
func Start(ctx context.Context, argv []string, env map[string]string) (*Process, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the runtime: %w", err)
	}
	p := &Process{polled: make(chan time.Time, 1), events: make(chan []byte), answers: make(chan answer, 1)}
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(l) }() // returns when the process is stopped
	var said bytes.Buffer
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // running that program is the purpose
	cmd.Env = environ(l.Addr().String(), env)
	cmd.Stderr = &said
	began := time.Now()
	if p.child, err = proc.Start(cmd); err != nil {
		_ = p.server.Close() // closes the listener too
		return nil, err
	}
	timeout := time.NewTimer(initTimeout)
	defer timeout.Stop()
	select {
	case at := <-p.polled:
		p.Ready = at.Sub(began)
		return p, nil
	case <-p.child.Done():
		err = fmt.Errorf("%s: %s: %w", argv[0], strings.TrimSpace(said.String()), ErrNotReady)
	case <-timeout.C:
		err = fmt.Errorf("%s: %w", argv[0], ErrNotReady)
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.Stop()
	return nil, err
}

func environ(runtime string, vars map[string]string) []string {
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + runtime, "AWS_LAMBDA_FUNCTION_NAME=function", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"_HANDLER=bootstrap", "PATH=" + os.Getenv("PATH"), "TZ=:UTC", "LANG=en_US.UTF-8",
	}
	for k, v := range vars {
		env = append(env, k+"="+v)
	}
	return env
}

// Invoke runs one event. An error of the function is ErrFunction.
func (p *Process) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	select {
	case p.events <- payload:
	case <-p.child.Done():
		return nil, fmt.Errorf("%w: the process has ended: %s", ErrFunction, p.child.ExitState())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-p.answers:
		if a.failed {
			return nil, fmt.Errorf("%w: %s", ErrFunction, a.body)
		}
		return a.body, nil
	case <-p.child.Done():
		return nil, fmt.Errorf("%w: the process has ended: %s", ErrFunction, p.child.ExitState())
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ErrFunction means that the function failed.
var ErrFunction = errors.New("the function failed")

// Stop ends the process.
func (p *Process) Stop() {
	p.child.Kill()
	_ = p.server.Close() // nothing is left to report to
}

// PeakMemory is the largest resident set of the process since it started, in bytes.
func (p *Process) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.child.Pid()))
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	value, _, _ := strings.Cut(rest, " kB")
	kb, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read memory: %w", err)
	}
	return kb << 10, nil
}

// routes are what a function calls of the Lambda Runtime API, version 2018-06-01.
func (p *Process) routes() http.Handler {
	const base = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case p.polled <- time.Now():
		default: // not the first
		}
		select {
		case payload := <-p.events:
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", "request")
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(15*time.Minute).UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:function")
			_, _ = w.Write(payload) // if the process has gone, its end says so
		case <-r.Context().Done():
		}
	})
	take := func(failed bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // the process ended while it answered
			}
			w.WriteHeader(http.StatusAccepted)
			p.answers <- answer{body, failed}
		}
	}
	mux.HandleFunc("POST "+base+"{id}/response", take(false))
	mux.HandleFunc("POST "+base+"{id}/error", take(true))
	return mux
}
