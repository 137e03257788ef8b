// Package lambdahost runs compiled bootstraps as Lambda does: warm processes behind the documented Runtime API, one
// event at a time in each, timeouts enforced, output kept. The emulator calls it over HTTP instead of its own executor.
// That one starts a process per call, serves one event several times and loses the output.
package lambdahost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Headers between the emulator and the host. The error header is from Lambda's Invoke API.
const (
	requestIDHeader     = "X-Amzn-Lambda-Request-Id"
	traceHeader         = "X-Amzn-Trace-Id"
	functionErrorHeader = "X-Amz-Function-Error"
)

// Options are what all functions of a host share.
type Options struct {
	LogDir      string // gets <function>.log; must exist
	EndpointURL string // AWS_ENDPOINT_URL of the functions; empty: not set
	Region      string

	// Concurrency is how many events all functions together handle at once. Further events are refused. 0: any number.
	Concurrency int
}

// Function is one function's configuration.
type Function struct {
	Name         string // key for the host's methods, and name of the log file
	FunctionName string // AWS_LAMBDA_FUNCTION_NAME; empty: Name
	ARN          string
	Bootstrap    string // path of the program
	Args         []string
	Handler      string
	LogGroup     string // empty: /aws/lambda/<function name>
	MemoryMB     int
	Timeout      time.Duration
	Env          map[string]string
	MaxProcesses int // events handled at once; further events wait. 0: 1
}

// Answer is what an invocation returned. If Failed, Payload is the function's error object.
type Answer struct {
	Payload []byte
	Failed  bool
}

// Host serves functions on a port of the loopback interface.
type Host struct {
	opts     Options
	listener net.Listener
	server   *http.Server
	served   chan struct{}
	close    context.CancelFunc
	ctx      context.Context // ends with the host; as in Lambda, an invocation outlives its caller's connection

	running chan struct{} // one per event being handled; nil: any number

	mu        sync.Mutex
	functions map[string]*function
}

// Start starts a host without functions.
func Start(opts Options) (*Host, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for invocations: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &Host{opts: opts, listener: l, served: make(chan struct{}), ctx: ctx, close: cancel, functions: map[string]*function{}}
	h.server = &http.Server{Handler: http.HandlerFunc(h.serve), ReadHeaderTimeout: time.Minute}
	if opts.Concurrency > 0 {
		h.running = make(chan struct{}, opts.Concurrency)
	}
	go func() {
		defer close(h.served)
		_ = h.server.Serve(l) // returns when the host is stopped
	}()
	return h, nil
}

// Stop ends all processes and rejects further events.
func (h *Host) Stop() {
	h.close()
	_ = h.server.Close() // closes the listener too
	<-h.served
	for _, f := range h.all() {
		f.stop()
	}
}

// Add registers a function. Processes start with the first event.
func (h *Host) Add(fn Function) error {
	f, err := h.make(fn)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.functions[fn.Name]; ok {
		return errors.Join(fmt.Errorf("function %q is already hosted", fn.Name), f.log.Close())
	}
	h.functions[fn.Name] = f
	return nil
}

// Put replaces the function with the same name, unless the two are equal. Events in progress fail.
func (h *Host) Put(fn Function) error {
	f, err := h.make(fn)
	if err != nil {
		return err
	}
	h.mu.Lock()
	old := h.functions[fn.Name]
	if old != nil && reflect.DeepEqual(old.given, fn) {
		h.mu.Unlock()
		return f.log.Close()
	}
	h.functions[fn.Name] = f
	h.mu.Unlock()
	if old != nil {
		old.stop()
	}
	return nil
}

func (h *Host) make(fn Function) (*function, error) {
	if fn.Timeout <= 0 || fn.Name == "" || fn.Bootstrap == "" {
		return nil, fmt.Errorf("function %q needs a name, a bootstrap and a timeout", fn.Name)
	}
	return newFunction(fn, h.opts, h.running)
}

// URL is the address to which events of a function are posted.
func (h *Host) URL(name string) string {
	return "http://" + h.listener.Addr().String() + "/" + name
}

func (h *Host) function(name string) (*function, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.functions[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrUnknownFunction, name)
	}
	return f, nil
}

func (h *Host) all() []*function {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*function
	for _, f := range h.functions {
		all = append(all, f)
	}
	return all
}

// ErrUnknownFunction means that the host has no function with that name.
var ErrUnknownFunction = errors.New("no such function")

// ErrTooManyRequests means that as many events are being handled as the host handles at once.
var ErrTooManyRequests = errors.New("rate exceeded: the account's concurrent executions of Lambda are used up")

// Invoke runs one event. An error means that the host could not run it. An error of the function is an Answer.
func (h *Host) Invoke(ctx context.Context, name string, payload []byte) (Answer, error) {
	f, err := h.function(name)
	if err != nil {
		return Answer{}, err
	}
	return f.invoke(ctx, event{payload: payload, requestID: newRequestID(), trace: newTraceID()})
}

// serve answers as Lambda's Invoke API does: 200 even for an error of the function, which a header marks.
func (h *Host) serve(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f, err := h.function(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	ev := event{payload: payload, requestID: r.Header.Get(requestIDHeader), trace: r.Header.Get(traceHeader)}
	if ev.requestID == "" {
		ev.requestID = newRequestID()
	}
	if ev.trace == "" {
		ev.trace = newTraceID()
	}
	answer, err := f.invoke(h.ctx, ev)
	if errors.Is(err, ErrTooManyRequests) {
		http.Error(w, err.Error(), http.StatusTooManyRequests)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if answer.Failed {
		w.Header().Set(functionErrorHeader, "Unhandled")
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer.Payload) // this fails only if the caller has disconnected
}

// functionError is the object that Lambda returns for a failed event.
func functionError(errorType, format string, args ...any) Answer {
	payload, err := json.Marshal(map[string]string{"errorType": errorType, "errorMessage": fmt.Sprintf(format, args...)})
	if err != nil {
		panic(err) // strings always marshal
	}
	return Answer{Payload: payload, Failed: true}
}

func openLog(dir, name string) (*os.File, error) {
	path := dir + string(os.PathSeparator) + name + ".log"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // below the run's log directory
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	return f, nil
}
