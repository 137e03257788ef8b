package items_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Ids and causes are as long as producers make them. A table does not get wider than the terminal by them.
func TestListsKeepToTheTerminal(t *testing.T) {
	w := operator.New(t)
	id, cause := strings.Repeat("住x", 200), strings.Repeat("the geocoder said\nno ", 40)
	w.Gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		answer := any(replay.Failures{Failures: []replay.Failure{{Execution: id, Error: "E", Cause: cause}, {Execution: "x", ResourceID: id, Error: "F", Cause: "c"}}})
		if strings.HasSuffix(r.URL.Path, "/items") {
			answer = replay.Items{Items: []replay.Item{{ResourceID: id, VersionID: id, Outcome: replay.Failed, Reason: cause}}}
		}
		_ = json.NewEncoder(rw).Encode(answer) // the test fails without it
		return true
	})
	w.Process.Terminal.Out = true
	for _, width := range []int{40, 80, 200} {
		w.Process.Terminal.Width = func() int { return width }
		for _, line := range []string{"items 01ARZ3NDEKTSV4RRFFQ69G5FAV --no-color", "failures --no-color"} {
			for text := range strings.Lines(w.Run(line).Out) {
				if n := runewidth.StringWidth(strings.TrimRight(text, "\n")); n > width {
					t.Errorf("%s: a line has %d columns, want at most %d: %s", line, n, width, text)
				}
			}
		}
	}
}
