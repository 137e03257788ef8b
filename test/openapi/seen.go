package openapi

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// Place is where a documented answer is shown.
type Place string

// Places.
const (
	Deployed Place = "the deployed API, in test/e2e"
	Handler  Place = "the function's handler with broken services behind it, in test/openapi"
	Gateway  Place = "the templates of API Gateway's own answers, in test/synth"
)

// PlaceOf says where answers with a status are shown, empty for one that nothing shows. The emulator has neither faults
// of AWS services nor answers of API Gateway in the form of their templates.
func PlaceOf(status int) Place {
	switch status {
	case 200, 202, 400, 404, 409, 422:
		return Deployed
	case 500, 503:
		return Handler
	case 403, 413, 429, 502, 504:
		return Gateway
	default:
		return ""
	}
}

// Missing lists the documented answers that a place has to show and that were not seen.
func (d *Document) Missing(place Place, seen map[Pair]bool) (missing []Pair) {
	for _, p := range d.Pairs() {
		if PlaceOf(p.Status) == place && !seen[p] {
			missing = append(missing, p)
		}
	}
	return missing
}

// Watcher holds every answer to a client's requests against the document. One that does not fit becomes an error.
type Watcher struct {
	doc  *Document
	base string // path of the API, stage included
	next http.RoundTripper

	mu   sync.Mutex
	seen map[Pair]bool
}

// Watch returns a Watcher of the API whose URL has a path, such as /v1.
func (d *Document) Watch(path string, next http.RoundTripper) *Watcher {
	return &Watcher{doc: d, base: strings.TrimSuffix(path, "/"), next: next, seen: map[Pair]bool{}}
}

// RoundTrip sends a request and checks its answer.
func (w *Watcher) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		return nil, fmt.Errorf("close answer: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	pair, err := w.doc.Check(Answer{
		Method: req.Method, Path: strings.TrimPrefix(req.URL.Path, w.base), Status: resp.StatusCode, Header: resp.Header, Body: body,
	})
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[pair] = true
	return resp, nil
}

// Seen returns the answers so far.
func (w *Watcher) Seen() map[Pair]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.seen)
}
