package browser_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
	"github.com/ce873799/replayable-ingestion/replay"
)

// finding is what axe-core finds.
type finding struct {
	ID, Help string
	Nodes    []struct {
		Target         []any
		HTML           string
		FailureSummary string
	}
}

// usable checks that everybody can use the page as it is: axe-core finds nothing, of its rules or of the given ones alone,
// and nothing is cut off at the right.
func (b *tab) usable(what string, rules ...string) {
	b.t.Helper()
	if err := b.withAxe(b.ctx); err != nil {
		b.t.Fatal(err)
	}
	options := map[string]any{"resultTypes": []string{"violations"}}
	if len(rules) > 0 {
		options["runOnly"] = rules
	}
	asked, err := json.Marshal(options)
	if err != nil {
		b.t.Fatal(err)
	}
	found := evaluate[string](b, "axe.run(document, "+string(asked)+").then(r => JSON.stringify(r.violations))")
	var all []finding
	if err := json.Unmarshal([]byte(found), &all); err != nil {
		b.t.Fatal(err)
	}
	for _, f := range all {
		var where strings.Builder
		for _, n := range f.Nodes {
			fmt.Fprintf(&where, "\n  %v %s: %s", n.Target, n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", " "))
		}
		b.t.Errorf("%s: %s: %s%s", what, f.ID, f.Help, where.String())
	}
	if got, want := evaluate[int](b, "document.scrollingElement.scrollWidth"), evaluate[int](b, "innerWidth"); got > want {
		b.t.Errorf("%s: the page is %d pixels wide in a window of %d", what, got, want)
	}
}

// usableByAll looks at the page wide and narrow, light and dark.
func (b *tab) usableByAll() {
	b.t.Helper()
	what := b.path()
	b.usable(what)
	b.dark(true)
	b.usable(what+", dark", "color-contrast")
	b.dark(false)
	b.wide(narrow)
	b.usable(what + ", narrow")
	b.wide(wide)
}

// kinds are those of the pages that lead to each other. A new page is one more.
var kinds = []string{
	"/", "/correct?", "/diff?", "/failures", "/failures/jobs", "/failures?", "/owner?", "/replays", "/replays/ID", "/replays/ID/evidence",
	"/replays/ID?", "/replays/new", "/replays/new?", "/replays?", "/resource?", "/version?",
}

func TestEveryPageIsForEverybody(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	b.plan("InvalidListing", `{"priceUsd": 450000}`, "10")
	b.apply()
	found := b.crawl(2, func(string) { b.usableByAll() })
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, kinds) {
		t.Errorf("got pages\n%q, want\n%q", got, kinds)
	}
}

// TestThePagesThatNoLinkLeadsTo are those of what was not found, not let in, or not typed.
func TestThePagesThatNoLinkLeadsTo(t *testing.T) {
	d := sit(t, func(o *console.Options) { o.Production = true })
	d.incident()
	d.run()
	b := d.enter()
	b.expect("401", "403", "404", "422")
	for _, path := range []string{"/search?q=nothing", "/nowhere", "/version?resource=L-100&id=none", "/failures?status=QUARANTINED&since=yesterdayish"} {
		b.open(path)
		b.usableByAll()
	}
	b.open("/replays/new")
	b.fill("Reason", "to see what is missing")
	b.leaves("send a form that selects nothing", func() { b.types("\r") })
	b.sees("Nothing was done")
	b.usableByAll()

	b.plan("InvalidListing", `{"priceUsd": 450000}`, "10")
	b.follow("button", "Apply the plan")
	b.sees("This is production")
	b.usableByAll()
	b.fill("name", "listings-prod")
	b.leaves("confirm with another stage's name", func() { b.types("\r") })
	if all := d.replays(); len(all) != 1 || all[0].Status != replay.Planned {
		t.Errorf("got %+v, want the plan alone before the name of the stage is typed", all)
	}
	b.fill("name", "listings-dev")
	b.leaves("confirm", func() { b.types("\r") })
	b.sees("COMPLETED")

	stranger := newTab(t, d.url)
	stranger.expect("401")
	stranger.open("/")
	stranger.sees("Sign in")
	stranger.usableByAll()
}
