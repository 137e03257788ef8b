package lambdahost

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// routes are the four calls of the Lambda Runtime API, version 2018-06-01.
func (p *process) routes() http.Handler {
	const base = "/2018-06-01/runtime"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/invocation/next", p.next)
	mux.HandleFunc("POST "+base+"/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, false) })
	mux.HandleFunc("POST "+base+"/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, true) })
	mux.HandleFunc("POST "+base+"/init/error", p.initError)
	return mux
}

// next returns the next event, and waits until there is one.
func (p *process) next(w http.ResponseWriter, r *http.Request) {
	select {
	case p.polled <- time.Now():
	default: // not the first
	}
	var inv *invocation
	select {
	case inv = <-p.events:
	case <-r.Context().Done(): // the process ended while it waited
		return
	}
	p.mu.Lock()
	p.current = inv
	p.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.requestID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(p.fn.Timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", p.fn.ARN)
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	_, _ = w.Write(inv.payload) // if the process has ended, its exit is handled elsewhere
}

// answer takes the result of the current event. A result for another event, or a second result, is rejected.
func (p *process) answer(w http.ResponseWriter, r *http.Request, failed bool) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return // the process ended while it answered
	}
	p.mu.Lock()
	inv := p.current
	if inv == nil || inv.requestID != r.PathValue("id") {
		p.mu.Unlock()
		refuse(w, "InvalidRequestID", "Invalid request ID")
		return
	}
	p.current = nil
	p.mu.Unlock()
	// This comes first. A process may end as soon as its answer is acknowledged, and that must not count as a crash.
	inv.answer <- Answer{Payload: payload, Failed: failed}
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func (p *process) initError(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.initErr = &Answer{Payload: payload, Failed: true}
	p.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

func refuse(w http.ResponseWriter, errorType, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": errorType, "errorMessage": message})
}
