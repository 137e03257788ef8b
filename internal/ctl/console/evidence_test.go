package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

func TestTheEvidenceOfAReplayIsAPage(t *testing.T) {
	d := sit(t, func(o *console.Options) {
		o.ExecutionURL = func(name string) string { return "https://console.example/" + url.PathEscape(name) }
	})
	d.world.Engine.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	d.world.Event("live-L-1", `{"id":"L-1","owner":"o1"}`)
	d.world.Event("live-L-2", `{"id":"L-2","owner":"o1"}`)
	d.world.Engine.Schedule() // once: counts of the same millisecond are one
	d.world.Engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "L-1") {
			return "", "BadListing"
		}
		return event, ""
	}
	id := d.world.Ask(`{"select":{"failures":{"error":"BadListing"}},"reason":"the listings are corrected"}`)
	path := "/replays/" + id + "/evidence"
	d.get(path).has(t, http.StatusOK, "written when the replay has ended", `data-refresh="10"`, "replayctl status "+id+" --wait")
	if p := d.get("/replays/" + id); strings.Contains(p.body, path) {
		t.Error("the page of a replay that runs leads to its evidence")
	}
	for range 3 {
		d.world.Engine.Pump()
		d.world.Engine.Report()
	}
	d.get("/replays/"+id).has(t, http.StatusOK, `href="`+path+`"`)
	p := d.get(path)
	p.has(t, http.StatusOK, "COMPLETED", "the listings are corrected", "in quarantine, error BadListing", "HEALED",
		"https://console.example/", "replayctl report "+id+" --verify</code>")
	looks(t, "evidence", p)

	if err := d.world.Engine.Log.PutObject(t.Context(), eventlog.EvidenceKey(id), []byte("{")); err != nil {
		t.Fatal(err)
	}
	if p := d.get(path); p.status != http.StatusBadGateway {
		t.Errorf("got %d for evidence that cannot be read, want 502", p.status)
	}
	d.get("/replays/01ARZ3NDEKTSV4RRFFQ69G5FAV/evidence").has(t, http.StatusNotFound, "Not found")
}

func TestAPlanHasNoEvidence(t *testing.T) {
	d := outage(t, nil)
	id := d.world.Ask(`{"select":{"resourceIds":["L-1"]},"dryRun":true,"reason":"a look"}`)
	d.world.Engine.Pump()
	if p := d.get("/replays/" + id); strings.Contains(p.body, "/evidence") {
		t.Error("the page of a plan leads to evidence")
	}
	d.get("/replays/"+id+"/evidence").has(t, http.StatusOK, "has no evidence", `href="/replays/`+id+`"`, "replayctl status "+id)
}

func TestTheEvidenceIsWaitedFor(t *testing.T) {
	d := outage(t, nil)
	id := d.world.Ask(`{"select":{"resourceIds":["L-2"]},"reason":"x"}`)
	d.post("/replays/"+id+"/cancel", nil).has(t, http.StatusOK, "CANCELLED")
	d.get("/replays/"+id+"/evidence").has(t, http.StatusOK, "is being written", `data-refresh="2"`)
	d.world.Engine.Pump()
	d.get("/replays/"+id+"/evidence").has(t, http.StatusOK, "CANCELLED", "(arn:", "oncall/ada", "never changes")
}
