package browser_test

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// perKind is how many pages of a kind are looked at.
const perKind = 12

var idPattern = regexp.MustCompile(`[0-7][0-9A-HJKMNP-TV-Z]{25}`)

// kind is what a page is, whatever it is about: its path without ids, and the names in its query.
func kind(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	return strings.TrimRight(idPattern.ReplaceAllString(u.Path, "ID")+"?"+strings.Join(slices.Sorted(maps.Keys(u.Query())), "&"), "?")
}

// crawl follows the links from the overview, and returns the pages by their kinds. Each is looked at.
func (b *tab) crawl(look func(path string)) map[string][]string {
	b.t.Helper()
	kinds := map[string][]string{}
	known := map[string]bool{"/": true}
	todo := []string{"/"}
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if len(kinds[kind(path)]) == perKind {
			continue
		}
		kinds[kind(path)] = append(kinds[kind(path)], path)
		b.open(path)
		look(path)
		for _, to := range evaluate[[]string](b, "[...document.querySelectorAll('a')].filter(a => a.origin == origin).map(a => a.pathname + a.search)") {
			if !known[to] {
				known[to] = true
				todo = append(todo, to)
			}
		}
	}
	return kinds
}
