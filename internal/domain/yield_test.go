package domain

import (
	"testing"
	"time"
)

func TestThePaceIsHalvedAndGrowsBack(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var c Controls
	if c.Pace(now) != 1 {
		t.Errorf("got %v, want the whole pace", c.Pace(now))
	}
	c, changed := c.Yield(now)
	if !changed || c.Pace(now) != 0.5 {
		t.Errorf("got %v, %t, want half the pace", c.Pace(now), changed)
	}
	if _, again := c.Yield(now.Add(YieldAgain - time.Second)); again {
		t.Error("the pace was halved again at once")
	}
	if got := c.Pace(now.Add(-time.Hour)); got != 0.5 {
		t.Errorf("got %v by a clock that is behind, want half the pace", got)
	}
	if got := c.Pace(now.Add(yieldRegains / 4)); got != 0.75 {
		t.Errorf("got %v, want three quarters", got)
	}
	if got := c.Pace(now.Add(yieldRegains)); got != 1 {
		t.Errorf("got %v, want the whole pace", got)
	}
	for range 20 {
		now = now.Add(YieldAgain)
		c, _ = c.Yield(now)
	}
	if got := c.Pace(now); got < 0.015 || got > 0.02 {
		t.Errorf("got %v while all starts are throttled, want the least", got)
	}
}
