package listener

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestFailuresAreSelectedByAllConditions(t *testing.T) {
	row := domain.Failure{
		Execution: "x1", Status: domain.Quarantined, ResourceID: "r1", OwnerID: "o1", Error: "BadPrice", State: "Price",
		Cause: "price -1 of listing r1",
	}
	for _, tt := range []struct {
		name string
		sel  replay.Select
		want bool
	}{
		{"no condition", replay.Select{}, true},
		{"error and state by glob", replay.Select{Failures: &replay.FailureFilter{Error: "Bad*", State: "P?ice"}}, true},
		{"another error", replay.Select{Failures: &replay.FailureFilter{Error: "Good*"}}, false},
		{"a part of the cause", replay.Select{Failures: &replay.FailureFilter{Cause: "price -1"}}, true},
		{"another cause", replay.Select{Failures: &replay.FailureFilter{Cause: "price -2"}}, false},
		{"its resource and owner", replay.Select{ResourceIDs: []string{"r0", "r1"}, OwnerID: "o1"}, true},
		{"its resource of another owner", replay.Select{ResourceIDs: []string{"r1"}, OwnerID: "o2"}, false},
		{"another resource", replay.Select{ResourceIDs: []string{"r2"}}, false},
		{"its resource with another cause", replay.Select{ResourceIDs: []string{"r1"}, Failures: &replay.FailureFilter{Cause: "x"}}, false},
	} {
		if tt.sel.Failures == nil {
			tt.sel.Failures = &replay.FailureFilter{}
		}
		if got := quarantineFilter(tt.sel).Matches(row); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
	since, until := time.Unix(1, 0), time.Unix(2, 0)
	f := quarantineFilter(replay.Select{Failures: &replay.FailureFilter{Since: &since, Until: &until}})
	if !f.Since.Equal(since) || !f.Until.Equal(until) {
		t.Errorf("got %s to %s, want %s to %s", f.Since, f.Until, since, until)
	}
}
