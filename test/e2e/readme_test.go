package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/replayapi"
	"github.com/ce873799/replayable-ingestion/replay"
)

// tour is what README has a newcomer paste, on a stack of its own, while the other tests run.
var tour task[tourResult]

type tourResult struct {
	output  string
	replays []replay.Summary // oldest first
}

// limitOfTour is long enough for auto-replay's schedule and a busy machine.
const limitOfTour = 5 * time.Minute

func takeTour(ctx context.Context) (tourResult, error) {
	var r tourResult
	script, err := blocksOfReadme("Replay the past")
	if err != nil {
		return r, err
	}
	s, err := stacks.start(ctx, local.Options{})
	if err != nil {
		return r, err
	}
	defer s.Stop()
	dir, err := os.MkdirTemp("", "tour-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	state, err := json.Marshal(s.Result)
	if err != nil {
		return r, err
	}
	if err := os.Mkdir(filepath.Join(dir, "build"), 0o750); err != nil {
		return r, err
	}
	if err := os.WriteFile(filepath.Join(dir, "build", "local.json"), state, 0o600); err != nil {
		return r, err
	}
	limited, cancel := context.WithTimeout(ctx, limitOfTour)
	defer cancel()
	cmd := exec.CommandContext(limited, "bash", "-eu", "-o", "pipefail", "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	r.output = string(out)
	if err != nil {
		return r, fmt.Errorf("README's blocks: %w\n%s", err, out)
	}
	var page replay.Replays
	err = replayapi.New(s.APIURL, s.Config()).Get(ctx, "/replays", nil, &page)
	slices.Reverse(page.Replays)
	r.replays = page.Replays
	return r, err
}

// blocksOfReadme returns the shell blocks of a section, in their order.
func blocksOfReadme(heading string) (string, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		return "", err
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		return "", fmt.Errorf("README.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var script strings.Builder
	for {
		_, rest, more := strings.Cut(section, "\n```sh\n")
		if !more {
			return script.String(), nil
		}
		block, after, closed := strings.Cut(rest, "\n```\n")
		if !closed {
			return "", fmt.Errorf("README.md, section %q: a block has no end", heading)
		}
		_, _ = fmt.Fprintln(&script, block) // a builder never fails
		section = after
	}
}

func TestTheReadmeReplaysThePast(t *testing.T) {
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
	if len(r.replays) != len(want) {
		t.Fatalf("got %d replays, want %d:\n%s", len(r.replays), len(want), r.output)
	}
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
