package console

import "time"

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

// activityLife is how long a response is reused: CloudWatch has one point per minute, and each call costs money.
const activityLife = time.Minute

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
