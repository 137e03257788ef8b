package console

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// overviewReplays is how many replays the overview shows.
const overviewReplays = 5

// overviewPage is the data of the overview. Each part is read separately, and has its own error.
type overviewPage struct {
	Groups    replay.FailureGroups
	GroupsErr *problem

	Replays    []replay.Summary
	ReplaysErr *problem

	Alarms      []Alarm
	AlarmsKnown bool
	AlarmsErr   *problem

	Running    []replay.Summary
	RunningErr *problem

	Controls    replay.Controls
	ControlsErr *problem

	ActivityKnown bool
	Activity      *plot // nil: there was none
	ActivityErr   *problem

	Totals map[string]int // by status
	Plot   *plot
	NextAt *time.Time // when auto-replay decides on a failure next
}

func (c *Console) overview(r *http.Request) (view, error) {
	p := overviewPage{Totals: map[string]int{}}
	ctx := r.Context()
	together(
		func() {
			var err error
			p.Groups, err = c.groups(ctx)
			p.GroupsErr = fault(err)
		},
		func() {
			var err error
			p.Replays, err = c.newest(ctx, overviewReplays)
			p.ReplaysErr = fault(err)
		},
		func() {
			for _, status := range []replay.Status{replay.Running, replay.Paused} {
				page, err := c.o.Client.WithPageSize(overviewReplays).Replays.ListPage(ctx, status, "")
				if p.Running = append(p.Running, page.Replays...); err != nil {
					p.RunningErr = fault(err)
				}
			}
		},
		func() {
			var err error
			p.Controls, err = c.controls.get(ctx, c.o.Now())
			p.ControlsErr = fault(err)
		},
		func() {
			if p.ActivityKnown = c.o.Activity != nil; p.ActivityKnown {
				a, err := c.activity.get(ctx, c.o.Now())
				p.Activity, p.ActivityErr = c.activityPlot(a), fault(err)
			}
		},
		func() {
			if p.AlarmsKnown = c.o.Alarms != nil; p.AlarmsKnown {
				var err error
				p.Alarms, err = c.o.Alarms(ctx)
				p.AlarmsErr = fault(err)
			}
		},
	)
	for _, g := range p.Groups.Groups {
		p.Totals[string(g.Status)] += g.Count
		if g.NextAt != nil && (p.NextAt == nil || g.NextAt.Before(*p.NextAt)) {
			p.NextAt = g.NextAt
		}
	}
	p.Plot = c.failuresPlot(p.Groups)
	return view{page: "overview", title: "Overview", command: "failures", refresh: slowly / 2, data: p}, nil
}

// newest lists the newest replays.
func (c *Console) newest(ctx context.Context, n int) (all []replay.Summary, err error) {
	for s, err := range c.o.Client.WithPageSize(n).Replays.List(ctx, "") {
		if err != nil {
			return all, err
		}
		if all = append(all, s); len(all) == n {
			break
		}
	}
	return all, nil
}

// together runs functions concurrently, and waits for all of them.
func together(all ...func()) {
	var group sync.WaitGroup
	for _, f := range all {
		group.Go(f)
	}
	group.Wait()
}

func fault(err error) *problem {
	if err == nil {
		return nil
	}
	p := explain(err)
	return &p
}
