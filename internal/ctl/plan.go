package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// dryRun says what a request would do.
func (a *app) dryRun(ctx context.Context, api *client.Client, r request, key string) error {
	plans, err := a.plan(ctx, api, r, key)
	if err != nil {
		return err
	}
	code := ExitOK
	for _, r := range plans {
		code = worse(code, codeOf(r))
	}
	if a.out.Format != output.Table {
		if err := a.showReplays(plans); err != nil {
			return err
		}
		return ended(code)
	}
	for _, r := range plans {
		if r.Status != replay.Planned {
			if err := a.describe(a.out.Out, r); err != nil {
				return err
			}
		}
	}
	if err := a.showPlan(a.out.Out, sumUp(plans)); err != nil {
		return err
	}
	a.say("%s", a.paintErr(output.Dim, "nothing was started"))
	return ended(code)
}

// plan runs a dry run to its end.
func (a *app) plan(ctx context.Context, api *client.Client, r request, key string) ([]replay.Replay, error) {
	all, err := a.send(ctx, api, &r, key)
	if err != nil {
		return nil, err
	}
	plans, err := a.follow(ctx, api, idsOf(all), "planning")
	if errors.Is(err, errDetached) {
		return nil, a.abandon(ctx, api, all)
	}
	return plans, err
}

// abandonFor is for how long a person who has pressed Ctrl-C waits.
const abandonFor = 5 * time.Second

// abandon cancels plans that nobody will look at.
func (a *app) abandon(ctx context.Context, api *client.Client, all []replay.Accepted) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonFor)
	defer cancel()
	for _, one := range all {
		if _, err := api.CancelReplay(ctx, one.ReplayID); err != nil {
			break // it ends by itself
		}
	}
	return &Error{Code: ExitInterrupted, Err: errors.New("interrupted: nothing was started")}
}

// sumUp adds plans up. Samples stay as long as one may be.
func sumUp(plans []replay.Replay) (sum replay.Plan) {
	kinds := map[replay.Outcome]int{}
	for _, r := range plans {
		if r.Plan == nil {
			continue
		}
		sum.Items, sum.Skipped, sum.Failed = sum.Items+r.Plan.Items, sum.Skipped+r.Plan.Skipped, sum.Failed+r.Plan.Failed
		for _, it := range r.Plan.Sample {
			if kinds[it.Outcome]++; kinds[it.Outcome] <= replay.PlanSample {
				sum.Sample = append(sum.Sample, it)
			}
		}
	}
	return sum
}

func (a *app) showPlan(w io.Writer, p replay.Plan) error {
	err := a.out.Fields(w,
		output.Field{Name: "would run", Value: itemCount(p.Items), Color: output.Green},
		output.Field{Name: "be skipped", Value: itemCount(p.Skipped)},
		output.Field{Name: "fail", Value: failing(p)},
	)
	if err != nil || len(p.Sample) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	columns := []output.Column[replay.Item]{
		{Title: "RESOURCE", Cell: func(i replay.Item) string { return i.ResourceID }},
		{Title: "VERSION", Cell: func(i replay.Item) string { return i.VersionID }},
		{Title: "WOULD", Cell: func(i replay.Item) string { return would(i.Outcome) }, Color: func(i replay.Item) output.Color { return outcomeColor(i.Outcome) }},
		{Title: "REASON", Flex: true, Cell: func(i replay.Item) string { return i.Reason }},
	}
	if _, err := output.List(a.out, "sample", columns, sequence(p.Sample)); err != nil {
		return err
	}
	if rest := p.Items + p.Skipped + p.Failed - len(p.Sample); rest > 0 {
		if _, err := fmt.Fprintf(w, "%s\n", a.out.Paint(output.Dim, fmt.Sprintf("and %d more, which `replayctl items` lists", rest))); err != nil {
			return err
		}
	}
	return a.showDiffs(w, p.Sample)
}

func failing(p replay.Plan) string {
	if p.Failed == 0 {
		return ""
	}
	return itemCount(p.Failed) + ", for the reasons below"
}

func would(o replay.Outcome) string {
	switch o {
	case replay.WouldRun:
		return "run"
	case replay.Skipped:
		return "be skipped"
	case replay.Failed:
		return "fail"
	default:
		return string(o)
	}
}
