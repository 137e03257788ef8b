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
	call  func(ctx context.Context, api *client.Client) error
	fine  int // besides success: the answer to names of nothing, from behind the check of permissions
}

func apiRoutes() []route {
	return []route{
		{"GET /replays", "GrantReplay", func(ctx context.Context, api *client.Client) error { return firstOf(api.Replays.List(ctx, "")) }, 0},
		{"POST /replays", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Replays.Create(ctx, "", replay.Request{}) // selects nothing and has no reason: refused
			return err
		}, http.StatusBadRequest},
		{"GET /replays/{replayId}", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Replays.Get(ctx, noReplay)
			return err
		}, http.StatusNotFound},
		{"GET /replays/{replayId}/items", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			return firstOf(api.Replays.ListItems(ctx, noReplay, ""))
		}, http.StatusNotFound},
		{"PATCH /replays/{replayId}", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Replays.Update(ctx, noReplay, replay.ReplayChange{})
			return err
		}, http.StatusNotFound},
		{"POST /replays/{replayId}/pause", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Replays.Pause(ctx, noReplay, replay.PauseRequest{Reason: noResource})
			return err
		}, http.StatusNotFound},
		{"POST /replays/{replayId}/resume", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Replays.Resume(ctx, noReplay)
			return err
		}, http.StatusNotFound},
		{"GET /controls", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			_, err := api.Controls.Get(ctx)
			return err
		}, 0},
		{"PATCH /controls", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Controls.Update(ctx, replay.ControlsChange{}) // changes nothing: refused
			return err
		}, http.StatusBadRequest},
		{"GET /replays/{replayId}/evidence", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Replays.GetEvidence(ctx, noReplay)
			return err
		}, http.StatusNotFound},
		{"POST /replays/{replayId}/cancel", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Replays.Cancel(ctx, noReplay)
			return err
		}, http.StatusNotFound},
		{"POST /versions", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Versions.Correct(ctx, "", replay.CorrectionRequest{}) // names no resource: refused
			return err
		}, http.StatusBadRequest},
		{"GET /resources", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			return firstOf(api.Resources.List(ctx, noResource))
		}, 0},
		{"GET /executions", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			return firstOf(api.Executions.List(ctx, replay.ExecutionQuery{}))
		}, 0},
		{"GET /versions", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			return firstOf(api.Versions.List(ctx, noResource))
		}, http.StatusNotFound},
		{"GET /versions/{versionId}", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			_, err := api.Versions.GetEvent(ctx, noResource, noVersion)
			return err
		}, http.StatusNotFound},
		{"GET /failures", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			return firstOf(api.Failures.List(ctx, noFilter))
		}, 0},
		{"POST /failures/close", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Failures.CreateJob(ctx, replay.CloseFailures, "", replay.FailureJobRequest{}) // selects nothing: refused
			return err
		}, http.StatusBadRequest},
		{"POST /failures/reopen", "GrantReplay", func(ctx context.Context, api *client.Client) error {
			_, err := api.Failures.CreateJob(ctx, replay.ReopenFailures, "", replay.FailureJobRequest{})
			return err
		}, http.StatusBadRequest},
		{"GET /failures/jobs", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			return firstOf(api.Failures.ListJobs(ctx))
		}, 0},
		{"GET /failures/jobs/{jobId}", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			_, err := api.Failures.GetJob(ctx, noReplay)
			return err
		}, http.StatusNotFound},
		{"GET /failures/groups", "GrantReadHistory", func(ctx context.Context, api *client.Client) error {
			_, err := api.Failures.GetGroups(ctx)
			return err
		}, 0},
	}
}

// routes finds out whether the API answers, and which of its calls the caller may make.
func (e *exam) routes(ctx context.Context) []Finding {
	all := apiRoutes()
	found := make([]Finding, len(all))
	api := e.API.WithPageSize(1)
	found[0] = e.route(ctx, all[0], all[0].call(ctx, api))
	if found[0].Status == Fail && strings.HasPrefix(found[0].Detail, noAnswer) {
		return found[:1] // nor will the others
	}
	var group errgroup.Group
	for i, r := range all[1:] {
		group.Go(func() error {
			found[i+1] = e.route(ctx, r, r.call(ctx, api))
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

// firstOf reads the first page of a list.
func firstOf[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		return err
	}
	return nil
}
