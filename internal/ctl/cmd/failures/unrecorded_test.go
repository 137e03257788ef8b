package failures_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// An event without a usable id has no resource to name it by: its execution does.
func TestAFailureOfAnUnrecordedEventCanBeSelected(t *testing.T) {
	w := operator.New(t)
	for _, execution := range []string{"bad-1", "bad-2"} {
		w.Event(execution, `{"owner":"o1"}`)
		time.Sleep(2 * time.Millisecond) // a failure is told from others by its millisecond
	}
	w.Broken(map[string]string{"r1": "BadListing"})
	w.Run("failures").Wants(t, exit.OK, []string{"InvalidEvent", "none (execution bad-"}, nil)
	got := w.Run("failures --detail --execution bad-1")
	got.Wants(t, exit.OK, []string{"InvalidEvent", "input", "unrecorded/", "bad-1"}, nil)
	if strings.Contains(got.Out, "bad-2") || strings.Contains(got.Out, "r1") {
		t.Errorf("got others:\n%s", got.Out)
	}
	w.Run("failures --execution nobody").Wants(t, exit.OK, nil, []string{"no failures match --execution nobody"})

	w.Run("failures replay --execution bad-1 --dry-run").Wants(t, exit.Failures, []string{"1 item, for the reasons below", "correct it with a transform"}, nil)
	sel := w.Requested().Request.Select.Failures
	if sel == nil || sel.Error != "InvalidEvent" || sel.Since == nil || sel.Until.Sub(*sel.Since).Milliseconds() != 1 {
		t.Errorf("got %+v, want the millisecond of the failure", sel)
	}
	w.Run("failures replay --execution live-r1 --reason x --yes").Wants(t, exit.OK, nil, nil)
	if r := w.Requested().Request; len(r.Select.ResourceIDs) != 1 || r.Select.ResourceIDs[0] != "r1" || len(r.Versions.IDs) != 1 {
		t.Errorf("got %+v, want the version that failed", r)
	}
	w.Run("failures replay --execution nobody --reason x").Wants(t, exit.Refused, nil, []string{"no failure of execution nobody is in the quarantine", "failures --detail"})
	w.Run("failures replay --execution bad-1 --resource r1 --reason x").Wants(t, exit.Usage, nil, []string{"cannot be used together"})
}
