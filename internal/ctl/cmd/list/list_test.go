package list_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestListShowsReplaysNewestFirst(t *testing.T) {
	w := operator.New(t)
	w.Run("list").Wants(t, exit.OK, nil, []string{"no replays"})
	w.Ingest("r1")
	one := w.Ask(`{"select":{"resourceIds":["r1"]},"reason":"the first"}`)
	w.Engine.Pump()
	two := w.Ask(`{"select":{"resourceIds":["r1"]},"reason":"the second"}`)

	got := w.Run("list")
	got.Wants(t, exit.OK, []string{"REPLAY", one, two, "COMPLETED", "PENDING", "the first"}, nil)
	if strings.Index(got.Out, two) > strings.Index(got.Out, one) {
		t.Errorf("the newest replay does not come first:\n%s", got.Out)
	}
	var doc struct{ Replays []replay.Summary }
	got = w.Run("list --status completed -o json")
	if err := json.Unmarshal([]byte(got.Out), &doc); err != nil || len(doc.Replays) != 1 || doc.Replays[0].ReplayID != one {
		t.Errorf("got %s, %v, want %s alone", got.Out, err, one)
	}
	if got = w.Run("list --limit 1 -o jsonl"); strings.Count(got.Out, "\n") != 1 || !strings.Contains(got.Out, two) {
		t.Errorf("got %s, want one line about %s", got.Out, two)
	}
	w.Run("list --status DONE").Wants(t, exit.Usage, nil, []string{`--status must be one of PENDING, EXPANDING`})
}

func TestDryRunsAreListedIfTheyAreAskedFor(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Run("replay r1 --dry-run").Wants(t, exit.OK, nil, nil)
	w.Run("list").Wants(t, exit.OK, nil, []string{"no replays; --dry-runs lists dry runs too"})
	w.Run("replay r1 --reason real --wait").Wants(t, exit.OK, nil, nil)
	w.Run("replay r1 --dry-run").Wants(t, exit.OK, nil, nil)
	for line, want := range map[string]int{"": 1, " --limit 1": 1, " --dry-runs": 3, " --status planned": 2, " --status completed": 1} {
		if got := w.Run("list -o jsonl" + line); strings.Count(got.Out, "\n") != want {
			t.Errorf("list%s: got %s, want %d replays", line, got.Out, want)
		}
	}
}
