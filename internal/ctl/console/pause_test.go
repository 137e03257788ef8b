package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
)

func TestAReplayIsPausedPacedAndResumed(t *testing.T) {
	d := outage(t, nil)
	id := d.world.Ask(`{"select":{"ownerId":"o1"},"reason":"x"}`)
	page := "/replays/" + id
	d.post(page+"/pause", url.Values{"reason": {" "}}).has(t, http.StatusUnprocessableEntity, "reason is required")
	p := d.post(page+"/pause", url.Values{"reason": {"the database is full"}})
	p.has(t, http.StatusOK, "PAUSED", "the database is full", "oncall/ada", "Resume")
	if p.path != page+"?done=paused" {
		t.Errorf("got %s, want %s", p.path, page+"?done=paused")
	}
	d.post(page+"/pace", url.Values{"maxPerSecond": {"0"}}).has(t, http.StatusUnprocessableEntity, "from 1 to 1000")
	d.post(page+"/pace", url.Values{"maxPerSecond": {"7"}}).has(t, http.StatusOK, "at most 7 starts per second", `value="7"`)
	if p := d.post(page+"/pace", url.Values{"maxPerSecond": {""}}); strings.Contains(p.body, "starts per second</dd>") {
		t.Error("the bound is still there")
	}
	if p := d.post(page+"/resume", nil); p.status != http.StatusOK || strings.Contains(p.body, "PAUSED</span>") {
		t.Errorf("got %d, want it resumed\n%s", p.status, p.body)
	}
}

func TestAllReplaysAndAutoReplayArePausedFromTheOverview(t *testing.T) {
	d := outage(t, nil)
	for what, name := range map[string]string{"replays": "All replays", "autoReplay": "Auto-replay"} {
		p := d.get("/")
		p.has(t, http.StatusOK, name+"</strong> <span class=\"pill good\">not paused")
		d.post("/controls", url.Values{"what": {what}, "do": {"pause"}}).has(t, http.StatusUnprocessableEntity, "reason is required")
		d.post("/controls", url.Values{"what": {what}, "do": {"pause"}, "reason": {"a <b>break</b>"}}).has(t, http.StatusOK,
			name+"</strong> <span class=\"pill wait\">PAUSED", "a &lt;b&gt;break&lt;/b&gt;", "Resume: "+name)
		d.post("/controls", url.Values{"what": {what}, "do": {"resume"}}).has(t, http.StatusOK, name+"</strong> <span class=\"pill good\">not paused")
	}
	d.post("/controls", url.Values{"what": {"everything"}, "do": {"stop"}}).has(t, http.StatusUnprocessableEntity, "must be replays or autoReplay", "must be pause or resume")
}

func TestAReadOnlyConsolePausesNothing(t *testing.T) {
	d := outage(t, func(o *console.Options) { o.ReadOnly = true })
	id := d.world.Ask(`{"select":{"ownerId":"o1"},"reason":"x"}`)
	for _, path := range []string{"/replays/" + id + "/pause", "/replays/" + id + "/resume", "/replays/" + id + "/pace", "/controls"} {
		d.post(path, url.Values{"reason": {"x"}, "what": {"replays"}, "do": {"pause"}}).has(t, http.StatusForbidden, "read-only")
	}
	for _, path := range []string{"/", "/replays/" + id} {
		if p := d.get(path); strings.Contains(p.body, `method="post"`) {
			t.Errorf("%s has a form that changes something", path)
		}
	}
}
