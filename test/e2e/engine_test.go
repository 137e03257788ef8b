package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// asked posts a body that lacks only its reason, and returns the answer.
func (y *system) asked(t *testing.T, body string, args ...any) replay.Accepted {
	t.Helper()
	body = `{` + fmt.Sprintf(body, args...) + `,"reason":"` + why + `"}`
	ans, err := y.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays", Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	var accepted replay.Accepted
	if ans.Status != http.StatusAccepted {
		t.Fatalf("%s: got status %d: %s", body, ans.Status, ans.Body)
	}
	if err := json.Unmarshal(ans.Body, &accepted); err != nil {
		t.Fatal(err)
	}
	return accepted
}

// done waits until a replay has ended as it should, and checks that its counts equal its items.
func (y *system) done(t *testing.T, id string, status replay.Status, want replay.Counts) (replay.Replay, []replay.Item) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	r, err := y.API.Replays.Wait(ctx, id)
	items, _ := y.pages(t, id, nil, "50")
	if err != nil || r.Status != status || r.Counts != want {
		t.Fatalf("got %s %+v, %v; want %s %+v: %+v", r.Status, r.Counts, err, status, want, items)
	}
	if len(items) != r.Counts.Matched || r.CompletedAt == nil || r.RequestedBy == "" || r.Reason != why {
		t.Errorf("got %+v with %d items", r, len(items))
	}
	return r, items
}

// sold ingests n events of one listing and returns the ids of their versions, oldest first.
func (y *system) sold(t *testing.T, id, owner string, n int) []string {
	t.Helper()
	for i := range n {
		y.succeeded(t, y.ingest(t, listing{id: id, owner: owner, price: costly + i}.json()))
	}
	var versions []string
	for _, v := range y.versions(t, id).Versions {
		versions = append([]string{v.VersionID}, versions...)
	}
	return versions
}

// several are listings of an owner, each with an id of its own.
func several(n int, name, owner string) (listings []listing) {
	for range n {
		listings = append(listings, listing{id: fresh(name), owner: owner, price: costly})
	}
	return listings
}

func TestASeriesRunsInOrder(t *testing.T) {
	t.Parallel()
	id, owner := fresh("series"), fresh("agency")
	versions := sys.sold(t, id, owner, 4)
	for _, tt := range []struct {
		versions string
		want     []string
	}{
		{`{"series":"all"}`, versions},
		{`{"series":{"last":2},"onFailure":"continue"}`, versions[2:]},
		{fmt.Sprintf(`{"series":{"from":%q,"to":%q}}`, versions[1], versions[3]), versions[1:]},
		{`{"series":{"from":"-PT1H"},"onFailure":"stop"}`, versions},
		{fmt.Sprintf(`{"ids":[%q,%q]}`, versions[3], versions[1]), []string{versions[1], versions[3]}},
	} {
		accepted := sys.asked(t, `"select":{"resourceIds":[%q]},"versions":%s`, id, tt.versions)
		n := len(tt.want)
		_, items := sys.done(t, accepted.ReplayID, replay.Completed, replay.Counts{Matched: n, Started: n, Succeeded: n})
		var got []string
		last := time.Time{}
		for _, it := range items {
			got = append(got, it.VersionID)
			name := it.ExecutionARN[strings.LastIndex(it.ExecutionARN, ":")+1:]
			d := sys.describe(t, name)
			if d.StartDate.Before(last) {
				t.Errorf("%s: version %s started before the one ahead of it had ended", tt.versions, it.VersionID)
			}
			last = *d.StopDate
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: ran %v, want %v", tt.versions, got, tt.want)
		}
	}
	if n := len(sys.versions(t, id).Versions); n != 4 {
		t.Errorf("%d versions, want 4", n)
	}
}

func TestASeriesStopsAfterAFailureOrGoesOn(t *testing.T) {
	t.Parallel()
	id, owner := fresh("series"), fresh("agency")
	sys.succeeded(t, sys.ingest(t, listing{id: id, owner: owner, price: costly}.json()))
	sys.ended(t, sys.ingest(t, listing{id: id, owner: owner, price: bad}.json()), "FAILED")
	sys.succeeded(t, sys.ingest(t, listing{id: id, owner: owner, price: costly + 2}.json()))
	stops := sys.asked(t, `"select":{"resourceIds":[%q]},"versions":{"series":"all"}`, id)
	_, items := sys.done(t, stops.ReplayID, replay.Completed, replay.Counts{Matched: 3, Started: 2, Succeeded: 1, Failed: 1, Skipped: 1})
	if items[2].Outcome != replay.Skipped || !strings.Contains(items[2].Reason, "older version") {
		t.Errorf("got %+v, want the newest skipped and why", items[2])
	}
	goesOn := sys.asked(t, `"select":{"resourceIds":[%q]},"versions":{"series":"all","onFailure":"continue"}`, id)
	sys.done(t, goesOn.ReplayID, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 2, Failed: 1})
}

func TestADryRunPlansAndATransformRuns(t *testing.T) {
	t.Parallel()
	id, owner := fresh("patched"), fresh("agency")
	versions := sys.sold(t, id, owner, 1)
	const patch = `"transform":{"mergePatch":{"listing":{"priceUsd":1999999}}},"publish":"suppress"`
	dry := sys.asked(t, `"select":{"ownerId":%q},"dryRun":true,%s`, owner, patch)
	r, _ := sys.done(t, dry.ReplayID, replay.Planned, replay.Counts{Matched: 1})
	if r.Plan == nil || r.Plan.Items != 1 || len(r.Plan.Sample) != 1 || !strings.Contains(string(r.Plan.Sample[0].Diff), "/listing/priceUsd") ||
		r.Plan.Sample[0].VersionID != versions[0] || r.Plan.Sample[0].ExecutionARN != "" {
		t.Errorf("got plan %+v", r.Plan)
	}
	wet := sys.asked(t, `"select":{"ownerId":%q},%s`, owner, patch)
	sys.done(t, wet.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	name := domain.APIName(wet.ReplayID, id, 0)
	if body, _ := sys.object(t, eventlog.DerivedKey(name)); !strings.Contains(body, "1999999") {
		t.Errorf("derived event %s, want it patched", body)
	}
	if body, _ := sys.object(t, eventlog.OutputKey(name)); !strings.Contains(body, "1999999") {
		t.Errorf("output %s, want that of the patched event", body)
	}
	sys.downstream.none(t, name)
	if n := len(sys.versions(t, id).Versions); n != 1 {
		t.Errorf("%d versions, want the log as it was", n)
	}
	wrong := sys.asked(t, `"select":{"resourceIds":[%q]},"transform":{"jsonPatch":[{"op":"test","path":"/listing/priceUsd","value":1}]}`, id)
	_, items := sys.done(t, wrong.ReplayID, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
	if !strings.Contains(items[0].Reason, "TransformFailed") {
		t.Errorf("got %+v, want why the patch failed", items[0])
	}
}

func TestARepublishSendsTheOutputToOneTarget(t *testing.T) {
	t.Parallel()
	id, owner := fresh("lost"), fresh("agency")
	live := sys.ingest(t, listing{id: id, owner: owner, price: costly}.json())
	sys.succeeded(t, live)
	sent := sys.downstream.one(t, live)
	again := sys.asked(t, `"action":"republish","select":{"resourceIds":[%q]},"target":"search"`, id)
	_, items := sys.done(t, again.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if items[0].ExecutionARN != sys.ExecutionARN(live) {
		t.Errorf("got %+v, want the execution whose output it is", items[0])
	}
	got := sys.downstream.some(t, 2, live)
	if len(got) != 2 || got[1].body != sent.body {
		t.Fatalf("got %+v, want the same message twice", got)
	}
	for name, want := range map[string]string{"isReplay": "true", "replayId": again.ReplayID, "target": "search", "reason": why, "resourceId": id} {
		if got[1].attributes[name] != want {
			t.Errorf("attribute %s is %q, want %q", name, got[1].attributes[name], want)
		}
	}
	if h := sys.history(t, id); len(h.Executions) != 1 {
		t.Errorf("%d executions, want the live one alone", len(h.Executions))
	}
}

func TestOldVersionsAreGuarded(t *testing.T) {
	t.Parallel()
	id, owner := fresh("stale"), fresh("agency")
	versions := sys.sold(t, id, owner, 2)
	at := sys.versions(t, id).Versions[1].RecordedAt.Format(time.RFC3339Nano)
	for _, selected := range []string{
		fmt.Sprintf(`"versions":{"ids":[%q]}`, versions[0]), fmt.Sprintf(`"versions":{"asOf":%q}`, at),
	} {
		guarded := sys.asked(t, `"select":{"resourceIds":[%q]},%s`, id, selected)
		_, items := sys.done(t, guarded.ReplayID, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
		if !strings.Contains(items[0].Reason, "stale") {
			t.Errorf("got %+v, want why it was skipped", items[0])
		}
		allowed := sys.asked(t, `"select":{"resourceIds":[%q]},%s,"allowStale":true`, id, selected)
		_, items = sys.done(t, allowed.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
		if items[0].VersionID != versions[0] {
			t.Errorf("got %+v, want the old version", items[0])
		}
	}
	window := sys.asked(t, `"select":{"resourceIds":[%q],"recorded":{"from":"-PT1H","to":%q}}`, id, at)
	sys.done(t, window.ReplayID, replay.Completed, replay.Counts{Matched: 1, Skipped: 1}) // nothing before the first
	if f := window.Request.Select.Recorded.From; f == nil || time.Since(*f) < time.Hour {
		t.Errorf("the relative time is answered as %v, want it frozen", f)
	}
}

func TestEverythingUpToMaxItems(t *testing.T) {
	t.Parallel()
	owner := fresh("agency")
	sys.ingestAll(t, several(3, "all", owner)...)
	all := sys.asked(t, `"select":{"all":true,"recorded":{"from":"-PT1H"}},"maxItems":2,"dryRun":true`)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := sys.API.Replays.Wait(ctx, all.ReplayID)
	if err != nil || r.Status != replay.Planned || r.Counts.Matched != 2 || !r.Truncated {
		t.Errorf("got %+v, %v, want two items and that there are more", r, err)
	}
	some := sys.asked(t, `"select":{"ownerId":%q},"maxItems":2`, owner)
	r, _ = sys.done(t, some.ReplayID, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	if !r.Truncated {
		t.Error("not truncated")
	}
}

func TestFailuresAreReplayedAndLeaveTheQuarantine(t *testing.T) {
	id, owner := fresh("failed"), fresh("agency")
	execution := sys.ingest(t, listing{id: id, owner: owner, price: bad}.json())
	sys.ended(t, execution, "FAILED")
	sys.decided(t, execution, domain.Quarantined)
	eventually(t, patience, execution+" is listed", func(context.Context) (bool, error) {
		var page replay.Failures
		sys.get(t, "/failures", url.Values{"error": {"*"}, "since": {"-PT10M"}, "limit": {"100"}}, &page)
		return slices.ContainsFunc(page.Failures, func(f replay.Failure) bool { return f.Execution == execution }), nil
	})
	failure := sys.quarantined(t, execution)
	accepted := sys.asked(t, `"select":{"failures":{"error":%q,"since":%q}},"maxItems":100,"dryRun":true`,
		failure.Error, failure.FailedAt.Format(time.RFC3339Nano))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := sys.API.Replays.Wait(ctx, accepted.ReplayID)
	if err != nil || r.Status != replay.Planned || r.Counts.Matched == 0 || r.Request.Versions.Mode != replay.FailedVersion {
		t.Fatalf("got %+v, %v", r, err)
	}
	items, _ := sys.pages(t, accepted.ReplayID, nil, "100")
	if !slices.ContainsFunc(items, func(it replay.Item) bool { return it.ResourceID == id && it.VersionID == failure.VersionID }) {
		t.Errorf("got %+v, want version %s of %s", items, failure.VersionID, id)
	}
	patched := sys.asked(t, `"select":{"resourceIds":[%q]},"transform":{"mergePatch":{"listing":{"priceUsd":450000}}}`, id)
	sys.done(t, patched.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	var page replay.Failures
	sys.get(t, "/failures", url.Values{"limit": {"100"}}, &page)
	if slices.ContainsFunc(page.Failures, func(f replay.Failure) bool { return f.Execution == execution }) {
		t.Error("it is in the quarantine still, although a replay of it succeeded")
	}
}

func TestAPacedReplayIsCancelled(t *testing.T) {
	t.Parallel()
	owner := fresh("agency")
	sys.ingestAll(t, several(12, "paced", owner)...)
	accepted := sys.asked(t, `"select":{"ownerId":%q},"maxPerSecond":1`, owner)
	var r replay.Replay
	eventually(t, patience, "some have started", func(context.Context) (bool, error) {
		sys.get(t, "/replays/"+accepted.ReplayID, nil, &r)
		return r.Counts.Started >= 2, nil
	})
	ans, err := sys.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays/" + accepted.ReplayID + "/cancel"})
	if err != nil || ans.Status != http.StatusOK {
		t.Fatalf("cancel: got %d %s, %v", ans.Status, ans.Body, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err = sys.API.Replays.Wait(ctx, accepted.ReplayID)
	if err != nil || r.Status != replay.Cancelled || r.Counts.Started+r.Counts.Skipped != 12 || r.Counts.Skipped == 0 ||
		r.Counts.Succeeded != r.Counts.Started || r.Stopped == nil || r.Stopped.By == "" {
		t.Errorf("got %+v, %v, want some run and the rest skipped", r, err)
	}
	items, _ := sys.pages(t, accepted.ReplayID, nil, "5")
	for _, it := range items {
		if it.StartedAt == nil && (it.Outcome != replay.Skipped || !strings.Contains(it.Reason, "cancelled")) {
			t.Errorf("got %+v, want it skipped and why", it)
		}
	}
	var page replay.Replays
	sys.get(t, "/replays", url.Values{"status": {"CANCELLED"}, "limit": {"100"}}, &page)
	if !slices.ContainsFunc(page.Replays, func(s replay.Summary) bool { return s.ReplayID == accepted.ReplayID }) {
		t.Error("GET /replays does not list it")
	}
}

func TestTooManyFailuresHaltAReplay(t *testing.T) {
	t.Parallel()
	owner := fresh("agency")
	var executions []string
	for range 3 {
		executions = append(executions, sys.ingest(t, listing{id: fresh("halt"), owner: owner, price: bad}.json()))
	}
	for _, execution := range executions {
		sys.ended(t, execution, "FAILED")
	}
	accepted := sys.asked(t, `"select":{"ownerId":%q},"maxFailures":0,"maxPerSecond":1`, owner)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := sys.API.Replays.Wait(ctx, accepted.ReplayID)
	if err != nil || r.Status != replay.Halted || r.Counts.Failed == 0 || r.Counts.Failed+r.Counts.Skipped != 3 {
		t.Errorf("got %+v, %v, want it halted after a failure", r, err)
	}
}

func TestAnEventAndItsKeyOverTheAPI(t *testing.T) {
	t.Parallel()
	id := "odd/" + fresh("ü <&>")
	event := listing{id: id, owner: fresh("agency"), price: costly}.json()
	sys.succeeded(t, sys.ingest(t, event))
	version := sys.versions(t, id).Versions[0].VersionID
	ans, err := sys.API.Do(t.Context(), client.Request{Method: http.MethodGet, Path: "/versions/" + url.PathEscape(version), Query: url.Values{"resourceId": {id}}})
	if err != nil || ans.Status != http.StatusOK || string(ans.Body) != event {
		t.Errorf("got %d %s, %v, want %s", ans.Status, ans.Body, err, event)
	}
	sys.problem(t, http.MethodGet, "/versions/none", url.Values{"resourceId": {id}}, "", http.StatusNotFound)
}

func TestAnIdempotencyKeyNamesOneReplay(t *testing.T) {
	t.Parallel()
	id := fresh("key")
	sys.succeeded(t, sys.ingest(t, listing{id: id, owner: fresh("agency"), price: costly}.json()))
	post := func(key, body string) (int, replay.Accepted) {
		ans, err := sys.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays", Header: http.Header{"Idempotency-Key": {key}}, Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		var accepted replay.Accepted
		if ans.Status == http.StatusAccepted {
			err = json.Unmarshal(ans.Body, &accepted)
		}
		if err != nil {
			t.Fatal(err)
		}
		return ans.Status, accepted
	}
	key := fresh("k")
	body := fmt.Sprintf(`{"select":{"resourceIds":[%q],"recorded":{"from":"-PT1H"}},"reason":%q}`, id, why)
	first, one := post(key, body)
	second, same := post(key, body)
	if first != http.StatusAccepted || second != http.StatusAccepted || same.ReplayID != one.ReplayID || !same.Request.Select.Recorded.From.Equal(*one.Request.Select.Recorded.From) {
		t.Errorf("got %d %+v and %d %+v, want the same replay twice", first, one, second, same)
	}
	if status, _ := post(key, strings.Replace(body, why, "another reason", 1)); status != http.StatusConflict {
		t.Errorf("another body: got status %d, want %d", status, http.StatusConflict)
	}
	if _, other := post(fresh("k"), body); other.ReplayID == one.ReplayID {
		t.Error("another key gave the same replay")
	}
	sys.done(t, one.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
}

// An event that Record refused is corrected and started from where it is kept.
func TestAnUnrecordedEventIsReplayed(t *testing.T) {
	id := fresh("unrecorded")
	event := listing{id: id, owner: fresh("agency"), price: costly}.json()
	execution := sys.ingest(t, strings.Replace(event, `"id":"`+id, `"name":"`+id, 1))
	sys.failed(t, execution, "InvalidEvent")
	sys.decided(t, execution, domain.Quarantined)
	failure := sys.quarantined(t, execution)
	if failure.InputKey == "" || failure.State != "Record" {
		t.Fatalf("got %+v, want its input and the state that failed", failure)
	}
	accepted := sys.asked(t, `"select":{"failures":{"error":"InvalidEvent","since":%q,"until":%q}},
		"transform":{"jsonPatch":[{"op":"test","path":"/listing/name","value":%q},{"op":"move","from":"/listing/name","path":"/listing/id"}]}`,
		failure.FailedAt.Format(time.RFC3339Nano), failure.FailedAt.Add(time.Millisecond).Format(time.RFC3339Nano), id)
	_, items := sys.done(t, accepted.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if items[0].ResourceID != id || items[0].VersionID == "" {
		t.Errorf("got %+v, want the resource and the version that were recorded", items[0])
	}
	if n := len(sys.versions(t, id).Versions); n != 1 {
		t.Errorf("%d versions, want the corrected event recorded", n)
	}
	if f := sys.failure(t, execution); f.Status != domain.Healed {
		t.Errorf("got %+v, want it healed", f)
	}
}
