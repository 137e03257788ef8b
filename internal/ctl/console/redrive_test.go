package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestFailedExecutionsGoOnFromTheForm(t *testing.T) {
	d := outage(t, nil)
	d.get("/replays/new?resource=L-1&action=redrive").has(t, http.StatusOK,
		`value="redrive" selected`, `value="failed" checked`, "replayctl redrive --plan -- L-1")
	starts := len(d.world.Engine.Machine.Starts)
	plan, path := d.planned(url.Values{
		"failures": {"on"}, "error": {"BadListing"}, "versions": {"failed"}, "change": {"none"}, "action": {"redrive"}, "reason": {"mended"},
	})
	plan.has(t, http.StatusOK, "goes on with the failed execution from the state that failed", "Apply the plan: run 2 items")
	live := d.post(path+"/apply", plan.hidden(t, path+"/apply"))
	d.world.Engine.Pump()
	d.world.Engine.Report()
	d.get(live.path).has(t, http.StatusOK, "COMPLETED", "2 of 2 items have ended")
	if got := len(d.world.Engine.Machine.Starts) - starts; got != 0 || len(d.world.Engine.Machine.Redriven) != 2 {
		t.Errorf("got %d executions started and %d redriven, want none and 2", got, len(d.world.Engine.Machine.Redriven))
	}
}

func TestWhatARedriveCannotChangeIsShownByField(t *testing.T) {
	d := outage(t, nil)
	p := d.post("/replays/plan", url.Values{
		"all": {"on"}, "versions": {"latest"}, "change": {"merge"}, "mergePatch": {`{"a":1}`}, "action": {"redrive"}, "suppress": {"on"},
		"target": {"search"}, "maxItems": {"10"}, "reason": {"x"},
	})
	p.has(t, http.StatusUnprocessableEntity, "Nothing was done", `name="target" value="search" aria-invalid="true"`, `value="redrive" selected`)
	for _, field := range []string{"all", "versions", "change", "suppress", "target"} {
		p.has(t, http.StatusUnprocessableEntity, `<a href="#`+field+`">`, `id="`+field+`"`)
	}
	if n := len(d.world.Replays()); n != 0 {
		t.Errorf("got %d replays, want none", n)
	}
}

var copied = regexp.MustCompile(`<code class="command" tabindex="0">replayctl ([^<]*)</code>`)

// The command line that the form shows is one that replayctl takes, whatever else is filled in.
func TestTheCommandOfARedriveHasItsFlagsAlone(t *testing.T) {
	d := outage(t, nil)
	p := d.get("/replays/new?action=redrive&failures=on&error=BadListing&state=Work&since=2h&recordedFrom=3h&maxPerSecond=2&maxItems=9&stale=on" +
		"&maxFailures=1&reason=mended&all=on&suppress=on&target=t&versions=latest&change=merge&mergePatch=%7B%7D&version=v1&last=3&resource=L-1")
	m := copied.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no command\n%s", p.body)
	}
	line := html.UnescapeString(m[1])
	want := "redrive --failures --allow-stale --error BadListing --state Work --since 2h --recorded-from 3h --max-per-second 2 --max-items 9 " +
		"--max-failures 1 --reason mended --plan -- L-1"
	if line != want {
		t.Errorf("got\n%s, want\n%s", line, want)
	}
	d.world.RunWords(strings.Fields(line)...).Wants(t, exit.OK, []string{"L-1"}, nil)
	if r := d.world.Requested(); r.Action != replay.Redrive || !r.DryRun {
		t.Errorf("got %+v, want a plan of a redrive", r.Summary)
	}
}
