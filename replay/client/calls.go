package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// CreateReplay starts a replay, or plans one with request.DryRun. The same key with the same request returns the same
// replay for 30 days; with another request it is a RefusedError with status 409. An empty key is replaced by a random
// one, so that the attempts of this call start one replay at most.
func (c *Client) CreateReplay(ctx context.Context, key string, request replay.Request) (replay.Accepted, error) {
	return c.accept(ctx, "/replays", key, request)
}

// ApplyPlan runs what a dry run planned: those versions and no others. A plan is applied once; the same key with the same plan
// returns the same replay. It is a RefusedError with status 409 if the plan has expired, was applied by another replay, has
// another hash, or has none yet.
func (c *Client) ApplyPlan(ctx context.Context, key string, plan replay.Apply) (replay.Accepted, error) {
	return c.accept(ctx, "/replays", key, map[string]replay.Apply{"apply": plan})
}

// CorrectVersion records a corrected version of a resource and runs it, or plans that with request.DryRun. What it
// returns is a replay of one item, and keys are as in CreateReplay. It is a RefusedError with status 409 if a newer
// event has come since the version, unless request.AllowStale is set.
func (c *Client) CorrectVersion(
	ctx context.Context, key string, request replay.CorrectionRequest,
) (replay.Accepted, error) {
	return c.accept(ctx, "/versions", key, request)
}

// accept asks for a replay.
func (c *Client) accept(ctx context.Context, path, key string, request any) (accepted replay.Accepted, err error) {
	if key == "" {
		key = rand.Text()
	}
	body, err := json.Marshal(request)
	if err != nil {
		return accepted, fmt.Errorf("encode request: %w", err)
	}
	err = c.do(ctx, call{method: http.MethodPost, path: path, body: body, key: key}, &accepted)
	return accepted, err
}

// Replay reads a replay with its counts. Of an unknown id, NotFound reports true of the error.
func (c *Client) Replay(ctx context.Context, id string) (r replay.Replay, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/replays/" + url.PathEscape(id)}, &r)
	return r, err
}

// CancelReplay keeps the items of a replay that have not started from starting. Those that run end by themselves.
func (c *Client) CancelReplay(ctx context.Context, id string) (s replay.Summary, err error) {
	err = c.do(ctx, call{method: http.MethodPost, path: "/replays/" + url.PathEscape(id) + "/cancel"}, &s)
	return s, err
}

// PauseReplay lets nothing more of a replay start until it is resumed. What runs goes on to its end. It is a RefusedError with
// status 409 if the replay has ended, or was cancelled or halted.
func (c *Client) PauseReplay(ctx context.Context, id string, request replay.PauseRequest) (s replay.Summary, err error) {
	err = c.send(ctx, http.MethodPost, "/replays/"+url.PathEscape(id)+"/pause", request, &s)
	return s, err
}

// ResumeReplay has a replay go on that was paused. One that is not paused stays as it is. While all replays are paused, it
// waits for those.
func (c *Client) ResumeReplay(ctx context.Context, id string) (s replay.Summary, err error) {
	err = c.do(ctx, call{method: http.MethodPost, path: "/replays/" + url.PathEscape(id) + "/resume"}, &s)
	return s, err
}

// ChangeReplay gives a replay another pace, from the next starts on.
func (c *Client) ChangeReplay(ctx context.Context, id string, change replay.ReplayChange) (s replay.Summary, err error) {
	err = c.send(ctx, http.MethodPatch, "/replays/"+url.PathEscape(id), change, &s)
	return s, err
}

// Controls says what is paused of the whole ingestion.
func (c *Client) Controls(ctx context.Context) (s replay.Controls, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/controls"}, &s)
	return s, err
}

// ChangeControls pauses or resumes all replays, automatic replays, or both.
func (c *Client) ChangeControls(ctx context.Context, change replay.ControlsChange) (s replay.Controls, err error) {
	err = c.send(ctx, http.MethodPatch, "/controls", change, &s)
	return s, err
}

// send makes a call with a body that may be repeated.
func (c *Client) send(ctx context.Context, method, path string, request, into any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return c.do(ctx, call{method: method, path: path, body: body}, into)
}

// Replays lists replays, newest first: those with a status, or all of them if it is empty.
func (c *Client) Replays(ctx context.Context, status replay.Status) iter.Seq2[replay.Summary, error] {
	return list(ctx, c, "/replays", only("status", string(status)), func(p replay.Replays) ([]replay.Summary, string) {
		return p.Replays, p.NextCursor
	})
}

// Items lists the items of a replay: those with an outcome, or all of them if it is empty.
func (c *Client) Items(ctx context.Context, id string, outcome replay.Outcome) iter.Seq2[replay.Item, error] {
	path := "/replays/" + url.PathEscape(id) + "/items"
	return list(ctx, c, path, only("outcome", string(outcome)), func(p replay.Items) ([]replay.Item, string) {
		return p.Items, p.NextCursor
	})
}

// Evidence reads what is kept of a replay that has ended. It is a RefusedError with status 409 until it is written.
func (c *Client) Evidence(ctx context.Context, id string) (e replay.Evidence, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/replays/" + url.PathEscape(id) + "/evidence"}, &e)
	return e, err
}

// Versions lists the versions of a resource with their executions and failures, newest first.
func (c *Client) Versions(ctx context.Context, resourceID string) iter.Seq2[replay.Version, error] {
	return list(ctx, c, "/versions", url.Values{"resourceId": {resourceID}}, func(p replay.History) ([]replay.Version, string) {
		return p.Versions, p.NextCursor
	})
}

// Resources lists the resources of which an owner has had events, each with the last execution of its latest version.
func (c *Client) Resources(ctx context.Context, ownerID string) iter.Seq2[replay.OwnedResource, error] {
	return list(ctx, c, "/resources", url.Values{"ownerId": {ownerID}}, func(p replay.Resources) ([]replay.OwnedResource, string) {
		return p.Resources, p.NextCursor
	})
}

// Executions lists the executions that have ended in the last days, what was reported last first.
func (c *Client) Executions(ctx context.Context, query replay.ExecutionQuery) iter.Seq2[replay.EndedExecution, error] {
	return list(ctx, c, "/executions", executionValues(query), func(p replay.Executions) ([]replay.EndedExecution, string) {
		return p.Executions, p.NextCursor
	})
}

func executionValues(query replay.ExecutionQuery) url.Values {
	values := url.Values{}
	set(values, map[string]string{
		"status": string(query.Status), "error": query.Error, "resourceId": query.ResourceID, "ownerId": query.OwnerID,
	}, map[string]*time.Time{"since": query.Since, "until": query.Until})
	return values
}

// FollowExecutions reads the executions that have ended behind a place, in the order in which they were reported. An empty
// cursor stands for query.Since; the answer's is the place to go on from, now or later. The last seconds are left out, since
// what has their time may still be written.
func (c *Client) FollowExecutions(ctx context.Context, query replay.ExecutionQuery, cursor string) (page replay.Executions, err error) {
	values := url.Values{"follow": {"true"}, "limit": {strconv.Itoa(c.page)}}
	set(values, map[string]string{
		"status": string(query.Status), "error": query.Error, "resourceId": query.ResourceID, "ownerId": query.OwnerID, "cursor": cursor,
	}, map[string]*time.Time{"since": query.Since})
	err = c.do(ctx, call{method: http.MethodGet, path: "/executions", query: values}, &page)
	return page, err
}

// set adds the parameters that are given.
func set(values url.Values, texts map[string]string, times map[string]*time.Time) {
	for name, value := range texts {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, t := range times {
		if t != nil {
			values.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
}

// Event reads the event of a version, byte for byte.
func (c *Client) Event(ctx context.Context, resourceID, versionID string) ([]byte, error) {
	ans, err := c.again(ctx, call{
		method: http.MethodGet, path: "/versions/" + url.PathEscape(versionID), query: url.Values{"resourceId": {resourceID}},
	})
	return ans.body, err
}

// Failures lists the failures that a query selects: by default the quarantine, newest first.
func (c *Client) Failures(ctx context.Context, query replay.FailureQuery) iter.Seq2[replay.Failure, error] {
	return list(ctx, c, "/failures", valuesOf(query), func(p replay.Failures) ([]replay.Failure, string) {
		return p.Failures, p.NextCursor
	})
}

func valuesOf(query replay.FailureQuery) url.Values {
	values := url.Values{}
	set(values, map[string]string{
		"status": string(query.Status), "error": query.Error, "state": query.State, "cause": query.Cause,
		"resourceId": query.ResourceID, "ownerId": query.OwnerID, "jobId": query.JobID,
	}, map[string]*time.Time{"since": query.Since, "until": query.Until})
	if query.Superseded {
		values.Set("superseded", "true")
	}
	return values
}

// FailureGroups counts the failures that are open or in quarantine, by status, error and state.
func (c *Client) FailureGroups(ctx context.Context) (g replay.FailureGroups, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/failures/groups"}, &g)
	return g, err
}

// ChangeFailures closes or reopens failures, or counts them with request.DryRun. The same key with the same request is the
// same job; an empty one is replaced by a random one.
func (c *Client) ChangeFailures(ctx context.Context, action replay.FailureAction, key string, request replay.FailureJobRequest) (j replay.FailureJob, err error) {
	if key == "" {
		key = rand.Text()
	}
	body, err := json.Marshal(request)
	if err != nil {
		return j, fmt.Errorf("encode request: %w", err)
	}
	err = c.do(ctx, call{method: http.MethodPost, path: "/failures/" + string(action), body: body, key: key}, &j)
	return j, err
}

// FailureJob reads how far a job is. Of an unknown id, NotFound reports true of the error.
func (c *Client) FailureJob(ctx context.Context, id string) (j replay.FailureJob, err error) {
	err = c.do(ctx, call{method: http.MethodGet, path: "/failures/jobs/" + url.PathEscape(id)}, &j)
	return j, err
}

// FailureJobs lists who closed and reopened what, newest first.
func (c *Client) FailureJobs(ctx context.Context) iter.Seq2[replay.FailureJob, error] {
	return list(ctx, c, "/failures/jobs", url.Values{}, func(p replay.FailureJobs) ([]replay.FailureJob, string) {
		return p.Jobs, p.NextCursor
	})
}

func only(name, value string) url.Values {
	v := url.Values{}
	if value != "" {
		v.Set(name, value)
	}
	return v
}

// list reads the next page only when its entries are needed. It yields an error at most once, at its end. A page may be
// empty although others follow.
func list[Page, Entry any](
	ctx context.Context, c *Client, path string, query url.Values, read func(Page) ([]Entry, string),
) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		query := maps.Clone(query) // a sequence may be gone through again
		query.Set("limit", strconv.Itoa(c.page))
		for {
			var page Page
			if err := c.do(ctx, call{method: http.MethodGet, path: path, query: query}, &page); err != nil {
				var none Entry
				yield(none, err)
				return
			}
			entries, next := read(page)
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			query.Set("cursor", next)
		}
	}
}
