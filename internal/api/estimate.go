package api

import (
	"math"

	"github.com/ce873799/replayable-ingestion/replay"
)

// What a million items cost in US dollars: calls as the benchmark counts them, priced for us-east-1 (docs/cost.md). The
// user's own states are not included. A republish runs no state, and costs at most the rest of a rerun. A redrive is a
// transition and goes on to Publish: as many transitions as a rerun.
const (
	rerunUSD       = 88.25
	transitionsUSD = 50.00 // of rerunUSD: the two states that the construct adds

	seriesTransitions = 3 // for each version of a series: Bind, Decide and Run
	transitionUSD     = 25.00
)

// Pace is how many executions a second the replays of an ingestion may start together: MaxReplayShare and
// MaxRequestedShare of the account's rate.
type Pace struct {
	StartsPerSecond          float64 // 0: no bound
	RequestedStartsPerSecond float64 // beside it, for replays that ask for more than StartsPerSecond; 0: none
}

// publishesPerSecond is what republishing reaches at least: it starts nothing.
const publishesPerSecond = 150

// redrivesPerSecond is how many executions a replay redrives at most: as many as it may describe before.
const redrivesPerSecond = 5

// of is how many items of a request run a second, if no other replay runs.
func (p Pace) of(r replay.Request) float64 {
	asked := float64(r.MaxPerSecond)
	switch {
	case r.Action == replay.Republish || p.StartsPerSecond == 0:
		p.StartsPerSecond = publishesPerSecond
	case r.Action == replay.Redrive:
		p.StartsPerSecond = min(p.StartsPerSecond, redrivesPerSecond)
	case asked > p.StartsPerSecond && p.RequestedStartsPerSecond > 0:
		return min(asked, p.RequestedStartsPerSecond)
	}
	if asked > 0 {
		return min(asked, p.StartsPerSecond)
	}
	return p.StartsPerSecond
}

// notEstimated is what an estimate does not include.
const notEstimated = "the time and the price of your own states, waits of a series for the version before and of a ramp, and other replays, " +
	"which share the rate of starts"

// estimateOf says what running a plan of so many items takes, as far as that is known before.
func estimateOf(r replay.Request, items int, pace Pace) replay.Estimate {
	usd := rerunUSD
	if r.Action == replay.Republish {
		usd -= transitionsUSD
	}
	if r.Versions.Several() {
		usd += seriesTransitions * transitionUSD
	}
	cents := math.Round(float64(items) * usd / 1e6 * 1e2)
	if items > 0 {
		cents = max(cents, 1)
	}
	return replay.Estimate{Seconds: int(math.Ceil(float64(items) / pace.of(r))), USD: cents / 1e2, Without: notEstimated}
}
