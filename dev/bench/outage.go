package bench

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// outageFound is how the test of the outage reports what it measured.
var outageFound = regexp.MustCompile(`(\d+) failures: taken in within (\S+), healed (\S+) after the end of the outage`)

// outage plays an outage in simulated time, with the quotas of Step Functions. The test itself fails when a question is
// refused, a run has errors, or dead letters are left.
func (r *run) outage(ctx context.Context) ([]Row, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "./internal/simtest/engine", "-run", "^TestAnOutageWithinTheQuotas$", //nolint:gosec // numbers
		"-count", "1", "-v", "-timeout", "1h", "-outage", strconv.Itoa(r.Sizes.Failures))
	cmd.Dir = r.Tools.Root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("play the outage: %w\n%s", err, out)
	}
	found := outageFound.FindSubmatch(out)
	if found == nil {
		return nil, fmt.Errorf("play the outage: no figures in\n%s", out)
	}
	var minutes [2]float64
	for i := range minutes {
		took, err := time.ParseDuration(string(found[2+i]))
		if err != nil {
			return nil, fmt.Errorf("play the outage: %w", err)
		}
		minutes[i] = took.Minutes()
	}
	of := "An outage of " + number(float64(r.Sizes.Failures)) + " failures, quotas played: "
	return []Row{
		most(of+"taken in within", minutes[0], "min", 10),
		list(of+"healed after its end", minutes[1], "min"),
	}, nil
}
