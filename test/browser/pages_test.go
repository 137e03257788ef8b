package browser_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
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

// usable checks that everybody can use the page as it is: axe-core finds nothing, and nothing is cut off at the right.
func (b *tab) usable(what string) {
	b.t.Helper()
	source, err := axe()
	if err != nil {
		b.t.Fatal(err)
	}
	found := evaluate[string](b, source+`;axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations))`)
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

// kinds are those of the pages that lead to each other. A new page is one more.
var kinds = []string{
	"/", "/diff?from&resource&to", "/failures", "/failures/jobs", "/failures?error&state&status", "/failures?owner", "/failures?status",
	"/replays", "/replays/ID", "/replays/ID?outcome", "/replays/new", "/replays/new?error&failures&state", "/replays/new?resource",
	"/resource?id", "/version?id&resource",
}

// TestEveryPageIsForEverybody looks at a page of each kind, wide and narrow, light and dark.
func TestEveryPageIsForEverybody(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	d.run()
	b := d.enter()
	b.plan("InvalidListing", `{"priceUsd": 450000}`)
	b.apply()
	found := b.crawl(func(string) {})
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, kinds) {
		t.Errorf("got pages\n%q, want\n%q", got, kinds)
	}
	for _, paths := range found {
		b.open(paths[0])
		for _, width := range []int64{1280, 320} {
			b.wide(width)
			for _, dark := range []bool{false, true} {
				b.dark(dark)
				b.usable(fmt.Sprintf("%s, %d pixels, dark %v", paths[0], width, dark))
			}
		}
	}
}
