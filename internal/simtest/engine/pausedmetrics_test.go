package engine

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// What is paused is seen at each run, and so is that nothing is.
func TestThatSomethingIsPausedIsAMetric(t *testing.T) {
	e := inMemory(t)
	shows := func(when string, replays, auto float64) {
		t.Helper()
		e.Schedule()
		got := map[string]float64{}
		for _, d := range e.Metrics() {
			got[d.Name] = d.Values[len(d.Values)-1]
		}
		if got[schema.ReplaysPaused.Name] != replays || got[schema.AutoReplayPaused.Name] != auto {
			t.Errorf("%s: got %v and %v, want %v and %v", when, got[schema.ReplaysPaused.Name], got[schema.AutoReplayPaused.Name], replays, auto)
		}
	}
	shows("at first", 0, 0)
	if n := written(e, schema.ReplaysPaused) + written(e, schema.AutoReplayPaused); n != 2 {
		t.Errorf("%d values, want a 0 of each", n)
	}
	control(t, e, `{"pauseReplays":true,"reason":"an outage"}`)
	shows("replays paused", 1, 0)
	control(t, e, `{"pauseReplays":false,"pauseAutoReplay":true,"reason":"an outage"}`)
	shows("automatic ones paused", 0, 1)
	control(t, e, `{"pauseAutoReplay":false}`)
	shows("resumed", 0, 0)
	e.Reconfigure(func(p *config.AutoReplay) { p.Enabled = false })
	shows("off", 0, 1)
}

// written is how many values of a metric were written.
func written(e *Engine, m schema.Metric) (n int) {
	for _, d := range e.Metrics() {
		if d.Name == m.Name {
			n += len(d.Values)
		}
	}
	return n
}
