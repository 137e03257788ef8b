package browser_test

import (
	"regexp"
	"strings"
)

var idPattern = regexp.MustCompile(`[0-7][0-9A-HJKMNP-TV-Z]{25}`)

// kind is what a page is, whatever it is about: its path without ids, and whether it has a query.
func kind(path string) string {
	path, _, asks := strings.Cut(path, "?")
	if path = idPattern.ReplaceAllString(path, "ID"); asks {
		path += "?"
	}
	return path
}

// crawl follows the links from the overview, to so many pages of each kind, which are looked at. It returns them by kind.
func (b *tab) crawl(perKind int, look func(path string)) map[string][]string {
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
