package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/replay"
)

// hidden are the fields of a page's form that a person does not see.
func (p seen) hidden(t *testing.T, action string) url.Values {
	t.Helper()
	_, form, found := strings.Cut(p.body, `action="`+action+`"`)
	if !found {
		t.Fatalf("%s has no form to %s\n%s", p.path, action, p.body)
	}
	form, _, _ = strings.Cut(form, "</form>")
	values := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form, -1) {
		values.Add(m[1], html.UnescapeString(m[2]))
	}
	return values
}

// planned fills in the form for a new replay and waits for the plan.
func (d *desk) planned(form url.Values) (plan seen, path string) {
	d.t.Helper()
	for name, values := range d.get("/replays/new").hidden(d.t, "/replays/plan") {
		form[name] = values
	}
	p := d.post("/replays/plan", form)
	p.has(d.t, http.StatusOK, "Plan ", "The plan is being made. Nothing has started.")
	p.path = strings.TrimSuffix(p.path, "?done=planned")
	d.world.Engine.Pump()
	d.get(p.path).has(d.t, http.StatusOK, "The plan is being made ready", `data-refresh="2"`) // whoever reads it first has it sealed
	d.world.Engine.Pump()
	return d.get(p.path), p.path
}

func TestAnOutageIsHealedInTheBrowser(t *testing.T) {
	d := outage(t, nil)
	d.get("/").has(t, http.StatusOK, `<a href="/failures?status=QUARANTINED&amp;error=BadListing&amp;state=Work">BadListing</a>`)
	group := d.get("/failures?status=QUARANTINED&error=BadListing&state=Work")
	group.has(t, http.StatusOK, "L-1", "L-2", `href="/replays/new?failures=on&amp;error=BadListing&amp;state=Work"`)
	d.get("/replays/new?failures=on&error=BadListing&state=Work").has(t, http.StatusOK,
		`name="failures" value="on" checked`, `name="error" value="BadListing"`, `value="failed" checked`)
	form := url.Values{
		"failures": {"on"}, "error": {"BadListing"}, "versions": {"failed"}, "change": {"merge"}, "mergePatch": {`{"fixed":true}`},
		"reason": {"the listing service is corrected"},
	}
	preview := d.post("/replays/preview", form)
	preview.has(t, http.StatusOK, "What it does to L-", "<code>/fixed</code>", "<pre>true</pre>", "the listing service is corrected")

	plan, path := d.planned(form)
	plan.has(t, http.StatusOK, "would run", "PLANNED", "What the change does to L-1", "<code>/fixed</code>", "at least", "$0.0",
		"Apply the plan: run 2 items", "replayctl apply ")
	if n := len(d.world.Engine.Machine.Starts); n != 6 {
		t.Errorf("%d executions were started, want the 6 live ones: a plan starts nothing", n)
	}
	live := d.post(path+"/apply", plan.hidden(t, path+"/apply"))
	live.has(t, http.StatusOK, "Replay 01", "the listing service is corrected", "Cancel", `data-refresh="2"`, "status ", "--wait")
	d.world.Engine.Pump()
	d.world.Engine.Report()
	d.get(live.path).has(t, http.StatusOK, "COMPLETED", "2 of 2 items have ended (100 %)", "succeeded", "the listing service is corrected")
	d.get(path).has(t, http.StatusOK, "It was applied by replay")
	after := d.get("/failures")
	after.has(t, http.StatusOK, "Geocoder.Down")
	if strings.Contains(after.body, "BadListing</a>") {
		t.Error("the group is still there")
	}
}

func TestADoubleClickStartsOneReplay(t *testing.T) {
	d := outage(t, nil)
	plan, path := d.planned(url.Values{"resource": {"L-1"}, "versions": {"latest"}, "reason": {"x"}})
	form := plan.hidden(t, path+"/apply")
	var clicks sync.WaitGroup
	paths := make([]string, 4)
	for i := range paths {
		clicks.Go(func() { paths[i] = d.post(path+"/apply", form).path })
	}
	clicks.Wait()
	paths = append(paths, d.post(path+"/apply", form).path) // and back, and again
	for _, p := range paths {
		if p != paths[0] || !strings.HasPrefix(p, "/replays/01") {
			t.Errorf("got %s, want all of them at one replay", paths)
			break
		}
	}
	if all := d.world.Replays(); len(all) != 1 {
		t.Errorf("got %d replays, want 1", len(all))
	}

	// Times that count from now differ from click to click.
	form = url.Values{"key": {"k"}, "failures": {"on"}, "since": {"2h"}, "reason": {"x"}}
	first, second := d.post("/replays/plan", form).path, d.post("/replays/plan", form).path
	if first != second || !strings.HasPrefix(first, "/replays/01") {
		t.Errorf("got %s and %s, want the same plan", first, second)
	}
	form.Set("reason", "another")
	if third := d.post("/replays/plan", form).path; third == first || !strings.HasPrefix(third, "/replays/01") {
		t.Errorf("got %s for a form that was changed, want another plan than %s", third, first)
	}
}

func TestAReadOnlyConsoleChangesNothing(t *testing.T) {
	d := outage(t, func(o *console.Options) { o.ReadOnly = true })
	id := d.world.Ask(`{"select":{"resourceIds":["L-2"]},"reason":"x"}`)
	before := len(d.world.Replays())
	for _, path := range []string{
		"/replays/plan", "/replays/" + id + "/apply", "/replays/" + id + "/cancel", "/failures/close", "/failures/reopen",
	} {
		d.post(path, url.Values{"resource": {"L-1"}, "reason": {"x"}, "status": {"QUARANTINED"}}).has(t, http.StatusForbidden, "read-only", "Nothing was done")
	}
	for _, path := range []string{"/failures?status=QUARANTINED", "/replays/" + id, "/replays/new", "/failures/jobs"} {
		if p := d.get(path); strings.Contains(p.body, `method="post"`) && !strings.Contains(p.body, "/replays/preview") {
			t.Errorf("%s has a form that changes something", path)
		}
	}
	for _, c := range d.world.Gateway.Calls() {
		if strings.HasPrefix(c, "POST") {
			t.Errorf("got %s, want no call that changes something", c)
		}
	}
	if n := len(d.world.Replays()); n != before {
		t.Errorf("got %d replays, want %d", n, before)
	}
	d.post("/replays/preview", url.Values{"resource": {"L-1"}, "change": {"merge"}, "mergePatch": {`{"a":1}`}}).has(t, http.StatusOK, "<code>/a</code>")
}

func TestProductionAsksForItsName(t *testing.T) {
	d := outage(t, func(o *console.Options) { o.Production, o.Stage = true, "listings-prod" })
	d.get("/").has(t, http.StatusOK, "production")
	plan, path := d.planned(url.Values{"resource": {"L-1"}, "reason": {"x"}})
	form := plan.hidden(t, path+"/apply")
	asked := d.post(path+"/apply", form)
	asked.has(t, http.StatusUnprocessableEntity, "This is production", "Type the name of the stage", "123456789012")
	form = asked.hidden(t, path+"/apply")
	form.Set("confirm", "listings-test")
	asked = d.post(path+"/apply", form)
	asked.has(t, http.StatusUnprocessableEntity, "That is not the name of the stage: listings-test")
	if all := d.world.Replays(); len(all) != 0 {
		t.Fatalf("got %d replays before the name was typed, want none", len(all))
	}
	form = asked.hidden(t, path+"/apply")
	form.Set("confirm", " listings-prod ")
	d.post(path+"/apply", form).has(t, http.StatusOK, "Replay 01")
	d.post("/failures/close", url.Values{"status": {"QUARANTINED"}, "reason": {"x"}}).has(t, http.StatusUnprocessableEntity, "This is production")
	if all := d.world.Replays(); len(all) != 1 {
		t.Errorf("got %d replays, want 1", len(all))
	}
}

func TestFailuresAreClosedAndReopened(t *testing.T) {
	d := outage(t, nil)
	page := d.get("/failures?status=QUARANTINED&error=BadListing")
	form := page.hidden(t, "/failures/close")
	d.post("/failures/close", form).has(t, http.StatusUnprocessableEntity, "reason is required")
	form.Set("reason", "they were tests")
	d.post("/failures/close", form).has(t, http.StatusOK, "they were tests", "close", "oncall/ada")
	d.world.Engine.Pump()
	d.get("/failures?status=CLOSED").has(t, http.StatusOK, "L-1", "L-2", "Reopen these failures")
	jobs := d.get("/failures/jobs")
	jobs.has(t, http.StatusOK, "Reopen", "COMPLETED")
	d.post("/failures/reopen", jobs.hidden(t, "/failures/reopen")).has(t, http.StatusOK, "taken back: they were tests")
	d.world.Engine.Pump()
	d.get("/failures?status=QUARANTINED&error=BadListing").has(t, http.StatusOK, "L-1", "L-2")
}

func TestAReplayIsCancelled(t *testing.T) {
	d := outage(t, nil)
	id := d.world.Ask(`{"select":{"resourceIds":["L-2"]},"reason":"x"}`)
	d.post("/replays/"+id+"/cancel", nil).has(t, http.StatusOK, "CANCELLED", "oncall/ada")
	if r := d.world.Requested(); r.Stopped == nil || r.Stopped.Status != replay.Cancelled {
		t.Errorf("got %+v, want it cancelled", r.Summary)
	}
}

func TestAWrongFormIsShownAgainWithWhatIsWrong(t *testing.T) {
	d := sit(t, nil)
	for name, c := range map[string]struct {
		form url.Values
		want []string
	}{
		"nothing is filled in":     {url.Values{}, []string{`href="#reason"`, `href="#resource"`}},
		"a number that is none":    {url.Values{"resource": {"r"}, "reason": {"x"}, "maxItems": {"many"}}, []string{"must be a whole number", `name="maxItems" inputmode="numeric" value="many" aria-invalid="true"`}},
		"all without a bound":      {url.Values{"all": {"on"}, "reason": {"x"}}, []string{`href="#maxItems"`}},
		"a patch that is not one":  {url.Values{"resource": {"r"}, "reason": {"x"}, "change": {"merge"}, "mergePatch": {"{"}}, []string{"must be valid JSON", ">{</textarea>"}},
		"a filter that is not one": {url.Values{"resource": {"r"}, "reason": {"x"}, "where": {"@.a ="}}, []string{`href="#where"`}},
		"a time that is not one":   {url.Values{"failures": {"on"}, "since": {"never"}, "reason": {"x"}}, []string{`href="#since"`, "must be a time"}},
	} {
		t.Run(name, func(t *testing.T) {
			d.post("/replays/plan", c.form).has(t, http.StatusUnprocessableEntity, append(c.want, "Nothing was done")...)
		})
	}
	if len(d.world.Replays()) != 0 {
		t.Error("a wrong form started something")
	}
	large := url.Values{"mergePatch": {strings.Repeat("x", 5<<20)}}
	d.post("/replays/plan", large).has(t, http.StatusRequestEntityTooLarge, "larger than")
}
