package ctl_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/replay"
)

// event has one arrive and run to its end.
func (w *world) event(execution, event string) {
	w.t.Helper()
	w.engine.Ingest(execution, event)
	w.engine.Report()
}

// past is a line of history -o jsonl.
type past struct {
	ResourceID, VersionID, Outcome string
	RecordedAt                     time.Time
	Executions                     []replay.Execution
	Failures                       []replay.Setback
}

// versionsOf lists the versions of a resource, newest first.
func (w *world) versionsOf(resource string) (all []past) {
	w.t.Helper()
	got := w.runWords("history", resource, "--limit", "0", "-o", "jsonl")
	dec := json.NewDecoder(strings.NewReader(got.out))
	for dec.More() {
		var v past
		if err := dec.Decode(&v); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func TestHistoryListsVersionsNewestFirst(t *testing.T) {
	w := newWorld(t)
	w.run("history r1").wants(t, ctl.ExitRefused, nil, []string{"the event log has no resource r1", "failures --detail"})
	w.event("first", `{"id":"r1","owner":"o1","n":1}`)
	w.engine.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	w.event("second", `{"id":"r1","owner":"o2","n":2}`)

	got := w.run("history r1")
	all := w.versionsOf("r1")
	if len(all) != 2 {
		t.Fatalf("got %d versions, want 2", len(all))
	}
	got.wants(t, ctl.ExitOK, []string{"VERSION", "AGE", "o1", "o2", "SUCCEEDED", "FAILED", "live FAILED", "BadListing", "30 B"}, nil)
	if strings.Index(got.out, all[0].VersionID) > strings.Index(got.out, all[1].VersionID) {
		t.Errorf("the newest version does not come first:\n%s", got.out)
	}
	if all[0].Executions[0].Name != "second" || all[0].Outcome != "FAILED" || all[0].ResourceID != "r1" {
		t.Errorf("got %+v, want the newest version", all[0])
	}
	w.engine.Schedule()
	got = w.run("history r1 --limit 1 --detail")
	got.wants(t, ctl.ExitOK, []string{"QUARANTINED", "second, live, FAILED", "failure", "BadListing in Work", "cause", "decision"}, nil)
	if strings.Contains(got.out, all[1].VersionID) {
		t.Errorf("got more than --limit versions:\n%s", got.out)
	}

	w.engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	id := w.ask(`{"select":{"failures":{}},"reason":"mended"}`)
	w.engine.Pump()
	w.run("history r1 --limit 1 --detail").wants(t, ctl.ExitOK, []string{"api, SUCCEEDED", "HEALED", "replay " + id}, nil)
	w.run("history r1 --limit 1").wants(t, ctl.ExitOK, []string{"live FAILED, api SUCCEEDED"}, nil)
}

func TestHistoryOfARangeOfTimes(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	w.process.Now = func() time.Time { return now }
	pages := w.serveVersions(300, func(i int) replay.Version { // an hour apart; one of them out of order
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
		got := w.run("history r1 --limit 0 -o jsonl " + tt.line)
		var ids []string
		for line := range strings.Lines(got.out) {
			var v past
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, v.VersionID)
		}
		if strings.Join(ids, " ") != tt.want || *pages != tt.pages || got.code != ctl.ExitOK {
			t.Errorf("%s: got %v after %d pages, want %s after %d\n%s", tt.line, ids, *pages, tt.want, tt.pages, got.err)
		}
	}
	w.run("history r1 --since 5m --until 10m").wants(t, ctl.ExitUsage, nil, []string{"--until must be later than --since"})
	w.run("history r1 --since never").wants(t, ctl.ExitUsage, nil, []string{"--since must be a time", `got "never"`})
	w.run("history").wants(t, ctl.ExitUsage, nil, []string{"replayctl history --help"})
}

// serveVersions answers GET /versions with n of them, page by page, and counts the pages.
func (w *world) serveVersions(n int, of func(i int) replay.Version) *int {
	return servePages(w, "/v1/versions", n, of, func(page []replay.Version, next string) any {
		return replay.History{ResourceID: "r1", Versions: page, NextCursor: next}
	})
}

func servePages[T any](w *world, path string, n int, of func(i int) T, answer func(page []T, next string) any) *int {
	pages := new(int)
	w.gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		*pages++
		from, size := 0, 0
		_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from)
		_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &size)
		to := min(from+size, n)
		page := make([]T, 0, size)
		for i := from; i < to; i++ {
			page = append(page, of(i))
		}
		next := ""
		if to < n {
			next = fmt.Sprint(to)
		}
		_ = json.NewEncoder(rw).Encode(answer(page, next)) // the test fails without it
		return true
	})
	return pages
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
		w := newWorld(t)
		start := time.Now()
		const n = 100_000
		pages := w.serveVersions(n, func(i int) replay.Version {
			return replay.Version{VersionID: fmt.Sprint("v", i), RecordedAt: start, Executions: []replay.Execution{}}
		})
		out := &heldBack{served: pages}
		p := w.process
		p.Args, p.Out, p.Err = []string{"history", "r1", "--limit", "0", "-o", format}, out, &strings.Builder{}
		if code := ctl.Main(t.Context(), p); code != ctl.ExitOK || out.lines < n || *pages != n/100 {
			t.Errorf("%s: got code %d and %d lines of %d pages", format, code, out.lines, *pages)
		}
		if out.most > 200 {
			t.Errorf("%s: up to %d versions were kept back, want at most two pages", format, out.most)
		}
	}
}
