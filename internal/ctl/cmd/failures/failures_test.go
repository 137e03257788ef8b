package failures_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

const noFailures = "no failures; an execution that has just failed is listed after the next run of auto-replay"

func TestFailuresAreCountedByError(t *testing.T) {
	w := operator.New(t)
	w.Run("failures").Wants(t, exit.OK, nil, []string{noFailures})
	w.Broken(map[string]string{"r1": "BadListing", "r2": "BadListing", "r3": "BadPrice"})

	got := w.Run("failures")
	got.Wants(t, exit.OK, []string{"ERROR", "STATUS", "QUARANTINED", "COUNT", "FIRST SEEN", "LAST SEEN", "BadPrice", "BadListing", "r3"}, nil)
	if strings.Index(got.Out, "BadListing") > strings.Index(got.Out, "BadPrice") || strings.Count(got.Out, "\n") != 3 {
		t.Errorf("the most frequent error does not come first:\n%s", got.Out)
	}
	if calls := w.Gateway.Calls(); calls[len(calls)-1] != "GET /failures/groups" {
		t.Errorf("got %s, want the API to count", calls)
	}
	for _, line := range []string{"failures -o json --error Bad*", "failures -o json --owner o1"} { // counted by the API, and here
		var doc replay.FailureGroups
		got = w.Run(line)
		if err := json.Unmarshal([]byte(got.Out), &doc); err != nil || len(doc.Groups) != 2 || doc.Groups[0].Count != 2 ||
			doc.Groups[0].FirstAt.After(doc.Groups[0].LastAt) || doc.Groups[1].Sample.ResourceID != "r3" {
			t.Errorf("%s: got %s, %v", line, got.Out, err)
		}
	}
	for _, line := range []string{"failures --error *Price", "failures --cause user --resource r3", "failures --status quarantined --error *Price"} {
		if got := w.Run(line); got.Code != exit.OK || !strings.Contains(got.Out, "BadPrice") || strings.Contains(got.Out, "BadListing") {
			t.Errorf("%s: got %d, %s%s", line, got.Code, got.Out, got.Err)
		}
	}
	w.Run("failures --status held").Wants(t, exit.OK, nil, []string{"no failures match --status held"})
	w.Run("failures --state Unknown").Wants(t, exit.OK, nil, []string{"no failures match --state Unknown"})
	w.Run("failures --owner o9").Wants(t, exit.OK, nil, []string{"no failures match --owner o9"})
	w.Run("failures --since 0s").Wants(t, exit.OK, nil, []string{"no failures match --since 0s"})
	w.Run("failures --error Geo* --until 0s --resource r1").Wants(t, exit.OK, nil, []string{"no failures match --error 'Geo*' --until 0s --resource r1"})
	w.Run("failures --error [").Wants(t, exit.Usage, nil, []string{"--error must be a name or a glob"})
	w.Run("failures --detail --error [").Wants(t, exit.Refused, nil, []string{"error"})
	w.Run("failures --status open").Wants(t, exit.Usage, nil, []string{"--status must be one of QUARANTINED, WAITING"})
	w.Run("failures --limit 3").Wants(t, exit.Usage, nil, []string{"--limit goes with --detail"})
}

func TestAGroupSaysHowItHasChangedAndWhatIsMissing(t *testing.T) {
	w := operator.New(t)
	ago, before, waiting := w.Process.Now().Add(-3*time.Minute), 2, 4
	w.Gateway.Before(func(rw http.ResponseWriter, _ *http.Request) bool {
		_ = json.NewEncoder(rw).Encode(replay.FailureGroups{
			Groups: []replay.FailureGroup{
				{Status: replay.FailureHeld, Error: "Down", Count: 12, Before: &before, FirstAt: ago, LastAt: ago, NextAt: &ago},
				{Status: replay.FailureQuarantined, Error: "Old", Count: 1, FirstAt: ago, LastAt: ago},
			},
			CountedAt: ago, Others: 7, NotTakenIn: &waiting,
		})
		return true
	})
	w.Run("failures").Wants(t, exit.OK, []string{"HELD", "+10", "Old"}, []string{
		"and 7 failures of other errors", "counted at ", "about 4 failures not taken in yet: auto-replay lists them with its next run, by default within 5 minutes",
	})
}

func TestFailuresOneByOne(t *testing.T) {
	w := operator.New(t)
	w.Broken(map[string]string{"r1": "BadListing", "r2": "BadListing", "r3": "BadPrice"})
	version := w.VersionsOf("r3")[0].VersionID
	got := w.Run("failures --detail --resource r3")
	got.Wants(t, exit.OK, []string{"error      BadPrice", "resource   r3", "version    " + version, "attempts   0", "cause", "decision", "execution  live-r3"}, nil)
	if strings.Contains(got.Out, "r1") {
		t.Errorf("got other resources:\n%s", got.Out)
	}
	if got = w.Run("failures --detail -o jsonl --limit 2"); strings.Count(got.Out, "\n") != 2 || !strings.Contains(got.Out, `"resourceId":`) {
		t.Errorf("got %s, want two lines", got.Out)
	}
	got.Wants(t, exit.OK, nil, []string{"there are more: --limit 0"})
	if got = w.Run("failures --detail --limit 3"); got.Err != "" {
		t.Errorf("got %q, want nothing said about a whole list", got.Err)
	}
	w.Run("failures --detail --resource r9").Wants(t, exit.OK, nil, []string{"no failures"})
}

func TestFailuresThatAreCountedAreNotKept(t *testing.T) {
	w := operator.New(t)
	const n = 100_000
	cause, at := strings.Repeat("x", 1_024), time.Now()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	begin, end := heap(), uint64(0)
	pages := operator.ServePages(w, "/v1/failures", n, func(i int) replay.Failure {
		if i == n-1 {
			end = heap()
		}
		return replay.Failure{Execution: fmt.Sprint("x", i), ResourceID: "r1", Error: fmt.Sprint("E", i%7), Cause: cause, FailedAt: at}
	}, func(page []replay.Failure, next string) any { return replay.Failures{Failures: page, NextCursor: next} })
	got := w.Run("failures --cause x --status quarantined -o jsonl")
	if got.Code != exit.OK || strings.Count(got.Out, "\n") != 7 || !strings.Contains(got.Out, `"count":14286`) || *pages != n/100 {
		t.Errorf("got %d, %s, %s", got.Code, got.Out, got.Err)
	}
	if grown := int64(end) - int64(begin); grown > 30<<20 { //nolint:gosec // far from overflow
		t.Errorf("%d bytes were kept for 7 errors", grown)
	}
}

func TestAnErrorInTheMiddleOfAList(t *testing.T) {
	w := operator.New(t)
	w.Gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("cursor") != "" {
			http.Error(rw, "down", http.StatusServiceUnavailable)
			return true
		}
		_ = json.NewEncoder(rw).Encode(replay.Failures{Failures: []replay.Failure{{Error: "E", ResourceID: "r1"}}, NextCursor: "1"})
		return true
	})
	w.Run("failures --detail -o jsonl").Wants(t, exit.Unreachable, []string{`"resourceId":"r1"`}, []string{"503"})
	if got := w.Run("failures --since 1h"); got.Code != exit.Unreachable || got.Out != "" {
		t.Errorf("got %d, %q, want no counts of a part", got.Code, got.Out)
	}
}

func TestFailuresAreRunAgain(t *testing.T) {
	w := operator.New(t)
	w.Broken(map[string]string{"r1": "BadListing", "r2": "BadListing", "r3": "BadPrice"})
	w.Run("failures replay").Wants(t, exit.Usage, nil, []string{"--reason"})
	w.Run("failures replay --owner o1 --reason x").Wants(t, exit.Usage, nil, []string{"unknown flag: --owner"})
	w.Run("failures replay r1 --reason x").Wants(t, exit.Usage, nil, []string{"--help"})
	w.Run("failures replay --error BadPrice --dry-run").Wants(t, exit.OK, []string{"1 item", "r3"}, []string{"nothing was started"})
	w.Run("failures replay --error BadPrice --reason x --wait --yes").Wants(t, exit.OK, nil, nil)
	if got := w.Run("failures"); strings.Contains(got.Out, "BadPrice") || !strings.Contains(got.Out, "BadListing") {
		t.Errorf("got %s, want the others left", got.Out)
	}
	w.Run("failures replay --reason x --wait --yes").Wants(t, exit.OK, nil, nil)
	w.Run("failures").Wants(t, exit.OK, nil, []string{noFailures})
}

func TestFailuresOfAResourceAreRunAgain(t *testing.T) {
	w := operator.New(t)
	w.Broken(map[string]string{"r1": "BadListing", "r2": "BadListing"})
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "BadPrice" }
	w.Event("again", `{"id":"r1","owner":"o1","n":2}`)
	w.Engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	w.Engine.Schedule()
	versions := w.VersionsOf("r1")

	w.Run("failures replay --resource r1 --reason x --yes").Wants(t, exit.OK, nil, nil)
	if r := w.Requested(); len(r.Request.Versions.IDs) == 0 || r.Request.Select.ResourceIDs[0] != "r1" {
		t.Errorf("got %+v, want the versions that failed", r.Request)
	}
	w.Run("failures replay --resource r1 --error BadPrice --reason x --yes").Wants(t, exit.OK, nil, nil)
	if r := w.Requested(); len(r.Request.Versions.IDs) != 1 || r.Request.Versions.IDs[0] != versions[0].VersionID {
		t.Errorf("got %+v, want the version with that error", r.Request)
	}
	w.Run("failures replay --resource r1 --latest --reason x --yes").Wants(t, exit.OK, nil, nil)
	if r := w.Requested(); r.Request.Versions.Mode != replay.LatestVersion {
		t.Errorf("got %+v, want the latest version", r.Request)
	}
	w.Run("failures replay --resource r9 --reason x").Wants(t, exit.Refused, nil, []string{"no version of r9 is in the quarantine", "`replayctl history r9 --detail`"})
}

func TestTheMessageOfACauseIsShown(t *testing.T) {
	w := operator.New(t)
	operator.ServePages(w, "/v1/failures", 3, func(i int) replay.Failure {
		cause := []string{`{"errorMessage":"the price is -1","errorType":"E","trace":["a"]}`, "plain text", `{"errorMessage":"cut o`}[i]
		return replay.Failure{Execution: fmt.Sprint("x", i), Error: "E", Cause: cause, FailedAt: time.Now()}
	}, func(page []replay.Failure, next string) any { return replay.Failures{Failures: page, NextCursor: next} })
	got := w.Run("failures --detail")
	got.Wants(t, exit.OK, []string{"  the price is -1\n", "  plain text\n", `{"errorMessage":"cut o`}, nil)
	w.Run("failures --detail -o jsonl").Wants(t, exit.OK, []string{`\"errorMessage\":\"the price is -1\"`}, nil)
}

func TestFailuresAreClosedAndReopened(t *testing.T) {
	w := operator.New(t)
	w.Broken(map[string]string{"r1": "BadListing", "r2": "BadListing", "r3": "BadPrice"})
	w.Run("failures close --reason x").Wants(t, exit.Usage, nil, []string{"say which failures are meant"})
	w.Run("failures close --error BadPrice").Wants(t, exit.Usage, nil, []string{"--reason is required"})
	w.Run("failures close --status retrying --reason x").Wants(t, exit.Refused, nil, []string{"must be \"QUARANTINED\""})
	w.Run("failures close --resource r1 --resource r2 --reason x").Wants(t, exit.Usage, nil, []string{"--resource may be given once"})
	w.Run("failures reopen --job none --since 2d --until 3d --reason x").Wants(t, exit.Usage, nil, []string{"--until must be later than --since"})
	w.Run("failures close --superseded --dry-run").Wants(t, exit.OK, []string{"close, dry run", "COMPLETED", " 0 "}, nil)

	w.Run("failures close --error BadListing --reason cleanup").Wants(t, exit.OK, []string{"COMPLETED", " 2 ", "cleanup"}, nil)
	if got := w.Run("failures"); strings.Contains(got.Out, "BadListing") || !strings.Contains(got.Out, "BadPrice") {
		t.Errorf("got %s, want what is closed left out", got.Out)
	}
	w.Run("failures --status closed").Wants(t, exit.OK, []string{"BadListing", "CLOSED"}, nil)
	w.Run("failures --status closed --detail").Wants(t, exit.OK, []string{"closed by arn:aws:sts", "cleanup"}, nil)
	w.Run("history r1 --detail").Wants(t, exit.OK, []string{"CLOSED: BadListing", "cleanup"}, nil)
	jobs := w.Run("failures jobs -o jsonl --limit 1")
	var job replay.FailureJob
	if err := json.Unmarshal([]byte(jobs.Out), &job); err != nil || job.Count != 2 || job.DryRun {
		t.Fatalf("got %s, %v", jobs.Out, err)
	}
	w.Run("failures reopen --job "+job.JobID+" --reason sorry").Wants(t, exit.OK, []string{"reopen", " 2 "}, nil)
	w.Run("failures").Wants(t, exit.OK, []string{"BadListing"}, nil)
	w.Run("failures --detail --error BadListing").Wants(t, exit.OK, []string{"reopened by arn:aws:sts", "QUARANTINED"}, nil)
}

func TestManyFailuresAreClosedAfterAYes(t *testing.T) {
	w := operator.New(t)
	errors := map[string]string{}
	for i := range 101 {
		errors[fmt.Sprint("r", i)] = "BadListing"
	}
	w.Broken(errors)
	const line = "failures close --status quarantined --reason x"
	w.Run(line).Wants(t, exit.Usage, nil, []string{"101 failures would be changed", "--yes"})
	w.At("n\n")
	w.Run(line).Wants(t, exit.General, nil, []string{"Close 101 failures? [y/N]", "nothing was changed"})
	w.At("y\n")
	w.Run(line).Wants(t, exit.OK, []string{" 101 "}, nil)
	w.Run("failures").Wants(t, exit.OK, nil, []string{noFailures})
	w.Process.Terminal.In = false
	w.Run("failures reopen --error BadListing --reason x --yes").Wants(t, exit.OK, []string{" 101 "}, nil)
}
