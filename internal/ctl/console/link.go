package console

import (
	"net/url"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
)

// link is a path with a query of the values that are not empty. Pairs are names and values, in turn.
func link(path string, pairs ...any) string {
	var query []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := text(pairs[i+1]); value != "" {
			query = append(query, url.QueryEscape(text(pairs[i]))+"="+url.QueryEscape(value))
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + strings.Join(query, "&")
}

// exactly is a glob that matches only one name.
func exactly(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// literal undoes exactly. It reports false for another glob.
func literal(glob string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '*', '?', '[':
			return "", false
		case '\\':
			if i++; i == len(glob) {
				return "", false
			}
		}
		b.WriteByte(glob[i])
	}
	return b.String(), true
}

// groupLink is the page of a group of failures.
func groupLink(g replay.FailureGroup) string {
	return link("/failures", "status", g.Status, "error", exactly(g.Error), "state", exactly(g.State))
}
