package domain

import "time"

// Replays give way to live traffic: if Step Functions refuses a start of a replay, it refuses those of producers too.
// The pace of all replays is then halved, and grows again by a fixed amount, as TCP's congestion window does.
const (
	// YieldAgain is how long the pace stays halved before it may be halved again. Starts that were reserved before
	// still come at the old pace.
	YieldAgain = 30 * time.Second

	yieldWhole = 1 << 10 // the whole pace, in the unit of YieldTo
	yieldLeast = 1 << 4  // the least share: at the usual pace, a start every two seconds still finds out whether there is room again

	// yieldRegains is how long the pace takes to grow from nothing to the whole.
	yieldRegains = 30 * time.Minute
)

// Pace is the share of their pace that replays have at a time: 1 unless starts were throttled lately.
func (c Controls) Pace(now time.Time) float64 {
	if c.YieldAt.IsZero() {
		return 1
	}
	regained := max(now.Sub(c.YieldAt.Time), 0).Seconds() / yieldRegains.Seconds()
	return min(float64(c.YieldTo)/yieldWhole+regained, 1)
}

// Yield returns the controls with half the pace. It changes nothing if the pace was halved just before.
func (c Controls) Yield(now time.Time) (halved Controls, changed bool) {
	if !c.YieldAt.IsZero() && now.Sub(c.YieldAt.Time) < YieldAgain {
		return c, false
	}
	c.YieldTo, c.YieldAt = max(int(c.Pace(now)*yieldWhole/2), yieldLeast), At(now)
	return c, true
}
