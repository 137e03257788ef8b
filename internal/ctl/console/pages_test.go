package console_test

import (
	"flag"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// changing is what differs from run to run, and what stands in its place.
var changing = []struct {
	found *regexp.Regexp
	put   string
}{
	{regexp.MustCompile(`\b01[0-9A-HJKMNP-TV-Z]{24}\b`), "REPLAY"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "HASH"},
	{regexp.MustCompile(`release \S+, go\S+?<`), "release RELEASE, GO<"},
	{regexp.MustCompile(`\brp-[a-z2-7]{52}\b`), "EXECUTION"},
	{regexp.MustCompile(`name="key" value="[A-Z0-9]+"`), `name="key" value="KEY"`},
	{regexp.MustCompile(`datetime="[^"]*"`), `datetime="TIME"`},
	// The local time has a date where that is another day.
	{regexp.MustCompile(`<span class="local">(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d`), `<span class="local">CLOCK`},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`\d\d:\d\d:\d\d`), "CLOCK"},
	// How many ticks have labels of their own depends on the time between two counts.
	{regexp.MustCompile(`(\n<text class="x" x="\d+" y="192">CLOCK</text>)+`), "\nTICKS"},
	{regexp.MustCompile(`\b\d+[smh](\d+[smh])? ago`), "AGO"},
}

// looks compares a page with its golden file.
func looks(t *testing.T, name string, p seen) {
	t.Helper()
	got := p.body
	for _, c := range changing {
		got = c.found.ReplaceAllString(got, c.put)
	}
	file := filepath.Join("testdata", name+".golden.html")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: write it with go test ./internal/ctl/console -update", err)
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Errorf("%s differs in line %d: got\n%s\nreview it with go test ./internal/ctl/console -update && git diff", file, i+1, line)
			return
		}
	}
	if len(got) < len(want) {
		t.Errorf("%s is longer than the page", file)
	}
}

// outage has a resource that fails after it succeeded, another that never succeeded, and a replay that has healed a third.
func outage(t *testing.T, change func(*console.Options)) *desk {
	t.Helper()
	d := sit(t, change)
	d.world.Ingest("L-1", "L-2", "L-3")
	d.world.Broken(map[string]string{"L-1": "BadListing"})
	d.world.Broken(map[string]string{"L-2": "BadListing"})
	d.world.Broken(map[string]string{"L-4": "Geocoder.Down"})
	return d
}

func (d *desk) latest(resource string) string { return d.world.VersionsOf(resource)[0].VersionID }

func TestPages(t *testing.T) {
	d := outage(t, func(o *console.Options) {
		o.Zone = time.FixedZone("CET", 3600)
		o.ExecutionURL = func(name string) string { return "https://console.example/" + url.PathEscape(name) }
	})
	versions := d.world.VersionsOf("L-1")
	newest, older := versions[0].VersionID, versions[1].VersionID
	id := d.world.Ask(`{"select":{"resourceIds":["L-2"]},"reason":"the listing is corrected"}`)
	d.world.Engine.Pump()
	d.world.Engine.Report()
	for name, path := range map[string]string{
		"failures": "/failures", "group": "/failures?status=QUARANTINED&error=BadListing&state=Work", "none": "/failures?error=No*",
		"closed": "/failures?status=CLOSED", "jobs": "/failures/jobs", "resource": "/resource?id=L-1",
		"version": "/version?resource=L-1&id=" + newest, "diff": "/diff?resource=L-1&from=" + older + "&to=" + newest,
		"replays": "/replays", "replay": "/replays/" + id, "wizard": "/replays/new?failures=on&error=BadListing",
		"search": "/search?q=nothing", "overview": "/",
	} {
		p := d.get(path)
		p.has(t, http.StatusOK, "listings-test", "123456789012", "us-east-1", "replayctl")
		looks(t, name, p)
	}
	d.get("/nowhere").has(t, http.StatusNotFound, "Not found")
	d.get("/replays/01ARZ3NDEKTSV4RRFFQ69G5FAV").has(t, http.StatusNotFound, "Not found")
	d.get("/resource").has(t, http.StatusBadRequest, "say which resource")
	d.get("/version?resource=L-1&id=v999999").has(t, http.StatusNotFound, "newest 1,000")
	d.get("/diff?resource=L-1&from="+older).has(t, http.StatusBadRequest, "choose two versions")
	d.get("/failures?since=never").has(t, http.StatusUnprocessableEntity, "must be a time", `aria-invalid="true"`)
	d.get("/failures?status=BROKEN").has(t, http.StatusUnprocessableEntity, "must be one of")
	d.get("/replays?status=BROKEN").has(t, http.StatusUnprocessableEntity, "must be one of")
}

func TestASearchLeadsToWhatItFinds(t *testing.T) {
	d := outage(t, nil)
	id := d.world.Ask(`{"select":{"resourceIds":["L-2"]},"reason":"x"}`)
	for q, want := range map[string]string{
		"L-1": "/resource?id=L-1", id: "/replays/" + id, strings.ToLower(id): "/replays/" + id, "o1": "/owner?id=o1",
		"live-L-4": "/version?resource=L-4&id=" + d.latest("L-4"),
		"arn:aws:states:us-east-1:123456789012:execution:listings:live-L-4": "/version?resource=L-4&id=" + d.latest("L-4"),
	} {
		if p := d.get("/search?q=" + url.QueryEscape(q)); p.path != want || p.status != http.StatusOK {
			t.Errorf("%s: got %d %s, want %s", q, p.status, p.path, want)
		}
	}
	d.world.Ingest("o1") // a resource that is called as an owner is
	d.get("/search?q=o1").has(t, http.StatusOK, `href="/resource?id=o1"`, `href="/owner?id=o1"`)
	d.get("/search?q="+url.QueryEscape("\x00")).has(t, http.StatusOK, "Nothing was found")
	d.get("/search?q=").has(t, http.StatusOK, "Type an id above")
}

// A list of a million is as long as a page, and costs as many calls.
func TestLongListsAreShownPageByPage(t *testing.T) {
	d := sit(t, nil)
	d.world.Crowd(120)
	id := d.world.Ask(`{"select":{"ownerId":"o1"},"reason":"x"}`)
	d.world.Engine.Pump()
	found, path := map[string]bool{}, "/replays/"+id
	next := regexp.MustCompile(`<a href="([^"]*)" rel="next">`)
	resource := regexp.MustCompile(`href="/resource\?id=(c\d+)"`)
	for pages := 0; path != ""; pages++ {
		before := len(d.world.Gateway.Calls())
		p := d.get(path)
		if n := len(d.world.Gateway.Calls()) - before; n > 2 || pages > 3 {
			t.Fatalf("page %d took %d calls", pages, n)
		}
		for _, m := range resource.FindAllStringSubmatch(p.body, -1) {
			found[m[1]] = true
		}
		path = ""
		if m := next.FindStringSubmatch(p.body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(found) != 120 {
		t.Errorf("got %d items on all pages, want 120", len(found))
	}
}

func TestWhatTheAPIRefusesIsShown(t *testing.T) {
	d := sit(t, nil)
	d.world.Gateway.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"message":"User: <b>ada</b> is not authorized"}`, http.StatusForbidden)
		return true
	})
	d.get("/").has(t, http.StatusOK, "User: &lt;b&gt;ada&lt;/b&gt; is not authorized", "lack a permission")
	d.get("/failures").has(t, http.StatusForbidden, "The API refused the request")
	d.world.Gateway.Before(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "", http.StatusBadGateway)
		return true
	})
	d.get("/replays").has(t, http.StatusBadGateway, "Something went wrong")
	d.get("/search?q=L-1").has(t, http.StatusOK, "problem")
}
