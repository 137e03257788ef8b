package start_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestMoreThanAThousandIdsBecomeSeveralReplays(t *testing.T) {
	w := operator.New(t)
	w.Process.In = strings.NewReader(operator.Lines(2_001))
	got := w.Run("replay -f - --reason x --yes")
	got.Wants(t, exit.OK, nil, []string{"follow it with"})
	all := w.Replays()
	if len(all) != 3 || strings.Count(got.Out, "\n") != 3 {
		t.Fatalf("got %d replays and %q, want three of each", len(all), got.Out)
	}
	named := map[string]bool{}
	for _, r := range all {
		if !strings.Contains(got.Out, r.ReplayID) || r.Reason != "x" {
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
	w := operator.New(t)
	refuse := true
	w.Gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if down := refuse && strings.HasSuffix(r.Header.Get("Idempotency-Key"), "-2"); !down {
			return false
		}
		http.Error(rw, "down", http.StatusServiceUnavailable)
		return true
	})
	for _, code := range []exit.Code{exit.Unreachable, exit.OK, exit.OK} {
		w.Process.In = strings.NewReader(operator.Lines(1_500))
		got := w.Run("replay -f - --reason x --yes --idempotency-key ticket")
		got.Wants(t, code, nil, nil)
		if code != exit.OK {
			got.Wants(t, code, []string{"01"}, []string{"1 of 2 replays were accepted before that", "--idempotency-key ticket "})
		}
		refuse = false
	}
	if all := w.Replays(); len(all) != 2 {
		t.Errorf("got %d replays, want 2", len(all))
	}
}

func TestSeveralReplaysKeepToBoundsTogether(t *testing.T) {
	w := operator.New(t)
	w.Crowd(1_500)
	w.Process.In = strings.NewReader(operator.Lines(1_500))
	w.Run("replay -f - --reason x --yes --max-items 1200").Wants(t, exit.Usage, nil, []string{
		"1500 ids take 2 replays, and each would apply --max-per-second", "with --wait they run one after the other"})
	w.Process.In = strings.NewReader(operator.Lines(1_500))
	w.Run("replay -f - --reason x --yes --wait --max-items 1200 --max-failures 7").Wants(t, exit.OK,
		[]string{"1000 matched", "200 matched", "truncated"}, []string{"1 of 2", "2 of 2"})

	w.Engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "c0001") || strings.Contains(event, "c1001") {
			return "", "Down"
		}
		return event, ""
	}
	w.Process.In = strings.NewReader(operator.Lines(1_500))
	w.Run("replay -f - --reason x --yes --wait --max-failures 1").Wants(t, exit.Stopped, []string{"COMPLETED", "HALTED"}, nil)
	w.Process.In = strings.NewReader(operator.Lines(1_500))
	w.Run("replay -f - --reason x --yes --wait --max-failures 0").
		Wants(t, exit.Stopped, []string{"HALTED"}, []string{"HALTED, so 1 of 2 parts were not started"})
	w.Process.In = strings.NewReader(operator.Lines(1_500))
	w.Run("replay -f - --reason x --yes --wait --max-items 900").
		Wants(t, exit.Failures, nil, []string{"--max-items is reached, 1 of 2 parts were not needed"})

	w.Process.In = strings.NewReader(operator.Lines(1_500))
	w.Run("replay -f - --dry-run").Wants(t, exit.OK, []string{"would run   1500 items", "and 1490 more"}, nil)
}
