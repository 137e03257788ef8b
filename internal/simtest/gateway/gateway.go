// Package gateway simulates API Gateway in front of the replay API's handler. It checks signatures, routes, and answers
// with problems. So tests run clients over HTTP against the deployed handler.
package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Handler is the function behind the API.
type Handler interface {
	Handle(ctx context.Context, req events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error)
}

// Credentials that the gateway accepts, and its Region.
const (
	AccessKey = "oncall"
	SecretKey = "test"
	Region    = "us-east-1"
	Caller    = "arn:aws:sts::000000000000:assumed-role/oncall/ada"
)

// Gateway is a running API.
type Gateway struct {
	URL string // with the stage

	handler Handler
	now     func() time.Time

	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool
	calls  []string
}

// Serve starts a gateway that ends with the test. now is its clock.
func Serve(t testing.TB, handler Handler, now func() time.Time) *Gateway {
	t.Helper()
	g := &Gateway{handler: handler, now: now}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.URL = server.URL + "/v1"
	return g
}

// Before sees each request first. A request that it answers does not reach the handler.
func (g *Gateway) Before(answer func(w http.ResponseWriter, r *http.Request) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before = answer
}

// Calls lists the requests so far, such as "GET /replays?limit=100".
func (g *Gateway) Calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.calls...)
}

// ServeHTTP answers a request as API Gateway does.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.calls = append(g.calls, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/v1"))
	before := g.before
	g.mu.Unlock()
	w.Header().Set("Date", g.now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Amzn-Requestid", "request-1")
	if before != nil && before(w, r) {
		return
	}
	g.answer(w, r)
}

// Apply runs a request and discards the answer.
func (g *Gateway) Apply(r *http.Request) { g.answer(httptest.NewRecorder(), r) }

func (g *Gateway) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		Refuse(w, http.StatusBadRequest, "", "the body could not be read")
		return
	}
	if kind, detail := g.unsigned(r, body); kind != "" {
		Refuse(w, http.StatusForbidden, kind, detail)
		return
	}
	req, found := routed(r, body)
	if !found {
		Refuse(w, http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
		return
	}
	answer, err := g.handler.Handle(r.Context(), req)
	if err != nil {
		Refuse(w, http.StatusBadGateway, "", err.Error())
		return
	}
	for name, value := range answer.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = io.WriteString(w, answer.Body)
}

// Refuse answers with a problem, as the construct has API Gateway do it.
func Refuse(w http.ResponseWriter, status int, kind, detail string) {
	w.Header().Set("Content-Type", replay.ProblemType)
	if kind != "" {
		w.Header().Set("X-Amzn-Errortype", kind)
	}
	w.WriteHeader(status)
	b, err := json.Marshal(replay.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, RequestID: "request-1",
	})
	if err != nil {
		panic(fmt.Errorf("encode a problem: %w", err)) // a struct of strings
	}
	_, _ = w.Write(b)
}

// routes are those of the construct's API.
var routes = []string{
	"POST /replays", "GET /replays", "GET /replays/{replayId}", "GET /replays/{replayId}/items",
	"GET /replays/{replayId}/evidence", "POST /replays/{replayId}/cancel",
	"GET /resources", "GET /executions", "POST /versions", "GET /versions", "GET /versions/{versionId}", "GET /failures",
	"GET /failures/groups", "POST /failures/close", "POST /failures/reopen",
	"POST /replays/{replayId}/pause", "POST /replays/{replayId}/resume", "PATCH /replays/{replayId}", "GET /controls", "PATCH /controls",
	"GET /failures/jobs", "GET /failures/jobs/{jobId}",
}

// routed converts a request into API Gateway's event for the function.
func routed(r *http.Request, body []byte) (events.APIGatewayProxyRequest, bool) {
	path, staged := strings.CutPrefix(r.URL.EscapedPath(), "/v1")
	if !staged {
		return events.APIGatewayProxyRequest{}, false
	}
	req := events.APIGatewayProxyRequest{
		HTTPMethod: r.Method, Path: path, Body: string(body), PathParameters: map[string]string{},
		Headers: map[string]string{}, QueryStringParameters: map[string]string{},
		MultiValueQueryStringParameters: map[string][]string(r.URL.Query()), MultiValueHeaders: map[string][]string(r.Header),
		RequestContext: events.APIGatewayProxyRequestContext{
			Stage: "v1", Path: "/v1" + path, RequestID: "request-1", Identity: events.APIGatewayRequestIdentity{UserArn: Caller},
		},
	}
	for name, values := range r.URL.Query() {
		req.QueryStringParameters[name] = values[len(values)-1]
	}
	for name, values := range r.Header {
		req.Headers[name] = values[len(values)-1]
	}
	got := strings.Split(path, "/")
	for _, route := range routes {
		method, resource, _ := strings.Cut(route, " ")
		want := strings.Split(resource, "/")
		if method != r.Method || len(want) != len(got) {
			continue
		}
		fits := true
		for i := range want {
			if name, is := strings.CutPrefix(want[i], "{"); is && got[i] != "" {
				req.PathParameters[strings.TrimSuffix(name, "}")] = got[i]
			} else if want[i] != got[i] {
				fits = false
			}
		}
		if fits {
			req.Resource = resource
			return req, true
		}
	}
	return req, false
}
