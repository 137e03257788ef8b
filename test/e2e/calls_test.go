package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// request is a body of POST /replays.
type request struct {
	Action    replay.Action     `json:"action,omitempty"`
	Select    selection         `json:"select"`
	Transform *replay.Transform `json:"transform,omitempty"`
	DryRun    bool              `json:"dryRun,omitempty"`
	Reason    string            `json:"reason"`
}

type selection struct {
	ResourceIDs []string `json:"resourceIds,omitempty"`
	OwnerID     string   `json:"ownerId,omitempty"`
}

const why = "a downstream service lost data"

// accept asks for a replay.
func (y *system) accept(t *testing.T, r request) replay.Accepted {
	t.Helper()
	if r.Reason == "" {
		r.Reason = why
	}
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := y.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays", Body: body})
	var accepted replay.Accepted
	if err != nil || resp.Status != http.StatusAccepted || json.Unmarshal(resp.Body, &accepted) != nil {
		t.Fatalf("%s: got %d %s, %v, want 202", body, resp.Status, resp.Body, err)
	}
	return accepted
}

// completed waits until a replay is completed.
func (y *system) completed(t *testing.T, id string) replay.Replay {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := y.API.Replays.Wait(ctx, id)
	if err != nil || r.Status != replay.Completed {
		t.Fatalf("replay %s is %s: %v", id, r.Status, err)
	}
	return r
}

// replay asks for a replay and waits until it is completed.
func (y *system) replay(t *testing.T, r request) replay.Replay {
	t.Helper()
	return y.completed(t, y.accept(t, r).ReplayID)
}

func (y *system) get(t *testing.T, path string, query url.Values, into any) {
	t.Helper()
	resp, err := y.API.Do(t.Context(), client.Request{Method: http.MethodGet, Path: path, Query: query})
	if err == nil && resp.Status == http.StatusOK {
		err = json.Unmarshal(resp.Body, into)
	}
	if err != nil || resp.Status != http.StatusOK {
		t.Fatalf("GET %s: got %d %s, %v, want 200", path, resp.Status, resp.Body, err)
	}
}

func (y *system) items(t *testing.T, replayID string, query url.Values) replay.Items {
	t.Helper()
	var page replay.Items
	y.get(t, "/replays/"+replayID+"/items", query, &page)
	return page
}

// pages reads all pages of a replay's items, of a size.
func (y *system) pages(t *testing.T, replayID string, query url.Values, size string) (items []replay.Item, pages int) {
	t.Helper()
	query = maps.Clone(query)
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", size)
	for {
		page := y.items(t, replayID, query)
		items, pages = append(items, page.Items...), pages+1
		if page.NextCursor == "" {
			return items, pages
		}
		query.Set("cursor", page.NextCursor)
	}
}

func (y *system) versions(t *testing.T, resource string) replay.History {
	t.Helper()
	var v replay.History
	y.get(t, "/versions", url.Values{"resourceId": {resource}}, &v)
	if v.ResourceID != resource {
		t.Errorf("got versions of %q, want %q", v.ResourceID, resource)
	}
	return v
}

// statuses are those of a version's executions.
func statuses(v replay.Version) []string {
	var all []string
	for _, e := range v.Executions {
		all = append(all, e.Kind+" "+e.Status)
	}
	return all
}

// quarantined finds an execution in GET /failures.
func (y *system) quarantined(t *testing.T, execution string) replay.Failure {
	t.Helper()
	query := url.Values{"limit": {"20"}}
	for {
		var page replay.Failures
		y.get(t, "/failures", query, &page)
		for _, f := range page.Failures {
			if f.Execution == execution {
				return f
			}
		}
		if page.NextCursor == "" {
			t.Fatalf("GET /failures does not have %s", execution)
		}
		query.Set("cursor", page.NextCursor)
	}
}

// problem sends a request that is to be refused and returns the answer.
func (y *system) problem(t *testing.T, method, path string, query url.Values, body string, status int) replay.Problem {
	t.Helper()
	var payload []byte
	if body != "" {
		payload = []byte(body)
	}
	ans, err := y.API.Do(t.Context(), client.Request{Method: method, Path: path, Query: query, Body: payload})
	if err != nil {
		t.Fatal(err)
	}
	if ans.Status != status {
		t.Fatalf("got status %d, want %d: %s", ans.Status, status, ans.Body)
	}
	if got := ans.Header.Get("Content-Type"); got != replay.ProblemType {
		t.Errorf("got content type %s, want %s", got, replay.ProblemType)
	}
	var p replay.Problem
	if err := json.Unmarshal(ans.Body, &p); err != nil {
		t.Fatalf("not JSON: %v: %s", err, ans.Body)
	}
	if p.Status != status || p.Title != http.StatusText(status) || p.RequestID == "" || p.Detail == "" {
		t.Errorf("got %+v", p)
	}
	return p
}
