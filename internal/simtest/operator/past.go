package operator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Ask starts a replay through the API and runs it to its end.
func (w *World) Ask(body string) string {
	w.T.Helper()
	answer := w.Engine.Call("POST", "/replays", body, nil, nil)
	var accepted replay.Accepted
	if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil || answer.StatusCode != 202 {
		w.T.Fatalf("got %d %s", answer.StatusCode, answer.Body)
	}
	return accepted.ReplayID
}

// Requested is the request of the newest replay or dry run, as the API understood it.
func (w *World) Requested() replay.Replay {
	w.T.Helper()
	var doc struct{ Replays []replay.Summary }
	if err := json.Unmarshal([]byte(w.Run("list --dry-runs --limit 1 -o json").Out), &doc); err != nil || len(doc.Replays) == 0 {
		w.T.Fatalf("no replays: %v", err)
	}
	got := w.Run("status " + doc.Replays[0].ReplayID + " -o json")
	var r replay.Replay
	if err := json.Unmarshal([]byte(got.Out), &r); err != nil {
		w.T.Fatalf("%v: %s%s", err, got.Out, got.Err)
	}
	return r
}

// Crowd creates more resources than may start without a confirmation.
func (w *World) Crowd(n int) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("c%04d", i)
	}
	w.Ingest(ids...)
}

// Ticking advances the operator's clock by two seconds at each read.
func (w *World) Ticking() {
	var reads atomic.Int64
	start := time.Now().Add(-time.Minute)
	w.Process.Now = func() time.Time { return start.Add(time.Duration(reads.Add(1)) * 2 * time.Second) }
}

// Asked lists the bodies of POST /replays from now on.
func (w *World) Asked() func() []map[string]any {
	var bodies []map[string]any
	w.Gateway.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/replays") {
			return false
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			w.T.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
		var body map[string]any
		if err := json.Unmarshal(raw, &body); err != nil {
			w.T.Error(err)
		}
		bodies = append(bodies, body)
		return false
	})
	return func() []map[string]any { got := bodies; bodies = nil; return got }
}

// Broken makes resources fail with an error each, and moves them to the quarantine.
func (w *World) Broken(errors map[string]string) {
	w.T.Helper()
	for id, fault := range errors {
		w.Engine.Machine.Work = func(string, string) (string, string) { return "", fault }
		w.Event("live-"+id, fmt.Sprintf(`{"id":%q,"owner":"o1"}`, id))
	}
	w.Engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	w.Engine.Schedule()
}

// Ingest ingests events that succeed.
func (w *World) Ingest(ids ...string) {
	w.T.Helper()
	for i, id := range ids {
		w.Engine.Ingest(fmt.Sprintf("live-%s-%d", id, i), fmt.Sprintf(`{"id":%q,"owner":"o1","n":%d}`, id, i))
	}
	w.Engine.Report()
}

// Event ingests an event and runs it to its end.
func (w *World) Event(execution, event string) {
	w.T.Helper()
	w.Engine.Ingest(execution, event)
	w.Engine.Report()
}

// Past is a line of history -o jsonl.
type Past struct {
	ResourceID, VersionID, Outcome string
	RecordedAt                     time.Time
	Executions                     []replay.Execution
	Failures                       []replay.Setback
	Correction                     *replay.Correction
}

// VersionsOf lists the versions of a resource, newest first.
func (w *World) VersionsOf(resource string) (all []Past) {
	w.T.Helper()
	got := w.RunWords("history", resource, "--limit", "0", "-o", "jsonl")
	dec := json.NewDecoder(strings.NewReader(got.Out))
	for dec.More() {
		var v Past
		if err := dec.Decode(&v); err != nil {
			w.T.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// ServeVersions answers GET /versions with n of them, page by page, and counts the pages.
func (w *World) ServeVersions(n int, of func(i int) replay.Version) *int {
	return ServePages(w, "/v1/versions", n, of, func(page []replay.Version, next string) any {
		return replay.History{ResourceID: "r1", Versions: page, NextCursor: next}
	})
}

// ServePages answers GET of a path with n entries, page by page, and counts the pages.
func ServePages[T any](w *World, path string, n int, of func(i int) T, answer func(page []T, next string) any) *int {
	pages := new(int)
	w.Gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
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

// Lines is a list of ids, one per line, as from a pipe.
func Lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "c%04d\n", i)
	}
	return b.String()
}

// Replays lists every replay, oldest first.
func (w *World) Replays() (all []replay.Replay) {
	w.T.Helper()
	var doc struct{ Replays []replay.Summary }
	if err := json.Unmarshal([]byte(w.Run("list --limit 0 -o json").Out), &doc); err != nil {
		w.T.Fatal(err)
	}
	for _, s := range doc.Replays {
		var r replay.Replay
		if err := json.Unmarshal([]byte(w.Run("status "+s.ReplayID+" -o json").Out), &r); err != nil {
			w.T.Fatal(err)
		}
		all = append([]replay.Replay{r}, all...)
	}
	return all
}
