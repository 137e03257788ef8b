// Package estimate says what running a plan takes, as far as that is known before.
package estimate

import (
	"math"
	"slices"

	"github.com/ce873799/replayable-ingestion/replay"
)

// What a million items cost in US dollars: calls as the benchmark counts them, priced for us-east-1 (docs/cost.md). The
// user's own states are not included. A republish runs no state and calls neither Record nor Publish; what it makes of the
// rest is bounded by that of a rerun.
const (
	RerunUSD       = 87.98
	TransitionsUSD = 50.00 // of RerunUSD: the two states that the construct adds

	seriesTransitions = 3 // for each version of a series: Bind, Decide and Run
	transitionUSD     = 25.00
)

// startsPerSecond is how many executions an account may start per second, burst aside ("Quotas related to API action
// throttling", Step Functions Developer Guide).
func startsPerSecond(region string) float64 {
	if slices.Contains([]string{"us-east-1", "us-west-2", "eu-west-1"}, region) {
		return 300
	}
	return 150
}

// Without says what an estimate does not have in it.
const Without = "the time and the price of your own states, waits of a series for the version before, MaxReplayShare, to " +
	"which all replays together keep, and live events, which share the rate of starts"

// Of estimates what a request takes in a Region that has so many items to run.
func Of(r replay.Request, items int, region string) replay.Estimate {
	usd, rate := RerunUSD, startsPerSecond(region)
	if r.Action == replay.Republish {
		usd -= TransitionsUSD
	}
	if r.Versions.Several() {
		usd += seriesTransitions * transitionUSD
	}
	if r.MaxPerSecond > 0 {
		rate = min(rate, float64(r.MaxPerSecond))
	}
	cents := math.Round(float64(items) * usd / 1e6 * 1e2)
	if items > 0 {
		cents = max(cents, 1)
	}
	return replay.Estimate{Seconds: int(math.Ceil(float64(items) / rate)), USD: cents / 1e2, Without: Without}
}
