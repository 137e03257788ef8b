package ctl_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/replay"
)

// lines is a list of ids, as a pipe brings it.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "c%04d\n", i)
	}
	return b.String()
}

// replays lists every replay, oldest first.
func (w *world) replays() (all []replay.Replay) {
	w.t.Helper()
	var doc struct{ Replays []replay.Summary }
	if err := json.Unmarshal([]byte(w.run("list --limit 0 -o json").out), &doc); err != nil {
		w.t.Fatal(err)
	}
	for _, s := range doc.Replays {
		var r replay.Replay
		if err := json.Unmarshal([]byte(w.run("status "+s.ReplayID+" -o json").out), &r); err != nil {
			w.t.Fatal(err)
		}
		all = append([]replay.Replay{r}, all...)
	}
	return all
}

func TestMoreThanAThousandIdsBecomeSeveralReplays(t *testing.T) {
	w := newWorld(t)
	w.process.In = strings.NewReader(lines(2_001))
	got := w.run("replay -f - --reason x --yes")
	got.wants(t, ctl.ExitOK, nil, []string{"follow it with"})
	all := w.replays()
	if len(all) != 3 || strings.Count(got.out, "\n") != 3 {
		t.Fatalf("got %d replays and %q, want three of each", len(all), got.out)
	}
	named := map[string]bool{}
	for _, r := range all {
		if !strings.Contains(got.out, r.ReplayID) || r.Reason != "x" {
			t.Errorf("%s is not named, or has reason %q", r.ReplayID, r.Reason)
		}
		for _, id := range r.Request.Select.ResourceIDs {
			named[id] = true
		}
	}
	if len(named) != 2_001 {
		t.Errorf("the replays have %d resources, want 2,001", len(named))
	}
}

// The same list under the same key is the same replays, although some had been accepted before an error.
func TestSeveralReplaysAreAskedForOnce(t *testing.T) {
	w := newWorld(t)
	refuse := true
	w.gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if down := refuse && strings.HasSuffix(r.Header.Get("Idempotency-Key"), "-2"); !down {
			return false
		}
		http.Error(rw, "down", http.StatusServiceUnavailable)
		return true
	})
	for _, code := range []ctl.Code{ctl.ExitUnreachable, ctl.ExitOK, ctl.ExitOK} {
		w.process.In = strings.NewReader(lines(1_500))
		got := w.run("replay -f - --reason x --yes --idempotency-key ticket")
		got.wants(t, code, nil, nil)
		if code != ctl.ExitOK {
			got.wants(t, code, []string{"01"}, []string{"1 of 2 replays were accepted before that", "--idempotency-key ticket "})
		}
		refuse = false
	}
	if all := w.replays(); len(all) != 2 {
		t.Errorf("got %d replays, want 2", len(all))
	}
}

func TestSeveralReplaysKeepToBoundsTogether(t *testing.T) {
	w := newWorld(t)
	crowd(w, 1_500)
	w.process.In = strings.NewReader(lines(1_500))
	w.run("replay -f - --reason x --yes --max-items 1200").wants(t, ctl.ExitUsage, nil, []string{
		"1500 ids take 2 replays, and each would keep to --max-per-second", "with --wait they run one after the other"})
	w.process.In = strings.NewReader(lines(1_500))
	w.run("replay -f - --reason x --yes --wait --max-items 1200 --max-failures 7").wants(t, ctl.ExitOK,
		[]string{"1000 matched", "200 matched", "truncated"}, []string{"1 of 2", "2 of 2"})

	w.engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "c0001") || strings.Contains(event, "c1001") {
			return "", "Down"
		}
		return event, ""
	}
	w.process.In = strings.NewReader(lines(1_500))
	w.run("replay -f - --reason x --yes --wait --max-failures 1").wants(t, ctl.ExitStopped, []string{"COMPLETED", "HALTED"}, nil)
	w.process.In = strings.NewReader(lines(1_500))
	w.run("replay -f - --reason x --yes --wait --max-failures 0").
		wants(t, ctl.ExitStopped, []string{"HALTED"}, []string{"HALTED, so 1 of 2 parts were not started"})
	w.process.In = strings.NewReader(lines(1_500))
	w.run("replay -f - --reason x --yes --wait --max-items 900").
		wants(t, ctl.ExitFailures, nil, []string{"--max-items is reached, 1 of 2 parts were not needed"})

	w.process.In = strings.NewReader(lines(1_500))
	w.run("replay -f - --dry-run").wants(t, ctl.ExitOK, []string{"would run   1500 items", "and 1490 more"}, nil)
}
