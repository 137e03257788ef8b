package history_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestHistoryListsVersionsNewestFirst(t *testing.T) {
	w := operator.New(t)
	w.Run("history r1").Wants(t, exit.Refused, nil, []string{"the event log has no resource r1", "failures --detail"})
	w.Event("first", `{"id":"r1","owner":"o1","n":1}`)
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	w.Event("second", `{"id":"r1","owner":"o2","n":2}`)

	got := w.Run("history r1")
	all := w.VersionsOf("r1")
	if len(all) != 2 {
		t.Fatalf("got %d versions, want 2", len(all))
	}
	got.Wants(t, exit.OK, []string{"VERSION", "AGE", "o1", "o2", "SUCCEEDED", "FAILED", "live FAILED", "BadListing", "30 B"}, nil)
	if strings.Index(got.Out, all[0].VersionID) > strings.Index(got.Out, all[1].VersionID) {
		t.Errorf("the newest version does not come first:\n%s", got.Out)
	}
	if all[0].Executions[0].Name != "second" || all[0].Outcome != "FAILED" || all[0].ResourceID != "r1" {
		t.Errorf("got %+v, want the newest version", all[0])
	}
	w.Engine.Schedule()
	got = w.Run("history r1 --limit 1 --detail")
	got.Wants(t, exit.OK, []string{"QUARANTINED", "second, live, FAILED", "failure", "BadListing in Work", "cause", "decision"}, nil)
	if strings.Contains(got.Out, all[1].VersionID) {
		t.Errorf("got more than --limit versions:\n%s", got.Out)
	}

	w.Engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	id := w.Ask(`{"select":{"failures":{}},"reason":"mended"}`)
	w.Engine.Pump()
	w.Run("history r1 --limit 1 --detail").Wants(t, exit.OK, []string{"api, SUCCEEDED", "HEALED", "replay " + id}, nil)
	w.Run("history r1 --limit 1").Wants(t, exit.OK, []string{"live FAILED, api SUCCEEDED"}, nil)
}

func TestHistoryOfARangeOfTimes(t *testing.T) {
	w := operator.New(t)
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	w.Process.Now = func() time.Time { return now }
	pages := w.ServeVersions(300, func(i int) replay.Version { // an hour apart; one of them out of order
		at := now.Add(-time.Duration(i) * time.Hour)
		if i == 5 {
			at = at.Add(90 * time.Minute)
		}
		return replay.Version{VersionID: fmt.Sprint("v", i), RecordedAt: at, Executions: []replay.Execution{}}
	})
	for _, tt := range []struct {
		line, want string
		pages      int
	}{
		{"--since 2h", "v0 v1 v2", 1},
		{"--since 3h --until 1h", "v2 v3", 1},
		{"--since 4h --until 3h", "v4 v5", 1},
		{"--since 100h --until 99h", "v100", 2},
		{"--limit 2", "v0 v1", 1},
		{"--since 10m --until 5m", "", 1},
	} {
		*pages = 0
		got := w.Run("history r1 --limit 0 -o jsonl " + tt.line)
		var ids []string
		for line := range strings.Lines(got.Out) {
			var v operator.Past
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, v.VersionID)
		}
		if strings.Join(ids, " ") != tt.want || *pages != tt.pages || got.Code != exit.OK {
			t.Errorf("%s: got %v after %d pages, want %s after %d\n%s", tt.line, ids, *pages, tt.want, tt.pages, got.Err)
		}
	}
	w.Run("history r1 --since 5m --until 10m").Wants(t, exit.Usage, nil, []string{"--until must be later than --since"})
	w.Run("history r1 --since never").Wants(t, exit.Usage, nil, []string{"--since must be a time", `got "never"`})
	w.Run("history").Wants(t, exit.Usage, nil, []string{"replayctl history --help"})
}

// heldBack counts lines, and compares them with what was served by then.
type heldBack struct {
	lines, most int
	served      *int // pages of 100
}

func (h *heldBack) Write(p []byte) (int, error) {
	h.lines += strings.Count(string(p), "\n")
	h.most = max(h.most, *h.served*100-h.lines)
	return len(p), nil
}

func TestALongHistoryIsNotHeldBack(t *testing.T) {
	for _, format := range []string{"table", "jsonl"} {
		w := operator.New(t)
		start := time.Now()
		const n = 100_000
		pages := w.ServeVersions(n, func(i int) replay.Version {
			return replay.Version{VersionID: fmt.Sprint("v", i), RecordedAt: start, Executions: []replay.Execution{}}
		})
		out := &heldBack{served: pages}
		p := w.Process
		p.Args, p.Out, p.Err = []string{"history", "r1", "--limit", "0", "-o", format}, out, &strings.Builder{}
		if code := ctl.Main(t.Context(), p); code != exit.OK || out.lines < n || *pages != n/100 {
			t.Errorf("%s: got code %d and %d lines of %d pages", format, code, out.lines, *pages)
		}
		if out.most > 200 {
			t.Errorf("%s: up to %d versions were kept back, want at most two pages", format, out.most)
		}
	}
}
