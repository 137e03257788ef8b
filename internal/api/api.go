// Package api is the replay API: it validates, stores and queues requests, and reports their outcomes. It never
// lists resources; the listener does.
package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/oklog/ulid/v2"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/failurejob"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

type sender interface {
	Send(ctx context.Context, bodies ...string) error
}

type waiting interface {
	Waiting(ctx context.Context) (int, error)
}

// API answers the requests that API Gateway passes on.
type API struct {
	book     *ledger.Ledger
	log      *eventlog.Log
	queue    sender
	progress *progress.Replays
	jobs     *failurejob.Worker
	newer    *outcome.Successes
	reader   ingest.Reader // checks corrected events
	logger   *slog.Logger
	now      func() time.Time

	Pace        Pace      // for estimates
	Random      io.Reader // of the ids of replays, by default ULID's own
	Redrivable  bool      // failed executions can be redriven; by default true
	DeadLetters waiting   // nil: how many wait is not known
	Transforms  []string  // names of the functions that replays may transform events with
}

// New returns the API. A nil logger discards.
func New(book *ledger.Ledger, log *eventlog.Log, queue sender, reader ingest.Reader, logger *slog.Logger) *API {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	newer := outcome.NewSuccesses(book.Executions, book.Publications)
	return &API{
		jobs: failurejob.New(book, newer, queue, logger), newer: newer, reader: reader,
		book: book, log: log, queue: queue, progress: progress.New(book.Items, book.Replays, queue), logger: logger,
		now: time.Now, Random: ulid.DefaultEntropy(), Redrivable: true,
	}
}

// answer is a status and a body to encode as JSON.
type answer struct {
	status  int
	body    any    // encoded as JSON
	raw     []byte // instead of body: sent as it is
	headers map[string]string
}

type request = events.APIGatewayProxyRequest

// Handle answers one request, before API Gateway gives it up. Faults are answers, too: the error is always nil.
func (a *API) Handle(ctx context.Context, req request) (events.APIGatewayProxyResponse, error) {
	ans, err := errs.WithinDeadline(ctx, func(ctx context.Context) (answer, error) { return a.route(ctx, req) })
	id := req.RequestContext.RequestID
	if err != nil {
		ans = problem(err, id)
		if ans.status >= http.StatusInternalServerError {
			a.logger.ErrorContext(ctx, "request failed", "apiRequestId", id, "method", req.HTTPMethod, "resource", req.Resource,
				"status", ans.status, "error", err)
			return ans.encode(), nil
		}
	}
	a.logger.InfoContext(ctx, "request answered", "apiRequestId", id, "method", req.HTTPMethod, "resource", req.Resource,
		"status", ans.status)
	return ans.encode(), nil
}

type handler = func(context.Context, request) (answer, error)

func (a *API) route(ctx context.Context, req request) (answer, error) {
	withQuery := map[string]handler{
		"GET /replays":                  a.replays,
		"GET /replays/{replayId}/items": a.items,
		"GET /versions":                 a.versions,
		"GET /versions/{versionId}":     a.version,
		"GET /failures":                 a.failures,
		"GET /failures/jobs":            a.failureJobs,
		"GET /resources":                a.resources,
		"GET /executions":               a.executions,
	}
	withoutQuery := map[string]handler{
		"POST /replays":                    a.accept,
		"GET /replays/{replayId}":          a.replay,
		"PATCH /replays/{replayId}":        a.change,
		"POST /replays/{replayId}/cancel":  a.cancel,
		"POST /replays/{replayId}/pause":   a.pause,
		"POST /replays/{replayId}/resume":  a.resume,
		"GET /replays/{replayId}/evidence": a.evidence,
		"GET /controls":                    a.controls,
		"PATCH /controls":                  a.changeControls,
		"POST /versions":                   a.correct,
		"GET /failures/groups":             a.failureGroups,
		"POST /failures/close":             a.changeFailures(replay.CloseFailures),
		"POST /failures/reopen":            a.changeFailures(replay.ReopenFailures),
		"GET /failures/jobs/{jobId}":       a.failureJob,
	}
	call := req.HTTPMethod + " " + req.Resource
	if handle, found := withQuery[call]; found {
		return handle(ctx, req)
	}
	handle, found := withoutQuery[call]
	if !found {
		return answer{}, notFound("%s", replay.Shorten("there is no "+req.HTTPMethod+" "+req.Path))
	}
	if err := newQuery(req).err(); err != nil { // a dryRun that is not in the body must not be overlooked
		return answer{}, err
	}
	return handle(ctx, req)
}

// statusError is an error that the caller is to see, with the status of its answer.
type statusError struct {
	status int
	detail string
}

func (e *statusError) Error() string { return e.detail }

func notFound(format string, args ...any) error {
	return &statusError{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

func refused(format string, args ...any) error {
	return &statusError{http.StatusConflict, fmt.Sprintf(format, args...)}
}

// faults says how many faults errors lists.
func faults(n int) string {
	switch n {
	case 1:
		return "the request has a fault, see errors"
	case replay.MaxFaults:
		return fmt.Sprintf("the request has at least %d faults, see errors", n)
	default:
		return fmt.Sprintf("the request has %d faults, see errors", n)
	}
}

// retryAfter, in seconds, lets a service recover before a caller tries again.
const retryAfter = "5"

// problem turns an error into an answer. It leaves out what is not meant for the caller: the request id leads to the
// log.
func problem(err error, requestID string) answer {
	p := replay.Problem{Type: "about:blank", Status: http.StatusInternalServerError, RequestID: requestID}
	var invalid *replay.InvalidError
	var known *statusError
	switch {
	case errors.As(err, &invalid):
		p.Status, p.Errors = http.StatusBadRequest, invalid.Faults
		p.Detail = faults(len(invalid.Faults))
	case errors.As(err, &known):
		p.Status, p.Detail = known.status, known.detail
	case errors.Is(err, errs.ErrDeadlinePassed):
		p.Status = http.StatusGatewayTimeout
		p.Detail = "no answer came in time, and the request may have done its work: try again"
	case errs.Transient(err):
		p.Status, p.Detail = http.StatusServiceUnavailable, "a service behind the API did not answer: try again"
	default:
		p.Detail = "the request failed: see the function's log for the request id"
	}
	p.Title = http.StatusText(p.Status)
	headers := map[string]string{"Content-Type": replay.ProblemType}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusGatewayTimeout {
		headers["Retry-After"] = retryAfter
	}
	return answer{status: p.Status, body: p, headers: headers}
}

func (ans answer) encode() events.APIGatewayProxyResponse {
	headers := map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"}
	for k, v := range ans.headers {
		headers[k] = v
	}
	if ans.raw != nil {
		return events.APIGatewayProxyResponse{StatusCode: ans.status, Headers: headers, Body: string(ans.raw)}
	}
	body, err := json.Marshal(ans.body)
	if err != nil { // every body is a struct of plain values
		ans.status, body = http.StatusInternalServerError, []byte(`{"type":"about:blank","title":"Internal Server Error","status":500}`)
		headers["Content-Type"] = replay.ProblemType
	}
	return events.APIGatewayProxyResponse{StatusCode: ans.status, Headers: headers, Body: string(body)}
}

func bodyOf(req request) ([]byte, error) {
	if !req.IsBase64Encoded {
		return []byte(req.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(req.Body)
	if err != nil {
		return nil, &replay.InvalidError{Faults: []replay.Fault{{Field: "body", Detail: "is not valid base64"}}}
	}
	return body, nil
}

// linkTo returns the path of a resource below the beginning of the caller's own path. That is the stage or, unlike the
// stage also in req.Path, the base path of a custom domain: what is left without the segments of the route.
func linkTo(req request, path string) string {
	base := strings.TrimSuffix(req.RequestContext.Path, "/")
	for range strings.Count(req.Resource, "/") {
		at := strings.LastIndexByte(base, '/')
		if at < 0 {
			return "/" + req.RequestContext.Stage + path
		}
		base = base[:at]
	}
	return base + path
}
