package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestEveryPageSaysWhatIsPaused(t *testing.T) {
	now := time.Now()
	d := outage(t, func(o *console.Options) { o.Now = func() time.Time { return now } })
	pages := []string{"/", "/failures", "/failures?error=No*", "/replays", "/replays/new", "/resource?id=L-1", "/search?q=nothing", "/nowhere"}
	for _, path := range pages {
		if p := d.get(path); strings.Contains(p.body, "are paused") || strings.Contains(p.body, "is paused") {
			t.Errorf("%s says that something is paused", path)
		}
	}
	form := url.Values{"what": {"replays"}, "do": {"pause"}, "reason": {"the database is <full>"}}
	d.post("/controls", form).has(t, http.StatusOK, `autofocus>All replays are paused.</p>`)
	d.world.Run("pause --auto-replay --reason slowly").Wants(t, exit.OK, nil, nil)
	now = now.Add(5 * time.Second) // what another one paused
	for _, path := range pages {
		p := d.get(path)
		for _, want := range []string{
			"<strong>All replays are paused</strong> since", "oncall/ada", "the database is &lt;full&gt;", "replayctl resume --all",
			"<strong>Auto-replay is paused</strong> since", "slowly", "replayctl resume --auto-replay",
		} {
			if !strings.Contains(p.body, want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
	}
	for _, what := range []string{"replays", "autoReplay"} {
		d.post("/controls", url.Values{"what": {what}, "do": {"resume"}}).has(t, http.StatusOK, "on.</p>")
	}
	if p := d.get("/replays"); strings.Contains(p.body, `class="banner"`) {
		t.Error("it is resumed, and the banner is still there")
	}
}

func TestEveryPageSaysThatPauseAlarmRings(t *testing.T) {
	now := time.Now()
	d := sit(t, func(o *console.Options) { o.Now = func() time.Time { return now } })
	now = now.Add(5 * time.Second)
	d.world.Gateway.Before(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/controls" {
			return false
		}
		_, _ = w.Write([]byte(`{"replays":{},"autoReplay":{},"pauseAlarm":{"at":"2026-11-26T08:00:00Z","reason":"the database is full"}}`))
		return true
	})
	d.get("/replays").has(t, http.StatusOK, "PauseAlarm is in ALARM", "2026-11-26 08:00:00 UTC", "the database is full", "when the alarm is OK")
}

func TestAnAddressBringsNoMessageOfItsOwn(t *testing.T) {
	d := sit(t, nil)
	if p := d.get("/replays?done=Send+your+password"); strings.Contains(p.body, "password") || strings.Contains(p.body, `class="done"`) {
		t.Errorf("got a message of the address\n%s", p.body)
	}
	d.get("/?done=replaysPaused").has(t, http.StatusOK, `<a href="/" aria-current="page">`)
}

func TestAPlanLeadsToItsReplayAndBack(t *testing.T) {
	d := outage(t, nil)
	plan, path := d.planned(url.Values{"resource": {"L-1"}, "reason": {"x"}})
	live := d.post(path+"/apply", plan.hidden(t, path+"/apply"))
	live.has(t, http.StatusOK, "Applies the plan", `<a href="`+path+`"><code>`, "The plan is applied")
	to := strings.TrimSuffix(live.path, "?done=applied")
	d.world.Engine.Pump()
	d.world.Engine.Report()
	d.get(path).has(t, http.StatusOK, "PLANNED, applied", `href="`+to+`"`)
	d.get("/replays").has(t, http.StatusOK, "PLANNED, applied", `applied by <a href="`+to+`">`, `applies <a href="`+path+`">`)
}

func TestAReplayWithFailuresIsNotGreen(t *testing.T) {
	d := outage(t, nil)
	d.world.Engine.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	id := d.world.Ask(`{"select":{"resourceIds":["L-1","L-2"]},"reason":"x"}`)
	d.world.Engine.Pump()
	d.world.Engine.Report()
	for _, path := range []string{"/", "/replays", "/replays/" + id} {
		d.get(path).has(t, http.StatusOK, `<span class="pill wait">COMPLETED, 2 failed</span>`)
	}
}

func TestCancellingIsConfirmedAndSaysWhatStays(t *testing.T) {
	d := outage(t, nil)
	id := d.world.Ask(`{"select":{"ownerId":"o1"},"maxPerSecond":1,"reason":"x"}`)
	page := "/replays/" + id
	d.get(page).has(t, http.StatusOK, `href="`+page+`/cancel">Cancel…</a>`)
	d.get(page+"/cancel").has(t, http.StatusOK, "Cancel replay "+id+"?", "What has not started will not start. This cannot be taken back", "What has been published stays",
		"pause it instead", "replayctl cancel "+id)
	if r := d.world.Requested(); r.Stopped != nil {
		t.Fatalf("got %+v, want it not cancelled yet", r.Summary)
	}
	d.post(page+"/cancel", nil).has(t, http.StatusOK, "The replay is cancelled", "CANCELLED", "stopped before an item was found")
	if p := d.get(page + "/cancel"); p.path != page {
		t.Errorf("got %s, want %s: it is cancelled", p.path, page)
	}
	if r := d.world.Requested(); r.Stopped == nil || r.Stopped.Status != replay.Cancelled {
		t.Errorf("got %+v, want it cancelled", r.Summary)
	}
}

func TestNothingIsOfferedForAnEmptyList(t *testing.T) {
	d := outage(t, nil)
	for _, path := range []string{"/failures?error=No*", "/failures?status=CLOSED"} {
		p := d.get(path)
		p.has(t, http.StatusOK, "No failures match")
		for _, offer := range []string{"Replay these", "Close these", "Reopen these", "What to do"} {
			if strings.Contains(p.body, offer) {
				t.Errorf("%s offers %q", path, offer)
			}
		}
	}
}

func TestAnOwnerIsAPage(t *testing.T) {
	d := sit(t, nil)
	d.world.Ingest("L-1", "L-2")
	d.get("/search?q=o1").has(t, http.StatusOK, "Owner o1", `href="/resource?id=L-1"`, "SUCCEEDED", "replayctl resources --owner o1")
	d.get("/owner").has(t, http.StatusBadRequest, "say which owner")
	d.get("/owner?id=nobody").has(t, http.StatusOK, "No resources")
	if p := d.get("/search?q=live-L-2-1"); p.path != "/version?resource=L-2&id="+d.latest("L-2") {
		t.Errorf("got %s, want the version that an execution without failure ran", p.path)
	}
}
