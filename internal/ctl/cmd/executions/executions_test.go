package executions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestExecutionsThatHaveEnded(t *testing.T) {
	w := operator.New(t)
	w.Run("executions").Wants(t, exit.OK, nil, []string{"no executions have ended"})
	w.Ingest("r1")
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "ListingBroken" }
	w.Engine.Ingest("live-broken", `{"id":"r2","owner":"o2"}`)
	w.Engine.Ingest("live-nameless", `{"owner":"o2"}`) // never reached the ledger
	w.Engine.Pump()
	ask := func(flags string) (all []replay.EndedExecution) {
		t.Helper()
		got := w.Run("executions -o json " + flags)
		var doc struct{ Executions []replay.EndedExecution }
		if err := json.Unmarshal([]byte(got.Out), &doc); err != nil {
			t.Fatalf("%s: %v: %s", flags, err, got.Err)
		}
		return doc.Executions
	}
	for flags, want := range map[string]int{
		"": 3, "--status succeeded": 1, "--status FAILED": 2, "--error Listing*": 1, "--resource r2": 1, "--owner o2": 1, "--owner o9": 0,
		"--since 1h": 3, "--until 1h": 0,
	} {
		if got := ask(flags); len(got) != want {
			t.Errorf("%s: got %+v, want %d", flags, got, want)
		}
	}
	one := ask("--resource r2")[0]
	if one.Name != "live-broken" || one.Status != replay.EndFailed || one.Error != "ListingBroken" || one.Kind != "live" || one.OwnerID != "o2" ||
		one.VersionID == "" || one.StoppedAt == nil || one.StartedAt == nil {
		t.Errorf("got %+v", one)
	}
	w.Run("executions").Wants(t, exit.OK, []string{"ENDED", "live-broken", "ListingBroken", "live-nameless"}, nil)
	w.Run("executions --status DONE").Wants(t, exit.Usage, nil, []string{"--status must be one of SUCCEEDED, SUPERSEDED"})
}

func TestTailShowsEachEndOnceUntilCtrlC(t *testing.T) {
	w := operator.New(t)
	ctx, interrupt := context.WithCancel(t.Context())
	old := time.Now().Add(-20 * time.Second)
	note := func(name string, status replay.EndStatus, at time.Time) {
		t.Helper()
		if err := w.Engine.Book.Ends.Note(t.Context(), []domain.End{{Name: name, Status: status, ResourceID: "r\x1b[1"}}, at); err != nil {
			t.Fatal(err)
		}
	}
	note("before", replay.EndSucceeded, old.Add(-time.Hour))
	for i := range 150 {
		note(fmt.Sprintf("e%03d", i), replay.EndFailed, old.Add(time.Duration(i)*time.Millisecond))
	}
	note("e003", replay.EndFailed, old.Add(time.Second)) // reported again
	note("other", replay.EndSucceeded, old.Add(time.Second))
	var polls []time.Duration
	w.Process.Sleep = func(ctx context.Context, d time.Duration) error {
		polls = append(polls, d)
		switch len(polls) {
		case 3:
			note("late", replay.EndFailed, time.Now().Add(-5*time.Second))
		case 500: // by then, the late one is five seconds old
			interrupt()
		}
		return ctx.Err()
	}
	got := w.RunIn(ctx, "tail", "--status", "failed", "-o", "jsonl")
	if got.Code != exit.OK || got.Err != "" {
		t.Errorf("got code %d, %q, want a clean end", got.Code, got.Err)
	}
	lines := strings.Split(strings.TrimSpace(got.Out), "\n")
	if len(lines) != 151 || !strings.Contains(lines[150], `"late"`) {
		t.Fatalf("got %d lines, want 151, the late one last", len(lines))
	}
	for i, line := range lines[:150] {
		var e replay.EndedExecution
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Name != fmt.Sprintf("e%03d", i) {
			t.Fatalf("line %d: got %s, %v, want e%03d", i, line, err, i)
		}
	}
	if polls[0] != 2*time.Second || slices.Max(polls) != 10*time.Second {
		t.Errorf("got waits from %s to %s, want from 2 to 10 seconds", polls[0], slices.Max(polls))
	}
}

func TestTailForPeople(t *testing.T) {
	w := operator.New(t)
	ctx, interrupt := context.WithCancel(t.Context())
	end := domain.End{Name: "e1", Status: replay.EndFailed, ResourceID: "r\x1b[1", Error: "Broken"}
	if err := w.Engine.Book.Ends.Note(t.Context(), []domain.End{end}, time.Now().Add(-10*time.Second)); err != nil {
		t.Fatal(err)
	}
	w.Process.Sleep = func(context.Context, time.Duration) error {
		interrupt()
		return context.Canceled
	}
	w.RunIn(ctx, "tail").Wants(t, exit.OK, []string{"FAILED", `r\x1b[1`, "e1", "Broken"}, nil)
	w.Run("tail -o json").Wants(t, exit.Usage, nil, []string{"tail has no end"})
	w.Run("tail --status nothing").Wants(t, exit.Usage, nil, []string{"--status must be one of"})
}
