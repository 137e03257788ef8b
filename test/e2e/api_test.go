package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

func TestAReplayRunsTheLatestEventAgain(t *testing.T) {
	t.Parallel()
	id, owner := fresh("again"), fresh("agency")
	older := sys.ingest(t, listing{id: id, owner: owner, price: costly}.json())
	sys.succeeded(t, older)
	event := listing{id: id, owner: owner, price: costly + 1}.json()
	newer := sys.ingest(t, event)
	sys.succeeded(t, newer)

	body := fmt.Sprintf(`{"select":{"resourceIds":[%q,%q]},"reason":%q}`, id, id, why) // the same one twice
	ans, err := sys.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays", Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	var accepted replay.Accepted
	if err := json.Unmarshal(ans.Body, &accepted); err != nil || ans.Status != http.StatusAccepted {
		t.Fatalf("got status %d, want 202: %s", ans.Status, ans.Body)
	}
	self := "/" + stageOf(t) + "/replays/" + accepted.ReplayID
	if ans.Header.Get("Location") != self || accepted.Links["self"] != self || accepted.Links["items"] != self+"/items" ||
		accepted.Status != replay.Pending {
		t.Errorf("got Location %s and %s", ans.Header.Get("Location"), ans.Body)
	}

	r := sys.completed(t, accepted.ReplayID)
	if want := (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); r.Counts != want {
		t.Errorf("got counts %+v, want %+v", r.Counts, want)
	}
	if r.Request.Action != replay.Rerun || r.Request.Versions.Mode != replay.LatestVersion || r.Request.Reason != why ||
		r.RequestedBy == "" || r.CompletedAt == nil || r.CompletedAt.Before(r.CreatedAt) || r.Links["self"] != self {
		t.Errorf("got %+v", r)
	}

	// The execution: named after the replay, started with the newer event and what it is about.
	name := domain.APIName(r.ReplayID, id, 0)
	it := sys.items(t, r.ReplayID, nil).Items[0]
	v := sys.versions(t, id)
	if it.ExecutionARN != sys.ExecutionARN(name) || it.VersionID != v.Versions[0].VersionID || it.StartedAt == nil || it.EndedAt == nil {
		t.Errorf("got item %+v, want version %s by %s", it, v.Versions[0].VersionID, name)
	}
	var input struct {
		Header struct{ Mode, ReplayID, ResourceID, VersionID, Reason string } `json:"replayableIngestion"`
		Event  json.RawMessage                                                `json:"event"`
	}
	if err := json.Unmarshal([]byte(aws.ToString(sys.succeeded(t, name).Input)), &input); err != nil {
		t.Fatal(err)
	}
	if h := input.Header; h.Mode != "api" || h.ReplayID != r.ReplayID || h.ResourceID != id || h.VersionID != it.VersionID || h.Reason != why {
		t.Errorf("got header %+v", h)
	}
	if string(input.Event) != event {
		t.Errorf("got event %s, want %s", input.Event, event)
	}

	// No version more, and the history tells what became of each.
	if len(v.Versions) != 2 || !slices.Equal(statuses(v.Versions[0]), []string{"live SUCCEEDED", "api SUCCEEDED"}) ||
		!slices.Equal(statuses(v.Versions[1]), []string{"live SUCCEEDED"}) {
		t.Errorf("got %+v", v.Versions)
	}
	if got := v.Versions[0].Executions[1]; got.Name != name || got.ReplayID != r.ReplayID || got.Published == nil {
		t.Errorf("got execution %+v", got)
	}

	// Downstream knows it for what it is; who takes no replays gets none; the side effect is not repeated.
	got := sys.downstream.one(t, name).attributes
	if got["isReplay"] != "true" || got["replayId"] != r.ReplayID || got["reason"] != why || got["versionId"] != it.VersionID || got["attempt"] != "" {
		t.Errorf("got attributes %v", got)
	}
	sys.live.none(t, name)
	if got := len(sys.premium.some(t, 2, id)); got != 2 {
		t.Errorf("the sales team got %d offers, want 2: one for each live event", got)
	}
}

func stageOf(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(sys.APIURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path[strings.LastIndex(u.Path, "/")+1:]
}

func TestAReplayOfAnOwnerSkipsWhatHasMovedOn(t *testing.T) {
	t.Parallel()
	owner, other := fresh("agency"), fresh("agency")
	var ids []string
	for _, name := range []string{"stays-1", "stays-2", "moves"} {
		ids = append(ids, fresh(name))
	}
	moved := ids[2]
	var runs []string
	for _, id := range ids {
		runs = append(runs, sys.ingest(t, listing{id: id, owner: owner}.json()))
	}
	for _, run := range runs {
		sys.succeeded(t, run)
	}
	sys.succeeded(t, sys.ingest(t, listing{id: moved, owner: other}.json()))

	r := sys.replay(t, request{Select: selection{OwnerID: owner}})
	if want := (replay.Counts{Matched: 3, Started: 2, Succeeded: 2, Skipped: 1}); r.Counts != want {
		t.Errorf("got counts %+v, want %+v", r.Counts, want)
	}
	skipped := sys.items(t, r.ReplayID, url.Values{"outcome": {"SKIPPED"}}).Items
	if len(skipped) != 1 || skipped[0].ResourceID != moved || !strings.Contains(skipped[0].Reason, other) {
		t.Errorf("got %+v, want %s skipped because of %s", skipped, moved, other)
	}
	if sys.describe(t, domain.APIName(r.ReplayID, moved, 0)) != nil {
		t.Error("the moved resource was replayed")
	}
	for _, id := range ids[:2] {
		sys.downstream.one(t, domain.APIName(r.ReplayID, id, 0))
	}
}

func TestAReplayOfAnUnknownOwnerCompletesWithNothing(t *testing.T) {
	t.Parallel()
	r := sys.replay(t, request{Select: selection{OwnerID: fresh("nobody")}})
	if r.Counts != (replay.Counts{}) {
		t.Errorf("got counts %+v, want none", r.Counts)
	}
}

func TestItemsAreListedByOutcomeAndPage(t *testing.T) {
	t.Parallel()
	owner := fresh("agency")
	known := []string{fresh("known-1"), fresh("known-2"), fresh("known-3")}
	unknown := []string{fresh("unknown-1"), fresh("unknown-2")}
	badOne := fresh("bad")
	runs := []string{}
	for _, id := range known {
		runs = append(runs, sys.ingest(t, listing{id: id, owner: owner}.json()))
	}
	failing := sys.ingest(t, listing{id: badOne, owner: owner, price: bad}.json())
	for _, run := range runs {
		sys.succeeded(t, run)
	}
	sys.failed(t, failing, "InvalidListing")

	all := slices.Concat(known, unknown, []string{badOne})
	r := sys.replay(t, request{Select: selection{ResourceIDs: all}})
	if want := (replay.Counts{Matched: 6, Started: 4, Succeeded: 3, Failed: 1, Skipped: 2}); r.Counts != want {
		t.Errorf("got counts %+v, want %+v", r.Counts, want)
	}
	for _, c := range []struct {
		outcome string
		ids     []string
		reason  string
	}{
		{outcome: "", ids: all},
		{outcome: "SUCCEEDED", ids: known},
		{outcome: "SKIPPED", ids: unknown, reason: "the event log has no such resource"},
		{outcome: "FAILED", ids: []string{badOne}, reason: "InvalidListing"},
		{outcome: "WAITING"},
		{outcome: "STARTED"},
	} {
		query := url.Values{}
		if c.outcome != "" {
			query.Set("outcome", c.outcome)
		}
		for _, size := range []string{"1", "2", "100"} {
			items, _ := sys.pages(t, r.ReplayID, query, size)
			var got []string
			for _, it := range items {
				got = append(got, it.ResourceID)
				if c.outcome != "" && (string(it.Outcome) != c.outcome || it.Reason != c.reason) {
					t.Errorf("outcome %q: got %+v, want reason %q", c.outcome, it, c.reason)
				}
			}
			if !slices.Equal(got, c.ids) {
				t.Errorf("outcome %q in pages of %s: got %v, want %v", c.outcome, size, got, c.ids)
			}
		}
	}
	if _, pages := sys.pages(t, r.ReplayID, nil, "2"); pages < 3 { // the last one may be empty, as in DynamoDB
		t.Errorf("6 items in pages of 2: got %d pages, want 3 or more", pages)
	}
}

func TestVersionsAreListedByPage(t *testing.T) {
	t.Parallel()
	id, owner := fresh("paged"), fresh("agency")
	var want []string // newest first
	for price := range 3 {
		name := sys.ingest(t, listing{id: id, owner: owner, price: ordinary + price}.json())
		sys.succeeded(t, name)
		want = slices.Insert(want, 0, sys.row(t, name).VersionID)
	}
	var got []string
	query := url.Values{"resourceId": {id}, "limit": {"1"}}
	for range want {
		var page replay.History
		sys.get(t, "/versions", query, &page)
		for _, v := range page.Versions {
			got = append(got, v.VersionID)
			if !slices.Equal(statuses(v), []string{"live SUCCEEDED"}) {
				t.Errorf("version %s: got executions %v", v.VersionID, v.Executions)
			}
		}
		query.Set("cursor", page.NextCursor)
		if page.NextCursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got versions %v, want %v", got, want)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	const noReplay = "/replays/01ARZ3NDEKTSV4RRFFQ69G5FAV"
	for _, c := range []struct {
		path  string
		query url.Values
	}{
		{path: noReplay},
		{path: noReplay + "/items"},
		{path: "/replays/not-an-id"},
		{path: "/replays/not-an-id/items"},
		{path: "/versions", query: url.Values{"resourceId": {fresh("unknown")}}},
	} {
		sys.problem(t, http.MethodGet, c.path, c.query, "", http.StatusNotFound)
	}
}

// MiniStack looks only whether there is a signature. dev/smoke tries a wrong one on AWS.
func TestAnUnsignedRequestIsForbidden(t *testing.T) {
	for _, c := range []struct{ method, path string }{
		{http.MethodPost, "/replays"}, {http.MethodGet, "/versions?resourceId=x"}, {http.MethodGet, "/failures"},
		{http.MethodGet, "/replays/01ARZ3NDEKTSV4RRFFQ69G5FAV"}, {http.MethodGet, "/replays/01ARZ3NDEKTSV4RRFFQ69G5FAV/items"},
	} {
		body := strings.NewReader(`{"select":{"resourceIds":["x"]},"reason":"nobody asked"}`)
		req, err := http.NewRequestWithContext(t.Context(), c.method, sys.APIURL+c.path, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // only the status matters
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s: got status %d, want 403", c.method, c.path, resp.StatusCode)
		}
	}
}

func TestBadReplayRequestsAreRefusedByField(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf(`"r%d"`, i)
		}
		return `{"select":{"resourceIds":[` + strings.Join(ids, ",") + `]},"reason":"x"}`
	}
	for _, c := range []struct {
		name, body string
		fields     []string
	}{
		{"not JSON", `replay everything, please`, []string{"body"}},
		{"half of it", `{"select":{"resourceIds":["a"]},`, []string{"body"}},
		{"two documents", `{"select":{"resourceIds":["a"]},"reason":"x"} {}`, []string{"body"}},
		{"null", `null`, []string{"body"}},
		{"an array", `[]`, []string{"body"}},
		{"an empty object", `{}`, []string{"select", "reason"}},
		{"unknown fields", `{"select":{"resourceIds":["a"],"tag":"b"},"reason":"x","dryRum":true}`, []string{"dryRum", "select.tag"}},
		{"no selection", `{"select":{},"reason":"x"}`, []string{"select"}},
		{"a selection of the wrong type", `{"select":"all","reason":"x"}`, []string{"select"}},
		{"no ids", many(0), []string{"select.resourceIds"}},
		{"5,000 ids", many(5000), []string{"select.resourceIds"}},
		{"1,001 ids", many(1001), []string{"select.resourceIds"}},
		{"ids that are no texts", `{"select":{"resourceIds":[1]},"reason":"x"}`, []string{"select.resourceIds"}},
		{"unusable ids", `{"select":{"resourceIds":["a","","b\u0000"]},"reason":"x"}`, []string{"select.resourceIds[1]", "select.resourceIds[2]"}},
		{"an unusable owner", `{"select":{"ownerId":""},"reason":"x"}`, []string{"select.ownerId"}},
		{"no reason", `{"select":{"resourceIds":["a"]}}`, []string{"reason"}},
		{"a blank reason", `{"select":{"resourceIds":["a"]},"reason":"  "}`, []string{"reason"}},
		{"a long reason", `{"select":{"resourceIds":["a"]},"reason":"` + strings.Repeat("x", 501) + `"}`, []string{"reason"}},
		{"an unknown action", `{"action":"delete","select":{"resourceIds":["a"]},"reason":"x"}`, []string{"action"}},
		{"unknown versions", `{"versions":"oldest","select":{"resourceIds":["a"]},"reason":"x"}`, []string{"versions"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := sys.problem(t, http.MethodPost, "/replays", nil, c.body, http.StatusBadRequest)
			checkFaults(t, p, c.fields...)
		})
	}
}

func TestBadQueriesAreRefusedByField(t *testing.T) {
	t.Parallel()
	id := fresh("queried")
	sys.succeeded(t, sys.ingest(t, listing{id: id, owner: fresh("agency")}.json()))
	r := sys.replay(t, request{Select: selection{ResourceIDs: []string{id}}})
	items := "/replays/" + r.ReplayID + "/items"
	for _, c := range []struct {
		path   string
		query  url.Values
		fields []string
	}{
		{items, url.Values{"limit": {"0"}}, []string{"limit"}},
		{items, url.Values{"limit": {"101"}}, []string{"limit"}},
		{items, url.Values{"limit": {"many"}, "outcome": {"LOST"}}, []string{"outcome", "limit"}},
		{items, url.Values{"cursor": {"%%%"}}, []string{"cursor"}},
		{items, url.Values{"cursor": {"bm9uZQ"}}, []string{"cursor"}},
		{"/versions", nil, []string{"resourceId"}},
		{"/versions", url.Values{"resourceId": {strings.Repeat("x", 1100)}, "limit": {"-1"}}, []string{"resourceId", "limit"}},
		{"/failures", url.Values{"limit": {"1.5"}, "cursor": {"?"}}, []string{"limit", "cursor"}},
	} {
		t.Run(fmt.Sprintf("%s %.40s", path.Base(c.path), c.query.Encode()), func(t *testing.T) {
			p := sys.problem(t, http.MethodGet, c.path, c.query, "", http.StatusBadRequest)
			checkFaults(t, p, c.fields...)
		})
	}
}

func checkFaults(t *testing.T, p replay.Problem, fields ...string) {
	t.Helper()
	var got []string
	for _, f := range p.Errors {
		got = append(got, f.Field)
		if f.Detail == "" {
			t.Errorf("field %s: no detail", f.Field)
		}
	}
	slices.Sort(got)
	slices.Sort(fields)
	if !slices.Equal(got, fields) {
		t.Errorf("got faults of %v, want of %v", got, fields)
	}
}
