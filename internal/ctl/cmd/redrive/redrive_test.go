package redrive_test

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestFailedExecutionsGoOn(t *testing.T) {
	w := operator.New(t)
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	w.Ingest("r1", "r2")
	for range 2 {
		w.Engine.Ahead += 5 * time.Minute
		w.Engine.Schedule()
	}
	w.Engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	starts := len(w.Engine.Machine.Starts)
	w.Run("redrive --failures --state Work --dry-run").Wants(t, exit.OK, []string{"from state"}, nil)
	w.Run("redrive --failures --state Work --reason mended --wait").Wants(t, exit.OK, []string{"2 succeeded"}, nil)
	if r := w.Requested(); r.Action != replay.Redrive || r.Request.Versions.Mode != replay.FailedVersion {
		t.Errorf("got %+v, want a redrive", r.Request)
	}
	if got := len(w.Engine.Machine.Starts); got != starts || len(w.Engine.Machine.Redriven) != 2 {
		t.Errorf("got %d executions started and %d redriven, want none and 2", got-starts, len(w.Engine.Machine.Redriven))
	}
}

func TestWhatARedriveCannotChangeHasNoFlag(t *testing.T) {
	w := operator.New(t)
	for _, flag := range []string{"--all", "--latest", "--series", "--target x", "--merge-patch {}", "--suppress-publish", "--version v"} {
		w.Run("redrive r1 --reason x "+flag).Wants(t, exit.Usage, nil, []string{"unknown flag"})
	}
	w.Run("redrive --reason x").Wants(t, exit.Usage, nil, []string{"say what to redrive"})
}
