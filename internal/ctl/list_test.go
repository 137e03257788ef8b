package ctl_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/replay"
)

// ask starts a replay over the API and runs it to its end.
func (w *world) ask(body string) string {
	w.t.Helper()
	answer := w.engine.Call("POST", "/replays", body, nil, nil)
	var accepted replay.Accepted
	if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil || answer.StatusCode != 202 {
		w.t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
	}
	return accepted.ReplayID
}

func TestListShowsReplaysNewestFirst(t *testing.T) {
	w := newWorld(t)
	w.run("list").wants(t, ctl.ExitOK, nil, []string{"no replays"})
	w.ingest("r1")
	one := w.ask(`{"select":{"resourceIds":["r1"]},"reason":"the first"}`)
	w.engine.Pump()
	two := w.ask(`{"select":{"resourceIds":["r1"]},"reason":"the second"}`)

	got := w.run("list")
	got.wants(t, ctl.ExitOK, []string{"REPLAY", one, two, "COMPLETED", "PENDING", "the first"}, nil)
	if strings.Index(got.out, two) > strings.Index(got.out, one) {
		t.Errorf("the newest replay does not come first:\n%s", got.out)
	}
	var doc struct{ Replays []replay.Summary }
	got = w.run("list --status completed -o json")
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil || len(doc.Replays) != 1 || doc.Replays[0].ReplayID != one {
		t.Errorf("got %s, %v, want %s alone", got.out, err, one)
	}
	if got = w.run("list --limit 1 -o jsonl"); strings.Count(got.out, "\n") != 1 || !strings.Contains(got.out, two) {
		t.Errorf("got %s, want one line about %s", got.out, two)
	}
	w.run("list --status DONE").wants(t, ctl.ExitUsage, nil, []string{`--status must be one of PENDING, EXPANDING`})
}

func TestStatusDescribesAReplay(t *testing.T) {
	w := newWorld(t)
	w.ingest("r1")
	id := w.ask(`{"select":{"resourceIds":["r1","r2"]},"reason":"the first"}`)
	w.engine.Pump()
	w.run("status "+id).wants(t, ctl.ExitOK, []string{id, "COMPLETED", "2 matched, 1 started, 1 succeeded, 0 failed, 1 skipped"}, nil)
	w.run("status 01ARZ3NDEKTSV4RRFFQ69G5FAV").wants(t, ctl.ExitRefused, nil, []string{"404"})
	w.run("status").wants(t, ctl.ExitOK, []string{id}, nil)
	w.run("status a b").wants(t, ctl.ExitUsage, nil, []string{"--help"})
}
