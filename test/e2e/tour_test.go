package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/replay"
)

var update = flag.Bool("update", false, "rewrite what docs/replays.md shows of replayctl")

// tour is what docs/replays.md and docs/curl.md have a newcomer paste, on a stack of its own, while the other tests run.
var tour task[tourResult]

type tourResult struct {
	session session          // of docs/replays.md
	output  string           // of docs/curl.md
	replays []replay.Summary // of both, oldest first
}

// limitOfTour is long enough for auto-replay's schedule and a busy machine.
const limitOfTour = 8 * time.Minute

func takeTour(ctx context.Context) (tourResult, error) {
	var r tourResult
	replays, err := readSession(filepath.Join("..", "..", "docs", "replays.md"), "A tour")
	if err != nil {
		return r, err
	}
	curl, err := readSession(filepath.Join("..", "..", "docs", "curl.md"), "")
	if err != nil {
		return r, err
	}
	s, err := stacks.start(ctx, local.Options{App: sys.Assembly()})
	if err != nil {
		return r, err
	}
	defer s.Stop()
	dir, err := checkout(s.Result)
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	limited, cancel := context.WithTimeout(ctx, limitOfTour)
	defer cancel()
	if err := replays.run(limited, dir); err != nil {
		return r, fmt.Errorf("the blocks of docs/replays.md: %w", err)
	}
	r.session = replays
	if err := curl.run(limited, dir); err != nil {
		return r, fmt.Errorf("the blocks of docs/curl.md: %w", err)
	}
	r.output = curl.output
	api, err := observe.Connect(s.APIURL, s.Config(), nil)
	if err != nil {
		return r, err
	}
	page, err := api.Replays.ListPage(ctx, "", "")
	slices.Reverse(page.Replays)
	r.replays = page.Replays
	return r, err
}

// checkout makes a directory that is the checkout, but for what is built in it.
func checkout(state local.Result) (dir string, err error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "tour-"); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return dir, err
	}
	for _, e := range entries {
		if e.Name() != "build" && !strings.HasPrefix(e.Name(), ".") {
			if err := os.Symlink(filepath.Join(root, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				return dir, err
			}
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "build"), 0o750); err != nil {
		return dir, err
	}
	b, err := json.Marshal(state)
	if err != nil {
		return dir, err
	}
	return dir, os.WriteFile(filepath.Join(dir, "build", "local.json"), b, 0o600)
}

// TestTheTourShowsWhatReplayctlSays compares what docs/replays.md shows with what came. Ids, times and durations differ
// from run to run: the document has others in their place.
func TestTheTourShowsWhatReplayctlSays(t *testing.T) {
	t.Parallel()
	r := tour.wait(t)
	if *update {
		if err := r.session.rewrite(); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, c := range r.session.commands {
		if c.got != c.shown {
			t.Errorf("docs/replays.md shows of\n$ %s\n%s\ngot\n%s\nreview it with go test ./test/e2e -run TestTheTour -update",
				c.line, c.shown, c.got)
		}
	}
}

func TestTheBlocksForCurlReplayThePast(t *testing.T) {
	t.Parallel()
	r := tour.wait(t)
	want := []struct {
		reason string
		status replay.Status
		counts replay.Counts
	}{
		{"the search index lost it", replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1}},
		{"what if", replay.Planned, replay.Counts{Matched: 1, Skipped: 1}},
		{"the price history got lost", replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2}},
		{"does the patch do what it should", replay.Planned, replay.Counts{Matched: 1}},
		{"the price was sent as -1", replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1}},
		{"the price map is new", replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2}},
		{"everything of A-1, slowly", replay.Cancelled, replay.Counts{Matched: 22}}, // how many start depends on the machine
		{"asked for twice", replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1}},
	}
	if len(r.replays) < len(want) {
		t.Fatalf("got %d replays, want %d:\n%s", len(r.replays), len(want), r.output)
	}
	r.replays = r.replays[len(r.replays)-len(want):] // those of docs/replays.md came before
	for i, w := range want {
		got := r.replays[i]
		if got.Reason != w.reason || got.Status != w.status || got.Counts.Matched != w.counts.Matched {
			t.Errorf("replay %d: got %q, %s, %+v, want %q, %s, %+v", i+1, got.Reason, got.Status, got.Counts, w.reason, w.status, w.counts)
		}
		if c := got.Counts; w.status != replay.Cancelled && c != w.counts ||
			w.status == replay.Cancelled && (c.Skipped == 0 || c.Succeeded+c.Skipped != c.Matched) {
			t.Errorf("replay %q: got %+v, want %+v", got.Reason, c, w.counts)
		}
	}
	for _, text := range []string{
		`"priceUsd":675000`,          // the old event
		`stale: version`,             // the plan of the old version
		`"path":"/listing/priceUsd"`, // the diff of the patch
		`{"failures":[]}`,            // the quarantine afterwards
		`"the replay was cancelled"`, // an item that was skipped
	} {
		if !strings.Contains(r.output, text) {
			t.Errorf("the output lacks %s", text)
		}
	}
	if t.Failed() {
		t.Log(r.output)
	}
}
