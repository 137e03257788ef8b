package e2e

import (
	"context"
	"errors"
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/smoke"
)

// The checks for a real account run here as far as the emulator can show what they prove.
func TestTheSmokeChecksPass(t *testing.T) {
	results, err := smoke.Run(context.WithoutCancel(t.Context()), sys.Config(), smoke.Options{
		Outputs: sys.Outputs[local.DefaultStack], APIURL: sys.APIURL, Emulator: true,
	})
	if err != nil && !errors.Is(err, smoke.ErrFailed) {
		t.Fatal(err)
	}
	passed := 0
	for _, r := range results {
		t.Logf("%-28s %-8s %6.1f s  %s", r.Name, r.Outcome, r.Took.Seconds(), r.Detail)
		switch r.Outcome {
		case smoke.Failed:
			t.Errorf("%s: %s", r.Name, r.Detail)
		case smoke.Passed:
			passed++
		}
	}
	if passed < 10 {
		t.Errorf("%d checks passed, want 10 or more", passed)
	}
}
