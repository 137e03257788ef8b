package console_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestTheCommandOfAFormFollowsIt(t *testing.T) {
	d := sit(t, nil)
	for form, c := range map[string]struct {
		values url.Values
		want   string
	}{
		"replay": {url.Values{"resource": {"L 1\nL-2"}, "change": {"function"}, "function": {"reprice"}, "parameters": {`{ "by": 2 }`}, "reason": {"it's wrong"}},
			`replayctl replay --transform reprice --parameters '{"by":2}' --reason 'it'\''s wrong' --plan -- 'L 1' L-2`},
		"correct":  {url.Values{"resource": {"L-1"}, "version": {"v1"}, "mergePatch": {"{\n}"}, "stale": {"on"}}, "replayctl correct --version v1 --merge-patch {} --allow-stale -- L-1"},
		"failures": {url.Values{"status": {"HELD"}, "superseded": {"on"}}, "replayctl failures --status HELD --superseded --detail"},
		"close":    {url.Values{"error": {"Bad*"}, "reason": {"tests"}}, "replayctl failures close --error 'Bad*' --reason tests"},
		"reopen":   {url.Values{"status": {"CLOSED"}, "job": {"01"}, "reason": {"x"}}, "replayctl failures reopen --job 01 --reason x"},
		"pause":    {url.Values{"id": {"01"}, "reason": {"a b"}}, "replayctl pause 01 --reason 'a b'"},
		"pace":     {url.Values{"id": {"01"}, "maxPerSecond": {" 5 "}}, "replayctl pace 01 --max-per-second 5"},
		"controls": {url.Values{"what": {"autoReplay"}, "reason": {"x"}}, "replayctl pause --auto-replay --reason x"},
	} {
		p := d.post("/command?form="+form, c.values)
		if p.status != http.StatusOK || p.body != c.want || !strings.HasPrefix(p.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: got %d %q, want %q", form, p.status, p.body, c.want)
		}
	}
	d.post("/command?form=none", url.Values{}).has(t, http.StatusNotFound)
	d.post("/command?form=pace", url.Values{"id": {"01"}}).has(t, http.StatusOK, "--no-max-per-second")
	if n := len(d.world.Gateway.Calls()); n > 20 {
		t.Errorf("got %d calls of the API, want those of the first page", n)
	}
}

func TestACommandSaysThatItMayBeOld(t *testing.T) {
	d := outage(t, nil)
	for _, path := range []string{"/replays/new", "/correct?resource=L-1&version=" + d.latest("L-1"), "/failures", "/failures?status=QUARANTINED"} {
		d.get(path).has(t, http.StatusOK, `<span class="stale">, as of when this page was loaded</span>`)
	}
	if p := d.get("/replays"); strings.Contains(p.body, "stale") {
		t.Error("a page without a form says that its command may be old")
	}
}

// The command line that the form shows is one that replayctl takes, whatever else is filled in.
func TestTheCommandOfARepublishHasItsFlagsAlone(t *testing.T) {
	d := outage(t, nil)
	p := d.get("/replays/new?action=republish&resource=L-3&versions=latest&change=merge&mergePatch=%7B%22a%22%3A1%7D&suppress=on&stale=on&target=t&reason=again")
	m := copied.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no command\n%s", p.body)
	}
	line := html.UnescapeString(m[1])
	if want := "republish --allow-stale --target t --reason again --plan -- L-3"; line != want {
		t.Errorf("got\n%s, want\n%s", line, want)
	}
	d.world.RunWords(strings.Fields(line)...).Wants(t, exit.OK, []string{"L-3"}, nil)
	if r := d.world.Requested(); r.Action != replay.Republish || !r.DryRun {
		t.Errorf("got %+v, want a plan of a republish", r.Summary)
	}
}

func TestAFunctionOfTheStackIsAskedFor(t *testing.T) {
	d := outage(t, nil)
	d.get("/replays/new").has(t, http.StatusOK, "prop Transforms of the construct", "The names are not known here")
	sit(t, func(o *console.Options) { o.Transforms = []string{"reprice"} }).get("/replays/new").
		has(t, http.StatusOK, `list="functions"`, `<option value="reprice">`)
	form := url.Values{"resource": {"L-1"}, "versions": {"latest"}, "change": {"function"}, "function": {"re price"}, "parameters": {"{"}, "reason": {"x"}}
	d.post("/replays/plan", form).has(t, http.StatusUnprocessableEntity, `href="#function"`, `href="#parameters"`)
	d.post("/replays/preview", form).has(t, http.StatusOK, "A function runs in your account")
	form.Set("function", "reprice")
	form.Set("parameters", `{"by": 2}`)
	form.Set("key", "k")
	p := d.post("/replays/plan", form)
	p.has(t, http.StatusUnprocessableEntity, "reprice") // this stack has no such function
	if len(d.world.Replays()) != 0 {
		t.Error("a function that does not exist is planned")
	}
}

func TestAPartOfAFormWithAFaultIsUnfolded(t *testing.T) {
	d := sit(t, nil)
	const folded = "<details><summary>More</summary>"
	d.get("/replays/new").has(t, http.StatusOK, folded, "<details><summary>Filter the versions</summary>")
	for name, form := range map[string]url.Values{
		"a fault": {"resource": {"r"}, "action": {"sideways"}, "reason": {"x"}},
		"a value": {"resource": {"r"}, "target": {"search"}},
	} {
		if p := d.post("/replays/plan", form); p.status != http.StatusUnprocessableEntity || strings.Contains(p.body, folded) {
			t.Errorf("%s: got %d, and it is folded", name, p.status)
		}
	}
	d.post("/replays/plan", url.Values{"resource": {"r"}, "where": {"@.a ="}, "reason": {"x"}}).has(t, http.StatusUnprocessableEntity,
		"<details open><summary>Filter the versions</summary>", folded)
}
