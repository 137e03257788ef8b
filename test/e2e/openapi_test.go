package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
	"github.com/ce873799/replayable-ingestion/test/openapi"
)

// watched is a transport that holds the answers of a stack's API against the document.
func watched(s *local.Stack) (http.RoundTripper, error) {
	doc, err := openapi.Load()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s.APIURL)
	if err != nil {
		return nil, fmt.Errorf("URL of the API: %w", err)
	}
	return doc.Watch(u.Path, http.DefaultTransport), nil
}

// TestEveryDocumentedAnswerIsGiven asks the deployed API for every answer that openapi.PlaceOf leaves to it.
// TestBrokenServicesAreAnsweredAsDocumented in test/openapi and TestGatewayAnswersAreDocumented in test/synth show the
// others; test/openapi has a test that there are no further ones.
func TestEveryDocumentedAnswerIsGiven(t *testing.T) {
	t.Parallel()
	doc, err := openapi.Load()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(sys.APIURL)
	if err != nil {
		t.Fatal(err)
	}
	watch := doc.Watch(u.Path, http.DefaultTransport)
	api, err := observe.Connect(sys.APIURL, sys.Config(), watch)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(status int, method, path string, query url.Values, header http.Header, body string) []byte {
		t.Helper()
		var payload []byte
		if body != "" {
			payload = []byte(body)
		}
		ans, err := api.Do(t.Context(), client.Request{Method: method, Path: path, Query: query, Header: header, Body: payload})
		if err != nil {
			t.Fatalf("%s %s %s: %v", method, path, query.Encode(), err)
		}
		if ans.Status != status {
			t.Fatalf("%s %s %s: got %d %s, want %d", method, path, query.Encode(), ans.Status, ans.Body, status)
		}
		return ans.Body
	}
	get := func(status int, path string, query url.Values) { t.Helper(); ask(status, "GET", path, query, nil, "") }

	id, owner := fresh("documented"), fresh("agency")
	sys.succeeded(t, sys.ingest(t, listing{id: id, owner: owner, price: costly}.json()))
	version := sys.versions(t, id).Versions[0].VersionID
	byHand := fresh("by-hand")
	put, err := sys.Bucket.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &sys.EventLogBucket, Key: aws.String(eventKey(t, byHand)), Body: strings.NewReader("no event"),
	})
	if err != nil {
		t.Fatal(err)
	}

	// A replay of many resources that nobody knows, at one a second: it does not end before it is cancelled.
	unknown := make([]string, 200)
	for i := range unknown {
		unknown[i] = fresh("unknown")
	}
	ids, err := json.Marshal(unknown)
	if err != nil {
		t.Fatal(err)
	}
	key := http.Header{"Idempotency-Key": {fresh("key")}}
	body := `{"select":{"resourceIds":` + string(ids) + `},"maxPerSecond":1,"reason":"` + why + `"}`
	var first, again replay.Accepted
	if err := json.Unmarshal(ask(202, "POST", "/replays", nil, key, body), &first); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(ask(202, "POST", "/replays", nil, key, body), &again); err != nil || again.ReplayID != first.ReplayID {
		t.Errorf("the same key again: got %s, %v, want %s", again.ReplayID, err, first.ReplayID)
	}
	ask(409, "POST", "/replays", nil, key, `{"select":{"resourceIds":["x"]},"reason":"another"}`)
	ask(400, "POST", "/replays", nil, nil, `{"select":{}}`)
	ask(400, "POST", "/replays", url.Values{"dryRun": {"true"}}, nil, body)
	self := "/replays/" + first.ReplayID
	for _, method := range []struct{ verb, path, body string }{
		{"POST", "/pause", `{"reason":"a test"}`}, {"POST", "/resume", ""}, {"PATCH", "", `{"maxPerSecond":2}`},
	} {
		ask(200, method.verb, self+method.path, nil, nil, method.body)
		ask(400, method.verb, self+method.path, url.Values{"force": {"true"}}, nil, method.body)
	}
	get(200, "/controls", nil)
	get(400, "/controls", url.Values{"verbose": {"1"}})
	ask(200, "PATCH", "/controls", nil, nil, `{"pauseReplays":false}`)
	ask(400, "PATCH", "/controls", nil, nil, `{"pauseReplays":true}`)
	ask(200, "POST", self+"/cancel", nil, nil, "")
	ask(409, "POST", self+"/pause", nil, nil, `{"reason":"a test"}`)
	ask(409, "POST", self+"/resume", nil, nil, "")
	ask(409, "PATCH", self, nil, nil, `{"maxPerSecond":2}`)
	done := sys.replay(t, request{Select: selection{ResourceIDs: []string{id}}})
	ask(409, "POST", "/replays/"+done.ReplayID+"/cancel", nil, nil, "")

	const noReplay = "/replays/01ARZ3NDEKTSV4RRFFQ69G5FAV"
	ask(404, "POST", noReplay+"/cancel", nil, nil, "")
	ask(404, "POST", noReplay+"/pause", nil, nil, `{"reason":"a test"}`)
	ask(404, "POST", noReplay+"/resume", nil, nil, "")
	ask(404, "PATCH", noReplay, nil, nil, `{"maxPerSecond":2}`)
	ask(400, "POST", self+"/cancel", url.Values{"force": {"true"}}, nil, "")
	get(200, "/replays", url.Values{"limit": {"100"}, "status": {string(replay.Completed)}})
	get(400, "/replays", url.Values{"status": {"DONE"}})
	get(200, self, nil)
	get(400, self, url.Values{"verbose": {"1"}})
	get(404, noReplay, nil)
	get(200, self+"/items", url.Values{"outcome": {"SKIPPED"}})
	get(400, self+"/items", url.Values{"outcome": {"SKIPPED", "FAILED"}}) // API Gateway passes on the last one, and both
	get(404, noReplay+"/items", nil)
	self = "/replays/" + done.ReplayID
	eventually(t, patience, "the evidence of "+done.ReplayID, func(ctx context.Context) (bool, error) {
		row, err := sys.Book.Replays.Get(ctx, done.ReplayID)
		return row.Evidence != "", err
	})
	get(200, self+"/evidence", nil)
	get(400, self+"/evidence", url.Values{"verbose": {"1"}})
	get(404, noReplay+"/evidence", nil)
	if err := json.Unmarshal(ask(202, "POST", "/replays", nil, nil, body), &first); err != nil {
		t.Fatal(err)
	}
	get(409, "/replays/"+first.ReplayID+"/evidence", nil)
	ask(200, "POST", "/replays/"+first.ReplayID+"/cancel", nil, nil, "")
	get(200, "/resources", url.Values{"ownerId": {owner}})
	get(400, "/resources", nil)
	get(200, "/executions", url.Values{"ownerId": {owner}, "status": {"SUCCEEDED"}})
	get(200, "/executions", url.Values{"follow": {"true"}, "since": {"-PT10M"}})
	get(400, "/executions", url.Values{"status": {"DONE"}, "follow": {"no"}})
	get(200, "/versions", url.Values{"resourceId": {id}})
	get(400, "/versions", nil)
	get(404, "/versions", url.Values{"resourceId": {fresh("unknown")}})
	get(200, "/versions/"+version, url.Values{"resourceId": {id}})
	get(400, "/versions/"+version, nil)
	get(404, "/versions/"+version, url.Values{"resourceId": {fresh("unknown")}})
	get(422, "/versions/"+*put.VersionId, url.Values{"resourceId": {byHand}})
	correction := func(resource, version string) string {
		return `{"resourceId":"` + resource + `","versionId":"` + version + `","transform":{"mergePatch":{"listing":{"priceUsd":7}}},"reason":"` + why + `"}`
	}
	ask(404, "POST", "/versions", nil, nil, correction(fresh("unknown"), version))
	ask(422, "POST", "/versions", nil, nil, correction(byHand, *put.VersionId))
	ask(400, "POST", "/versions", nil, nil, `{"resourceId":"`+id+`"}`)
	correctionKey := http.Header{"Idempotency-Key": {fresh("key")}}
	for range 2 {
		ask(202, "POST", "/versions", nil, correctionKey, correction(id, version))
	}
	ask(409, "POST", "/versions", nil, correctionKey, correction(id, "another"))
	get(200, "/failures", url.Values{"error": {"*"}, "since": {"-P1D"}, "until": {"-PT1S"}})
	get(400, "/failures", url.Values{"error": {"["}, "since": {"-PT1H"}, "until": {"-PT2H"}})

	get(200, "/failures", url.Values{"status": {"HELD"}, "state": {"Enrich"}, "cause": {"x"}, "ownerId": {"o"}, "resourceId": {id}})
	const noJob = "/failures/jobs/01ARZ3NDEKTSV4RRFFQ69G5FAV"
	var job, same replay.FailureJob
	jobBody := `{"select":{"resourceId":"` + id + `"},"reason":"` + why + `"}`
	for _, action := range []string{"close", "reopen"} {
		jobKey := http.Header{"Idempotency-Key": {fresh("key")}}
		if err := json.Unmarshal(ask(202, "POST", "/failures/"+action, nil, jobKey, jobBody), &job); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(ask(202, "POST", "/failures/"+action, nil, jobKey, jobBody), &same); err != nil || same.JobID != job.JobID {
			t.Errorf("the same key again: got %s, %v, want %s", same.JobID, err, job.JobID)
		}
		ask(409, "POST", "/failures/"+action, nil, jobKey, `{"select":{"error":"x"},"reason":"another"}`)
		ask(400, "POST", "/failures/"+action, nil, nil, `{"select":{},"reason":"x"}`)
	}
	get(200, "/failures/jobs", url.Values{"limit": {"5"}})
	get(400, "/failures/jobs", url.Values{"limit": {"0"}})
	get(200, "/failures/jobs/"+job.JobID, nil)
	get(400, "/failures/jobs/"+job.JobID, url.Values{"verbose": {"1"}})
	get(404, noJob, nil)
	get(200, "/failures/groups", nil)
	get(400, "/failures/groups", url.Values{"error": {"*"}})

	for _, p := range doc.Missing(openapi.Deployed, watch.Seen()) {
		t.Errorf("nothing here gets the answer %s", p)
	}
}

// A position in one list means nothing in another, and silently listing the wrong half would be worse than an error.
func TestACursorOfAnotherListIsRefused(t *testing.T) {
	t.Parallel()
	owner := fresh("agency")
	sys.ingestAll(t, several(2, "cursor", owner)...)
	first := sys.replay(t, request{Select: selection{OwnerID: owner}})
	second := sys.replay(t, request{Select: selection{OwnerID: owner}})
	one := url.Values{"limit": {"1"}}
	cursor := sys.items(t, first.ReplayID, one).NextCursor
	for _, c := range []struct {
		path  string
		query url.Values
	}{
		{"/replays/" + second.ReplayID + "/items", url.Values{}},
		{"/replays/" + first.ReplayID + "/items", url.Values{"outcome": {"SUCCEEDED"}}},
		{"/replays", url.Values{}},
		{"/failures", url.Values{}},
		{"/versions", url.Values{"resourceId": {fresh("any")}}},
	} {
		c.query.Set("cursor", cursor)
		checkFaults(t, sys.problem(t, http.MethodGet, c.path, c.query, "", http.StatusBadRequest), "cursor")
	}
	rest := sys.items(t, first.ReplayID, url.Values{"cursor": {cursor}, "limit": {"50"}})
	if len(rest.Items) != 1 {
		t.Errorf("got %+v with its own cursor, want the second item", rest)
	}
}
