package console

import (
	"context"
	"sync"
	"time"
)

// Activity is how many executions of the workflow started and ended per minute.
type Activity struct {
	Lines []ActivityLine
}

// ActivityLine is one count over time, oldest first.
type ActivityLine struct {
	Name   string
	Points []ActivityPoint
}

// ActivityPoint is a count in the minute from a time on.
type ActivityPoint struct {
	At    time.Time
	Value float64
}

// activityLife is how long an answer serves all pages: CloudWatch has a point a minute, and each reading is paid for.
const activityLife = time.Minute

// activity keeps what was read last.
type activity struct {
	mu   sync.Mutex
	read func(context.Context) (Activity, error)
	at   time.Time
	last Activity
	err  error
}

// get reads the activity, at most once a minute.
func (a *activity) get(ctx context.Context, now time.Time) (Activity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.at.IsZero() || now.Sub(a.at) >= activityLife {
		a.last, a.err = a.read(ctx)
		if ctx.Err() == nil { // who asks next is not to see that another one has gone
			a.at = now
		}
	}
	return a.last, a.err
}

// activityPlot shows the executions per minute.
func (c *Console) activityPlot(a Activity) *plot {
	var all []series
	for _, line := range a.Lines {
		one := series{name: line.Name}
		for _, p := range line.Points {
			one.points = append(one.points, point{p.At, p.Value})
		}
		if len(one.points) > 0 {
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return c.draw("Executions per minute", "executions per minute", all, 0, "")
}
