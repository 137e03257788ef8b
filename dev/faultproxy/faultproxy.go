// Package faultproxy is a proxy between the functions and an AWS endpoint. It injects the faults of networks and
// services: errors, throttling, timeouts, resets, slow answers, and answers that are lost after the effect.
package faultproxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Kind is a kind of fault.
type Kind string

// Kinds of faults. All but SlowAnswer make the SDK try again, or give up.
const (
	ServiceError Kind = "service error"   // 500 or 503 in the service's own format, without effect
	Throttle     Kind = "throttle"        // the service's own throttling error, without effect
	Timeout      Kind = "timeout"         // no answer for seconds, then the connection is closed, without effect
	Reset        Kind = "reset"           // the connection is closed at once, without effect
	SlowAnswer   Kind = "slow answer"     // the answer comes late
	LostAnswer   Kind = "answer lost"     // the request takes effect, but the connection is closed instead of an answer
	LateEffect   Kind = "effect too late" // the connection is closed; the effect follows after the client's retry
)

// Kinds returns all kinds in a fixed order.
func Kinds() []Kind {
	return []Kind{ServiceError, Throttle, Timeout, Reset, SlowAnswer, LostAnswer, LateEffect}
}

// Limits on how long a request waits.
const (
	slowLeast, slowMost = 100 * time.Millisecond, 800 * time.Millisecond
	hangLeast, hangMost = 2 * time.Second, 3 * time.Second
	// A retry of the SDK comes within a second of the first try.
	lateLeast, lateMost = 500 * time.Millisecond, 2 * time.Second
)

// Options say which endpoint is proxied, and how.
type Options struct {
	Backend string // URL of the endpoint, such as http://127.0.0.1:4566
	Seed    uint64 // of what happens to which request

	// Observe is called with each request before any fault, from many goroutines at once. It may be nil.
	Observe func(op Operation, r *http.Request, body []byte)
}

// Proxy is a running proxy on a port of the loopback interface. It starts without faults.
type Proxy struct {
	backend  *url.URL
	observe  func(Operation, *http.Request, []byte)
	client   *http.Transport
	listener net.Listener
	server   *http.Server
	served   chan struct{}
	ctx      context.Context // ends with the proxy
	close    context.CancelFunc
	late     sync.WaitGroup

	mu     sync.Mutex
	dice   dice
	faults Faults
	counts Counts
}

// Faults say how often faults happen, and to which requests.
type Faults struct {
	Rate  float64                 // share of the requests with a fault, from 0 to 1
	Kinds []Kind                  // empty: all of them
	Only  func(op Operation) bool // nil: every operation

	Refuse func(*http.Request) bool // requests that always get an error; nil: none
}

// Counts are the number of faults by operation and kind. A request without a fault counts as kind None.
type Counts map[Operation]map[Kind]int

// None is the kind of a request without a fault.
const None Kind = ""

// Start starts a proxy.
func Start(opts Options) (*Proxy, error) {
	backend, err := url.Parse(opts.Backend)
	if err != nil || backend.Host == "" {
		return nil, fmt.Errorf("backend %q must be an absolute URL", opts.Backend)
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for requests: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &Proxy{
		backend: backend, observe: opts.Observe, listener: l, served: make(chan struct{}), ctx: ctx, close: cancel,
		client: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256},
		dice:   dice{seed: opts.Seed, thrown: map[Operation]uint64{}},
		counts: Counts{},
	}
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(l) // returns when the proxy is stopped
	}()
	return p, nil
}

// Stop ends the proxy. Pending late effects are dropped.
func (p *Proxy) Stop() {
	p.close()
	p.Set(Faults{})
	_ = p.server.Close() // closes the listener too
	<-p.served
	p.late.Wait()
	p.client.CloseIdleConnections()
}

// URL is the endpoint to give to clients.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// Set changes the faults from now on. The zero value injects none.
func (p *Proxy) Set(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// Quiet injects no more faults, and returns when no late effect is pending.
func (p *Proxy) Quiet() {
	p.Set(Faults{})
	p.late.Wait()
}

// Counts returns the counts so far.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := Counts{}
	for op, kinds := range p.counts {
		all[op] = maps.Clone(kinds)
	}
	return all
}

// fate decides what happens to a request, and counts it.
func (p *Proxy) fate(r *http.Request, op Operation) throw {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.dice.roll(op, p.faults)
	if p.faults.Refuse != nil && p.faults.Refuse(r) {
		t = throw{kind: ServiceError}
	}
	if p.counts[op] == nil {
		p.counts[op] = map[Kind]int{}
	}
	p.counts[op][t.kind]++
	if t.kind == LateEffect {
		p.late.Add(1) // here, so none is added while Set waits
	}
	return t
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client ended while it sent
	}
	op := classify(r, body)
	if p.observe != nil {
		p.observe(op, r, body)
	}
	t := p.fate(r, op)
	switch t.kind {
	case ServiceError:
		op.serviceError(w, t.share)
	case Throttle:
		op.throttle(w)
	case Timeout:
		p.wait(r.Context(), t.between(hangLeast, hangMost))
		reset(w)
	case Reset:
		reset(w)
	case LateEffect:
		p.forwardLater(r, body, t.between(lateLeast, lateMost))
		reset(w)
	case LostAnswer:
		if answer, err := p.forward(p.ctx, r, body); err == nil {
			_ = answer.Body.Close()
		}
		reset(w)
	default:
		p.answer(w, r, body, t)
	}
}

// answer passes the backend's answer on, late if the fault is SlowAnswer.
func (p *Proxy) answer(w http.ResponseWriter, r *http.Request, body []byte, t throw) {
	answer, err := p.forward(r.Context(), r, body)
	if err != nil {
		reset(w) // as the client would see it
		return
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	if t.kind == SlowAnswer {
		p.wait(r.Context(), t.between(slowLeast, slowMost))
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // this fails only if the client has disconnected
}

// forward sends a request on and returns the answer with its body read.
func (p *Proxy) forward(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	target := *r.URL
	target.Scheme, target.Host = p.backend.Scheme, p.backend.Host
	out, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(body)) //nolint:gosec // handing requests on is the purpose
	if err != nil {
		return nil, err
	}
	out.Header, out.Host = r.Header.Clone(), p.backend.Host
	out.Header.Del("Connection")
	out.Header.Del("Expect") // the body is here
	answer, err := p.client.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // replaced below
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(all))
	return answer, nil
}

func (p *Proxy) forwardLater(r *http.Request, body []byte, after time.Duration) {
	late := r.Clone(p.ctx)
	go func() {
		defer p.late.Done()
		p.wait(p.ctx, after)
		if p.ctx.Err() != nil {
			return
		}
		if answer, err := p.forward(p.ctx, late, body); err == nil {
			_ = answer.Body.Close()
		}
	}()
}

// wait returns early when the client or the proxy ends.
func (p *Proxy) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-p.ctx.Done():
	}
}

// reset ends the connection without a response, as a broken network does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // ends it too
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an orderly end
	}
	_ = conn.Close()
}
