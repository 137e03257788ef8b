package ctl_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/replay"
)

// broken has resources fail with an error each, and puts them into the quarantine.
func (w *world) broken(errors map[string]string) {
	w.t.Helper()
	for id, fault := range errors {
		w.engine.Machine.Work = func(string, string) (string, string) { return "", fault }
		w.event("live-"+id, fmt.Sprintf(`{"id":%q,"owner":"o1"}`, id))
	}
	w.engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	w.engine.Schedule()
}

func TestFailuresAreCountedByError(t *testing.T) {
	w := newWorld(t)
	w.run("failures").wants(t, ctl.ExitOK, nil, []string{"nothing needs a person"})
	w.broken(map[string]string{"r1": "BadListing", "r2": "BadListing", "r3": "BadPrice"})

	got := w.run("failures")
	got.wants(t, ctl.ExitOK, []string{"ERROR", "COUNT", "FIRST SEEN", "LAST SEEN", "BadPrice", "BadListing", "r3"}, nil)
	if strings.Index(got.out, "BadListing") > strings.Index(got.out, "BadPrice") || strings.Count(got.out, "\n") != 3 {
		t.Errorf("the most frequent error does not come first:\n%s", got.out)
	}
	var doc struct {
		Errors []struct {
			Error                   string
			Count                   int
			FirstSeenAt, LastSeenAt time.Time
			Latest                  replay.Failure
		}
	}
	got = w.run("failures -o json --error Bad*")
	if err := json.Unmarshal([]byte(got.out), &doc); err != nil || len(doc.Errors) != 2 || doc.Errors[0].Count != 2 ||
		doc.Errors[0].FirstSeenAt.After(doc.Errors[0].LastSeenAt) || doc.Errors[1].Latest.ResourceID != "r3" {
		t.Errorf("got %s, %v", got.out, err)
	}
	w.run("failures --error *Price").wants(t, ctl.ExitOK, []string{"BadPrice"}, nil)
	w.run("failures --since 0s").wants(t, ctl.ExitOK, nil, []string{"no failures"})
	w.run("failures --error [").wants(t, ctl.ExitRefused, nil, []string{"error"})
	w.run("failures --limit 3").wants(t, ctl.ExitUsage, nil, []string{"--limit goes with --detail"})
}

func TestFailuresOneByOne(t *testing.T) {
	w := newWorld(t)
	w.broken(map[string]string{"r1": "BadListing", "r2": "BadListing", "r3": "BadPrice"})
	version := w.versionsOf("r3")[0].VersionID
	got := w.run("failures --detail --resource r3")
	got.wants(t, ctl.ExitOK, []string{"RESOURCE", "ATTEMPTS", "CAUSE", "DECISION", "r3", version, "live-r3", "BadPrice"}, nil)
	if strings.Contains(got.out, "r1") {
		t.Errorf("got other resources:\n%s", got.out)
	}
	if got = w.run("failures --detail -o jsonl --limit 2"); strings.Count(got.out, "\n") != 2 || !strings.Contains(got.out, `"resourceId":`) {
		t.Errorf("got %s, want two lines", got.out)
	}
	got.wants(t, ctl.ExitOK, nil, []string{"there are more: --limit 0"})
	if got = w.run("failures --detail --limit 3"); got.err != "" {
		t.Errorf("got %q, want nothing said about a whole list", got.err)
	}
	w.run("failures --detail --resource r9").wants(t, ctl.ExitOK, nil, []string{"no failures"})
}

func TestFailuresThatAreCountedAreNotKept(t *testing.T) {
	w := newWorld(t)
	const n = 100_000
	cause, at := strings.Repeat("x", 1_024), time.Now()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	begin, end := heap(), uint64(0)
	pages := servePages(w, "/v1/failures", n, func(i int) replay.Failure {
		if i == n-1 {
			end = heap()
		}
		return replay.Failure{Execution: fmt.Sprint("x", i), ResourceID: "r1", Error: fmt.Sprint("E", i%7), Cause: cause, FailedAt: at}
	}, func(page []replay.Failure, next string) any { return replay.Failures{Failures: page, NextCursor: next} })
	got := w.run("failures -o jsonl")
	if got.code != ctl.ExitOK || strings.Count(got.out, "\n") != 7 || !strings.Contains(got.out, `"count":14286`) || *pages != n/100 {
		t.Errorf("got %d, %s, %s", got.code, got.out, got.err)
	}
	if grown := int64(end) - int64(begin); grown > 30<<20 { //nolint:gosec // far from overflow
		t.Errorf("%d bytes were kept for 7 errors", grown)
	}
}

func TestAnErrorInTheMiddleOfAList(t *testing.T) {
	w := newWorld(t)
	w.gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("cursor") != "" {
			http.Error(rw, "down", http.StatusServiceUnavailable)
			return true
		}
		_ = json.NewEncoder(rw).Encode(replay.Failures{Failures: []replay.Failure{{Error: "E", ResourceID: "r1"}}, NextCursor: "1"})
		return true
	})
	w.run("failures --detail -o jsonl").wants(t, ctl.ExitUnreachable, []string{`"resourceId":"r1"`}, []string{"503"})
	if got := w.run("failures"); got.code != ctl.ExitUnreachable || got.out != "" {
		t.Errorf("got %d, %q, want no counts of a part", got.code, got.out)
	}
}

func TestFailuresAreRunAgain(t *testing.T) {
	w := newWorld(t)
	w.broken(map[string]string{"r1": "BadListing", "r2": "BadListing", "r3": "BadPrice"})
	w.run("failures replay").wants(t, ctl.ExitUsage, nil, []string{"--reason"})
	w.run("failures replay --owner o1 --reason x").wants(t, ctl.ExitUsage, nil, []string{"unknown flag: --owner"})
	w.run("failures replay r1 --reason x").wants(t, ctl.ExitUsage, nil, []string{"--help"})
	w.run("failures replay --error BadPrice --dry-run").wants(t, ctl.ExitOK, []string{"1 item", "r3"}, []string{"nothing was started"})
	w.run("failures replay --error BadPrice --reason x --wait --yes").wants(t, ctl.ExitOK, nil, nil)
	if got := w.run("failures"); strings.Contains(got.out, "BadPrice") || !strings.Contains(got.out, "BadListing") {
		t.Errorf("got %s, want the others left", got.out)
	}
	w.run("failures replay --reason x --wait --yes").wants(t, ctl.ExitOK, nil, nil)
	w.run("failures").wants(t, ctl.ExitOK, nil, []string{"nothing needs a person"})
}

func TestFailuresOfAResourceAreRunAgain(t *testing.T) {
	w := newWorld(t)
	w.broken(map[string]string{"r1": "BadListing", "r2": "BadListing"})
	w.engine.Machine.Work = func(string, string) (string, string) { return "", "BadPrice" }
	w.event("again", `{"id":"r1","owner":"o1","n":2}`)
	w.engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	w.engine.Schedule()
	versions := w.versionsOf("r1")

	w.run("failures replay --resource r1 --reason x --yes").wants(t, ctl.ExitOK, nil, nil)
	if r := w.requested(); len(r.Request.Versions.IDs) == 0 || r.Request.Select.ResourceIDs[0] != "r1" {
		t.Errorf("got %+v, want the versions that failed", r.Request)
	}
	w.run("failures replay --resource r1 --error BadPrice --reason x --yes").wants(t, ctl.ExitOK, nil, nil)
	if r := w.requested(); len(r.Request.Versions.IDs) != 1 || r.Request.Versions.IDs[0] != versions[0].VersionID {
		t.Errorf("got %+v, want the version with that error", r.Request)
	}
	w.run("failures replay --resource r1 --latest --reason x --yes").wants(t, ctl.ExitOK, nil, nil)
	if r := w.requested(); r.Request.Versions.Mode != replay.LatestVersion {
		t.Errorf("got %+v, want the latest version", r.Request)
	}
	w.run("failures replay --resource r9 --reason x").wants(t, ctl.ExitRefused, nil, []string{"no version of r9 is in the quarantine", "`replayctl history r9 --detail`"})
}

func TestTheMessageOfACauseIsShown(t *testing.T) {
	w := newWorld(t)
	servePages(w, "/v1/failures", 3, func(i int) replay.Failure {
		cause := []string{`{"errorMessage":"the price is -1","errorType":"E","trace":["a"]}`, "plain text", `{"errorMessage":"cut o`}[i]
		return replay.Failure{Execution: fmt.Sprint("x", i), Error: "E", Cause: cause, FailedAt: time.Now()}
	}, func(page []replay.Failure, next string) any { return replay.Failures{Failures: page, NextCursor: next} })
	got := w.run("failures --detail")
	got.wants(t, ctl.ExitOK, []string{"  the price is -1\n", "  plain text\n", `{"errorMessage":"cut o`}, nil)
	w.run("failures --detail -o jsonl").wants(t, ctl.ExitOK, []string{`\"errorMessage\":\"the price is -1\"`}, nil)
}
