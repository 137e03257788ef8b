package ctl_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// A second value would take the place of the first, and what it selects would be left out.
func TestAFlagWithOneValueIsGivenOnce(t *testing.T) {
	w := operator.New(t)
	w.Broken(map[string]string{"r1": "BadListing", "r2": "BadListing"})
	w.Run("failures replay --resource r1 --resource r2 --reason x").
		Wants(t, exit.Usage, nil, []string{`"r2"`, `--resource`, `"r1" before, and takes one value`})
	w.Run("replay --owner o1 --owner o2 --reason x").Wants(t, exit.Usage, nil, []string{"--owner", `"o1" before`})
	w.Run("failures --resource r1 --resource r2 --detail").Wants(t, exit.OK, []string{"r1", "r2"}, nil)
	if n := len(w.Replays()); n != 0 {
		t.Errorf("%d replays were started", n)
	}
}
