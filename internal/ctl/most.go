package ctl

import (
	"iter"

	"github.com/ce873799/replayable-ingestion/replay/client"
)

// most ends a list after so many entries, and says if there are more; 0: goes through it.
func most[T any](a *app, entries iter.Seq2[T, error], limit int) iter.Seq2[T, error] {
	if limit <= 0 {
		return entries
	}
	return func(yield func(T, error) bool) {
		n := 0
		for e, err := range entries {
			if n++; n > limit && err == nil {
				a.say("there are more: --limit 0 lists all of them")
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// pagesFor returns a client whose first page is enough for a list of so many entries, and for whether there are more.
func pagesFor(api *client.Client, limit int) *client.Client {
	if limit <= 0 {
		return api
	}
	return api.WithPageSize(limit + 1)
}
