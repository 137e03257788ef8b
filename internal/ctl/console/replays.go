package console

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
)

// replaysPage is the data of the list of replays.
type replaysPage struct {
	Status   replay.Status
	Statuses []replay.Status
	Replays  []replay.Summary
	Next     string
}

func (c *Console) replays(r *http.Request) (view, error) {
	query := r.URL.Query()
	p := replaysPage{Status: replay.Status(strings.ToUpper(query.Get("status"))), Statuses: replay.Statuses()}
	if p.Status != "" && !slices.Contains(p.Statuses, p.Status) {
		return invalid(map[string]string{"status": "must be one of those in the list"}), nil
	}
	page, err := c.o.Client.WithPageSize(pageSize).Replays.ListPage(r.Context(), p.Status, query.Get("cursor"))
	if err != nil {
		return view{}, err
	}
	p.Replays, p.Next = page.Replays, nextPage(r.URL, page.NextCursor)
	line := command([]string{"list"}, "--status", string(p.Status)) + " --dry-runs"
	return view{page: "replays", title: "Replays", command: line, refresh: slowly, data: p}, nil
}

// replayPage is the data of a replay, or of a plan.
type replayPage struct {
	replay.Replay
	About []fact // what was asked for

	Outcome  replay.Outcome
	Outcomes []replay.Outcome
	Items    []replay.Item
	ItemsErr *problem
	Next     string

	Rate    string
	Left    string // how much longer it may take
	Plots   []*plot
	Diffs   []itemDiff
	Seconds string // estimate of a plan
	Expired bool
}

// itemDiff shows what a transform does to an event of a plan.
type itemDiff struct {
	replay.Item
	Changes []changed
}

func (c *Console) replay(r *http.Request) (view, error) {
	id, query := r.PathValue("id"), r.URL.Query()
	p := replayPage{Outcome: replay.Outcome(strings.ToUpper(query.Get("outcome"))), Outcomes: replay.Outcomes()}
	if p.Outcome != "" && !slices.Contains(p.Outcomes, p.Outcome) {
		return invalid(map[string]string{"outcome": "must be one of those in the list"}), nil
	}
	var err, itemsErr error
	var items replay.Items
	together(
		func() { p.Replay, err = c.o.Client.Replays.Get(r.Context(), id) },
		func() { items, itemsErr = c.itemsOf(r.Context(), id, p.Outcome, query.Get("cursor")) },
	)
	if err != nil {
		return view{}, err
	}
	p.Items, p.Next, p.ItemsErr = items.Items, nextPage(r.URL, items.NextCursor), fault(itemsErr)
	p.About = c.about(p.Request)
	v := view{page: "replay", title: "Replay " + id, command: command([]string{"status", id}), data: &p}
	if !p.Status.Final() {
		v.refresh, v.command = quickly, v.command+" --wait"
	}
	c.follow(&p)
	if p.DryRun {
		v.title = "Plan " + id
		if err := c.readPlan(&p); err != nil {
			return view{}, err
		}
		if p.Status == replay.Planned && p.Plan != nil && p.Plan.PlanHash == "" && !p.Expired {
			v.refresh = quickly // the hash is being computed
		}
		if p.Plan != nil && p.Plan.PlanHash != "" && p.AppliedBy == "" {
			v.command = command([]string{"apply", id}, "--hash", p.Plan.PlanHash)
		}
	}
	return v, nil
}

func (c *Console) itemsOf(ctx context.Context, id string, outcome replay.Outcome, cursor string) (replay.Items, error) {
	return c.o.Client.WithPageSize(pageSize).Replays.ListItemsPage(ctx, id, outcome, cursor)
}

// follow computes the progress and the speed of a replay.
func (c *Console) follow(p *replayPage) {
	n := p.Counts
	if p.DryRun {
		return
	}
	samples := c.past.keepCounts(c.o.Now(), p.ReplayID, n)
	for _, one := range []*plot{c.progressPlot(samples), c.ratePlot(samples, p.MaxPerSecond)} {
		if one != nil {
			p.Plots = append(p.Plots, one)
		}
	}
	if p.Status.Final() {
		return
	}
	if rate, known := rateAt(samples); known {
		p.Rate = number(rate)
		if waiting := n.Matched - n.Started - n.Skipped; rate > 0 && waiting > 0 && p.Status == replay.Running {
			p.Left = seconds(int(float64(waiting) / rate))
		}
	}
}

// readPlan prepares the results of a dry run.
func (c *Console) readPlan(p *replayPage) error {
	if p.Plan == nil {
		return nil
	}
	p.Seconds = seconds(p.Plan.Estimate.Seconds)
	p.Expired = !p.Plan.ExpiresAt.IsZero() && c.o.Now().After(p.Plan.ExpiresAt)
	for _, item := range p.Plan.Sample {
		if len(item.Diff) == 0 {
			continue
		}
		changes, err := c.diffOf(item.Diff)
		if err != nil {
			return err
		}
		p.Diffs = append(p.Diffs, itemDiff{item, changes})
	}
	return nil
}

// cancelPage is the data of the page that asks whether to cancel a replay.
type cancelPage struct {
	replay.Summary
	Ran     int // items that have ended
	Running int // at least
	Waiting int // at least
}

// askToCancel asks whether to cancel a replay, and says what that stops.
func (c *Console) askToCancel(r *http.Request) (view, error) {
	id := r.PathValue("id")
	found, err := c.o.Client.Replays.Get(r.Context(), id)
	if err != nil {
		return view{}, err
	}
	if found.Status.Final() || found.Stopped != nil {
		return view{to: "/replays/" + id}, nil
	}
	n := found.Counts
	p := cancelPage{Summary: found.Summary, Ran: n.Succeeded + n.Failed}
	p.Running = max(0, n.Started-p.Ran)
	p.Waiting = max(0, n.Matched-p.Ran-p.Running-n.Skipped)
	return view{page: "cancel", title: "Cancel replay " + id + "?", command: command([]string{"cancel", id}), data: p}, nil
}
