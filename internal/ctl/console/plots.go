package console

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// failuresPlot shows how many failures each error had, since an hour before the console first read them.
func (c *Console) failuresPlot(now replay.FailureGroups) *plot {
	samples := c.past.groupSamples()
	if len(samples) < 2 {
		return nil
	}
	sums := map[string]int{}
	for _, s := range samples {
		for name, n := range s.counts {
			sums[name] = max(sums[name], n)
		}
	}
	names := slices.SortedFunc(maps.Keys(sums), func(a, b string) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
	rest := []string{}
	if len(names) > maxPlotLines {
		names, rest = names[:maxPlotLines-1], names[maxPlotLines-1:]
	}
	var all []series
	for _, name := range names {
		all = append(all, seriesOf(name, samples, name))
	}
	if len(rest) > 0 {
		all = append(all, seriesOf(things(len(rest), "other error"), samples, rest...))
	}
	if len(all) == 0 || now.Partial {
		return nil
	}
	return c.draw("Failures by error", "failures", all, 0, "")
}

func seriesOf(name string, samples []groupSample, errors ...string) series {
	one := series{name: name}
	for _, s := range samples {
		sum := 0
		for _, e := range errors {
			sum += s.counts[e]
		}
		one.points = append(one.points, point{s.at, float64(sum)})
	}
	return one
}

// failedAtBars is how many bars show when failures happened.
const failedAtBars = 36

// failedAtPlot shows when the failures of a page happened.
func (c *Console) failedAtPlot(all []replay.Failure) *plot {
	if len(all) < 2 {
		return nil
	}
	times := make([]time.Time, len(all))
	for i, f := range all {
		times[i] = f.FailedAt
	}
	slices.SortFunc(times, time.Time.Compare)
	s := scale{from: times[0], to: times[len(times)-1]}
	span := s.to.Sub(s.from)
	if span < time.Second {
		return nil
	}
	counts := make([]int, failedAtBars)
	for _, t := range times {
		counts[min(int(int64(failedAtBars)*int64(t.Sub(s.from))/int64(span)), failedAtBars-1)]++
	}
	s.top = nice(max(float64(slices.Max(counts)), 2))
	p := &plot{
		Title: "When they failed", Unit: "failures", Columns: []string{"From", "Failures"},
		Summary: fmt.Sprintf("%s of this page, from %s to %s UTC.", things(len(all), "failure"), s.from.UTC().Format(utcTime), s.to.UTC().Format(utcTime)),
	}
	width := (plotRight - plotLeft) / failedAtBars
	for i, n := range counts {
		if n == 0 {
			continue
		}
		at := s.from.Add(span * time.Duration(i) / failedAtBars)
		y := s.y(float64(n))
		p.Bars = append(p.Bars, plotBar{
			X: round(plotLeft + width*float64(i) + 1), Y: y, W: round(width - 2), H: round(plotBottom - y), Class: "s0",
			Title: fmt.Sprintf("%d from %s UTC", n, at.UTC().Format(utcTime)),
		})
		p.Rows = append(p.Rows, plotRow{At: at, Values: []string{grouped(n)}})
	}
	p.ticks(s, c.o.Zone)
	return p
}

// progressPlot shows how the items of a replay ended over time.
func (c *Console) progressPlot(samples []countSample) *plot {
	if len(samples) < 2 {
		return nil
	}
	var done, failed, skipped series
	done.name, failed.name, skipped.name = "succeeded", "failed", "skipped"
	for _, s := range samples {
		done.points = append(done.points, point{s.at, float64(s.counts.Succeeded)})
		failed.points = append(failed.points, point{s.at, float64(s.counts.Failed)})
		skipped.points = append(skipped.points, point{s.at, float64(s.counts.Skipped)})
	}
	last := samples[len(samples)-1].counts
	return c.draw("Progress", "items", []series{done, failed, skipped}, float64(last.Matched), "matched")
}

// rateWindow is the time over which starts are averaged.
const rateWindow = time.Minute

// ratePlot shows the starts per second beside their budget.
func (c *Console) ratePlot(samples []countSample, budget int) *plot {
	rate := series{name: "starts per second"}
	for i := range samples {
		if r, known := rateAt(samples[:i+1]); known {
			rate.points = append(rate.points, point{samples[i].at, r})
		}
	}
	if len(rate.points) < 2 {
		return nil
	}
	name := ""
	if budget > 0 {
		name = fmt.Sprintf("budget %d", budget)
	}
	return c.draw("Rate", "starts per second", []series{rate}, float64(budget), name)
}

// rateAt is how many items started per second up to the last sample.
func rateAt(samples []countSample) (perSecond float64, known bool) {
	last := samples[len(samples)-1]
	for _, s := range samples {
		if since := last.at.Sub(s.at); since <= rateWindow && since > 0 {
			return float64(last.counts.Started-s.counts.Started) / since.Seconds(), true
		}
	}
	return 0, false
}
