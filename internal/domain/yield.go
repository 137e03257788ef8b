package domain

import "time"

// Replays give way to live traffic: when Step Functions refuses to start an execution of theirs, it refuses those of
// producers too. The pace of all replays is halved then, and grows by a fixed amount from there, as TCP's window does.
const (
	// YieldAgain is how long after the pace was halved it may be halved again. Starts that are reserved by then still
	// come, at the pace of before.
	YieldAgain = 30 * time.Second

	yieldWhole = 1 << 10 // what a share is counted in
	yieldLeast = 1 << 4  // of a share: a start in two seconds at the usual pace finds out that there is room again

	// yieldRegains is how long it takes to grow from nothing to the whole pace.
	yieldRegains = 30 * time.Minute
)

// Pace is the share of their pace that replays have at a time: 1 unless starts were throttled.
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
