package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/replay"
)

// What an event, an id, an error or a cause has in it is text, in each context of a page.
func TestHostileTextStaysText(t *testing.T) {
	const script = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`
	d := sit(t, nil)
	at := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	failure := replay.Failure{
		Execution: script, Status: replay.FailureQuarantined, ResourceID: script, OwnerID: script, VersionID: script, InputKey: script,
		State: script, Error: script, Cause: script, Decision: script, FailedAt: at, JobID: script,
	}
	summary := replay.Summary{ReplayID: script, Status: script, Action: script, Reason: script, RequestedBy: script, CreatedAt: at,
		Stopped: &replay.Stop{Status: script, By: script, At: at, Reason: script}}
	event, err := json.Marshal(map[string]string{script: script})
	if err != nil {
		t.Fatal(err)
	}
	version := func(id string, outcome string) replay.Version {
		return replay.Version{
			VersionID: id, RecordedAt: at, OwnerID: script, Size: 3,
			Executions: []replay.Execution{{Name: script, Kind: script, Status: outcome, Error: script, ReplayID: script, StartedAt: at}},
			Failures:   []replay.Setback{{Execution: script, Status: script, State: script, Error: script, Cause: script, Decision: script, FailedAt: at}},
		}
	}
	d.world.Gateway.Before(func(w http.ResponseWriter, r *http.Request) bool {
		var answer any
		path := strings.TrimPrefix(r.URL.Path, "/v1")
		switch {
		case path == "/failures/groups":
			answer = replay.FailureGroups{Groups: []replay.FailureGroup{{Status: script, Error: script, State: script, Count: 1, FirstAt: at, LastAt: at, Sample: &failure}}, CountedAt: at}
		case path == "/failures/jobs":
			answer = replay.FailureJobs{Jobs: []replay.FailureJob{{JobID: script, Action: script, Status: script, Reason: script, RequestedBy: script, CreatedAt: at, Count: 1}}}
		case path == "/failures":
			answer = replay.Failures{Failures: []replay.Failure{failure}, NextCursor: script}
		case path == "/versions":
			answer = replay.History{ResourceID: script, Versions: []replay.Version{version(script, "FAILED"), version("good", "SUCCEEDED")}, NextCursor: script}
		case strings.HasPrefix(path, "/versions/"):
			if strings.HasSuffix(path, "/good") {
				_, _ = w.Write([]byte(`{"a":1}`))
				return true
			}
			_, _ = w.Write(event)
			return true
		case path == "/replays":
			answer = replay.Replays{Replays: []replay.Summary{summary}, NextCursor: script}
		case strings.HasSuffix(path, "/evidence"):
			count := replay.FailureCount{CountedAt: at, Total: 1, Groups: []replay.FailureTotal{{Status: script, Error: script, State: script, Count: 1}}}
			answer = replay.Evidence{
				ReplayID: script, Status: script, Action: script, Reason: script, RequestedBy: script, CreatedAt: at, CompletedAt: &at,
				Stopped: summary.Stopped, PlanID: script, PlanHash: script, Digest: script, Software: replay.Software{Release: script, Go: script},
				Request: replay.Request{Select: replay.Select{OwnerID: script, Where: script}, Apply: &replay.Apply{PlanID: script}},
				Failed:  []replay.Item{{ResourceID: script, Outcome: script, VersionID: script, ExecutionARN: script, Reason: script}},
				Failures: replay.EvidenceFailures{
					Selected: []replay.SelectedFailures{{Error: script, State: script, Count: 1, Now: map[string]int{script: 1}}}, Before: &count, After: &count,
				},
			}
		case strings.HasSuffix(path, "/items"):
			answer = replay.Items{Items: []replay.Item{{ResourceID: script, Outcome: script, VersionID: script, Reason: script}}, NextCursor: script}
		default:
			summary := summary
			summary.DryRun, summary.Status = true, replay.Planned
			answer = replay.Replay{Summary: summary, Request: replay.Request{Select: replay.Select{OwnerID: script, Where: script, ResourceIDs: []string{script}}, Target: script},
				Plan: &replay.Plan{Items: 1, PlanHash: script, ExpiresAt: time.Now().Add(time.Hour), Estimate: replay.Estimate{Without: script},
					Sample: []replay.Item{{ResourceID: script, Outcome: script, VersionID: script, Reason: script, Diff: json.RawMessage(`[{"op":"add","path":"/<script>","value":` + string(event) + `}]`)}}}}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
		return true
	})
	q := url.QueryEscape(script)
	for _, path := range []string{
		"/", "/failures", "/failures?status=QUARANTINED&error=" + q + "&resource=" + q, "/failures?status=" + q, "/failures/jobs",
		"/resource?id=" + q, "/version?resource=" + q + "&id=" + q, "/diff?resource=" + q + "&from=" + q + "&to=good", "/replays",
		"/replays/" + url.PathEscape(script), "/replays/" + url.PathEscape(script) + "/evidence", "/replays/new?resource=" + q + "&reason=" + q + "&mergePatch=" + q + "&where=" + q + "&versions=" + q,
		"/search?q=" + q, "/nowhere/" + url.PathEscape(script),
	} {
		p := d.get(path)
		for _, raw := range []string{"<script>alert", "<img", "onerror=alert(1)>"} {
			if strings.Contains(p.body, raw) {
				t.Errorf("%s has %s as it came", path, raw)
			}
		}
		if p.status >= http.StatusInternalServerError {
			t.Errorf("%s: got %d\n%s", path, p.status, p.body)
		}
		for _, link := range regexp.MustCompile(`(?:href|action)="([^"]*)"`).FindAllStringSubmatch(p.body, -1) {
			if !strings.HasPrefix(link[1], "/") && !strings.HasPrefix(link[1], "#") {
				t.Errorf("%s leads to %s", path, link[1])
			}
		}
	}
}

func TestEventsAreShownAsThePayloadModeSays(t *testing.T) {
	const secret = "secret-4711"
	for mode, want := range map[console.Payloads]struct{ has, lacks []string }{
		console.PayloadsFull:   {has: []string{secret, "&#34;secret&#34;"}},
		console.PayloadsMasked: {has: []string{"&#34;secret&#34;", "(string)", "(number)"}, lacks: []string{secret, "90210"}},
		console.PayloadsNone:   {has: []string{"--payloads none"}, lacks: []string{secret, "90210", "(string)"}},
	} {
		t.Run(string(mode), func(t *testing.T) {
			d := sit(t, func(o *console.Options) { o.Payloads = mode })
			d.world.Engine.Ingest("live-1", `{"id":"r1","owner":"o1","secret":"secret-4711-a","n":90210}`)
			d.world.Engine.Report()
			d.world.Engine.Machine.Work = func(string, string) (string, string) { return "", "Bad" }
			d.world.Engine.Ingest("live-2", `{"id":"r1","owner":"o1","secret":"secret-4711-b","n":90211}`)
			d.world.Engine.Report()
			d.world.Engine.Schedule()
			versions := d.world.VersionsOf("r1")
			newest, older := versions[0].VersionID, versions[1].VersionID
			before := len(d.world.Gateway.Calls())
			version := d.get("/version?resource=r1&id=" + newest)
			version.has(t, http.StatusOK, want.has...)
			pages := []seen{
				version, d.get("/diff?resource=r1&from=" + older + "&to=" + newest),
				d.post("/replays/preview", url.Values{"resource": {"r1"}, "change": {"json"}, "jsonPatch": {`[{"op":"remove","path":"/secret"}]`}}),
			}
			plan, _ := d.planned(url.Values{"resource": {"r1"}, "change": {"json"}, "jsonPatch": {`[{"op":"remove","path":"/secret"}]`}, "reason": {"x"}})
			plan.has(t, http.StatusOK, "<code>/secret</code>")
			for _, p := range append(pages, plan) {
				for _, lacks := range want.lacks {
					if strings.Contains(p.body, lacks) {
						t.Errorf("%s has %s", p.path, lacks)
					}
				}
			}
			if mode == console.PayloadsNone {
				for _, c := range d.world.Gateway.Calls()[before : before+2] {
					if strings.Contains(c, "/versions/") {
						t.Errorf("got %s, want the event not read", c)
					}
				}
			}
		})
	}
}
