package doctor

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Names of nothing: calls about them are allowed or not, and have no effect.
const (
	noReplay   = "00000000000000000000000000"
	noResource = "replayctl-doctor"
	noVersion  = "none"
)

// route is a call of the API that changes nothing, whatever comes of it.
type route struct {
	name  string
	grant string // the construct's method that allows it
	fine  int    // besides success: the answer to names of nothing, from behind the check of permissions
	call  func() error
}

func apiRoutes(ctx context.Context, api *client.Client) []route {
	const notFound, badRequest = http.StatusNotFound, http.StatusBadRequest
	return []route{
		{"GET /replays", "GrantReplay", 0, func() error { return firstOf(api.Replays.List(ctx, "")) }},
		{"POST /replays", "GrantReplay", badRequest, // selects nothing and has no reason: refused
			func() error { return errorOf(api.Replays.Create(ctx, "", replay.Request{})) }},
		{"GET /replays/{replayId}", "GrantReplay", notFound,
			func() error { return errorOf(api.Replays.Get(ctx, noReplay)) }},
		{"GET /replays/{replayId}/items", "GrantReplay", notFound,
			func() error { return firstOf(api.Replays.ListItems(ctx, noReplay, "")) }},
		{"PATCH /replays/{replayId}", "GrantReplay", notFound,
			func() error { return errorOf(api.Replays.Update(ctx, noReplay, replay.ReplayChange{})) }},
		{"POST /replays/{replayId}/pause", "GrantReplay", notFound,
			func() error {
				return errorOf(api.Replays.Pause(ctx, noReplay, replay.PauseRequest{Reason: noResource}))
			}},
		{"POST /replays/{replayId}/resume", "GrantReplay", notFound,
			func() error { return errorOf(api.Replays.Resume(ctx, noReplay)) }},
		{"GET /controls", "GrantReadHistory", 0, func() error { return errorOf(api.Controls.Get(ctx)) }},
		{"PATCH /controls", "GrantReplay", badRequest, // changes nothing: refused
			func() error { return errorOf(api.Controls.Update(ctx, replay.ControlsChange{})) }},
		{"GET /replays/{replayId}/evidence", "GrantReplay", notFound,
			func() error { return errorOf(api.Replays.GetEvidence(ctx, noReplay)) }},
		{"POST /replays/{replayId}/cancel", "GrantReplay", notFound,
			func() error { return errorOf(api.Replays.Cancel(ctx, noReplay)) }},
		{"POST /versions", "GrantReplay", badRequest, // names no resource: refused
			func() error { return errorOf(api.Versions.Correct(ctx, "", replay.CorrectionRequest{})) }},
		{"GET /resources", "GrantReadHistory", 0, func() error { return firstOf(api.Resources.List(ctx, noResource)) }},
		{"GET /executions", "GrantReadHistory", 0,
			func() error { return firstOf(api.Executions.List(ctx, replay.ExecutionQuery{})) }},
		{"GET /versions", "GrantReadHistory", notFound,
			func() error { return firstOf(api.Versions.List(ctx, noResource)) }},
		{"GET /versions/{versionId}", "GrantReadHistory", notFound,
			func() error { return errorOf(api.Versions.GetEvent(ctx, noResource, noVersion)) }},
		{"GET /failures", "GrantReadHistory", 0, func() error { return firstOf(api.Failures.List(ctx, noFilter)) }},
		{"POST /failures/close", "GrantReplay", badRequest, // selects nothing: refused
			func() error {
				return errorOf(api.Failures.CreateJob(ctx, replay.CloseFailures, "", replay.FailureJobRequest{}))
			}},
		{"POST /failures/reopen", "GrantReplay", badRequest,
			func() error {
				return errorOf(api.Failures.CreateJob(ctx, replay.ReopenFailures, "", replay.FailureJobRequest{}))
			}},
		{"GET /failures/jobs", "GrantReadHistory", 0, func() error { return firstOf(api.Failures.ListJobs(ctx)) }},
		{"GET /failures/jobs/{jobId}", "GrantReadHistory", notFound,
			func() error { return errorOf(api.Failures.GetJob(ctx, noReplay)) }},
		{"GET /failures/groups", "GrantReadHistory", 0, func() error { return errorOf(api.Failures.GetGroups(ctx)) }},
	}
}

// routes finds out whether the API answers, and which of its calls the caller may make.
func (e *exam) routes(ctx context.Context) []Finding {
	all := apiRoutes(ctx, e.API.WithPageSize(1))
	found := make([]Finding, len(all))
	found[0] = e.route(ctx, all[0], all[0].call())
	if found[0].Status == Fail && strings.HasPrefix(found[0].Detail, noAnswer) {
		return found[:1] // nor will the others
	}
	var group errgroup.Group
	for i, r := range all[1:] {
		group.Go(func() error {
			found[i+1] = e.route(ctx, r, r.call())
			return nil
		})
	}
	_ = group.Wait() // findings, and no error
	return found
}

const noAnswer = "no answer"

func (e *exam) route(ctx context.Context, r route, err error) Finding {
	v := &verdict{}
	var refused *client.RefusedError
	var creds *client.CredentialsError
	switch {
	case err == nil:
		v.says("allowed")
	case errors.As(err, &refused) && refused.Status == r.fine:
		v.says("allowed (answers %d to a call about nothing)", refused.Status)
	case errors.As(err, &refused):
		refusal(v, r, refused)
	case errors.As(err, &creds):
		v.fails("log in, or choose another --profile", "%v", err)
	case ctx.Err() != nil:
		v.add(Unknown, "try again; is the network up?", "%s within %s", noAnswer, e.Timeout)
	default:
		v.fails("is the URL right, and the network up? the URL is "+e.API.BaseURL(), "%s: %v", noAnswer, err)
	}
	return v.finding("api." + r.name)
}

func refusal(v *verdict, r route, refused *client.RefusedError) {
	kind, _, _ := strings.Cut(refused.Kind, ":")
	switch {
	case refused.Status == http.StatusForbidden && (kind == "AccessDeniedException" || kind == ""):
		v.fails("allow execute-api:Invoke on it: the construct's "+r.grant+" does", "you may not call it: %s", refused.Problem.Detail)
	case refused.Status == http.StatusForbidden && kind == "MissingAuthenticationTokenException":
		v.fails("is the URL right, with its stage?", "the API has no such path: %s", refused.Problem.Detail)
	case refused.Status == http.StatusForbidden:
		v.fails("are these credentials of the right account and Region, and is the clock right?", "the signature was refused: %s: %s", kind, refused.Problem.Detail)
	case refused.Status == http.StatusTooManyRequests:
		v.warns("try again later", "throttled: the API takes 50 requests per second from all callers together")
	case refused.Status >= http.StatusInternalServerError:
		remedy := "look into the log of the ReplayHandler function"
		if refused.Problem.RequestID != "" {
			remedy += " for request id " + refused.Problem.RequestID
		}
		v.fails(remedy, "%v", refused)
	default:
		v.fails("", "%v", refused)
	}
}

// noFilter is every failure.
var noFilter replay.FailureQuery

// errorOf leaves out what a call returned besides.
func errorOf[T any](_ T, err error) error { return err }

// firstOf reads the first page of a list.
func firstOf[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		return err
	}
	return nil
}
