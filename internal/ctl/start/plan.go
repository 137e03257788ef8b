package start

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// dryRun says what a request would do.
func dryRun(ctx context.Context, f *factory.Factory, api *client.Client, r request.Request, o *request.Flags) error {
	plans, err := plan(ctx, f, api, r, o.Key)
	if err != nil {
		return err
	}
	for i := range plans {
		if o.Plan && plans[i].Plan != nil {
			if plans[i], err = Hashed(ctx, f, api, plans[i]); err != nil {
				return err
			}
		}
	}
	return showPlanned(f, plans, o.Plan, o.Options)
}

// showPlanned shows dry runs that have ended, and on request what it takes to apply them.
func showPlanned(f *factory.Factory, plans []replay.Replay, apply bool, o follow.Options) error {
	code := exit.OK
	for _, r := range plans {
		code = follow.Worse(code, follow.CodeOf(r))
	}
	if f.Printer.Format != output.Table {
		if err := follow.ShowReplays(f, plans); err != nil {
			return err
		}
		return exit.With(follow.Worse(code, o.Skipped(f, plans)))
	}
	for _, r := range plans {
		if r.Status != replay.Planned {
			if err := follow.Describe(f, f.Printer.Out, r); err != nil {
				return err
			}
		}
	}
	if err := ShowPlan(f, f.Printer.Out, sumUp(plans), replayIDs(plans)...); err != nil {
		return err
	}
	if apply {
		if err := showPlans(f, plans); err != nil {
			return err
		}
	}
	f.Say("%s", f.PaintErr(output.Dim, "nothing was started"))
	return exit.With(follow.Worse(code, o.Skipped(f, plans)))
}

// plan runs a dry run to its end.
func plan(ctx context.Context, f *factory.Factory, api *client.Client, r request.Request, key string) ([]replay.Replay, error) {
	all, err := send(ctx, f, api, &r, key)
	if err != nil {
		return nil, err
	}
	plans, err := follow.Wait(ctx, f, api, idsOf(all), "planning")
	if errors.Is(err, follow.ErrDetached) {
		return nil, abandon(ctx, api, all)
	}
	return plans, err
}

// abandonFor is for how long a person who has pressed Ctrl-C waits.
const abandonFor = 5 * time.Second

// abandon cancels plans after Ctrl-C.
func abandon(ctx context.Context, api *client.Client, all []replay.Accepted) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonFor)
	defer cancel()
	for _, one := range all {
		if _, err := api.Replays.Cancel(ctx, one.ReplayID); err != nil {
			break // it ends by itself
		}
	}
	return &exit.Error{Code: exit.Interrupted, Err: errors.New("interrupted: nothing was started")}
}

// sumUp adds plans up. Samples stay as long as one may be.
func sumUp(plans []replay.Replay) (sum replay.Plan) {
	kinds := map[replay.Outcome]int{}
	for _, r := range plans {
		if r.Plan == nil {
			continue
		}
		sum.Items, sum.Skipped, sum.Failed = sum.Items+r.Plan.Items, sum.Skipped+r.Plan.Skipped, sum.Failed+r.Plan.Failed
		sum.Warned += r.Plan.Warned
		for _, it := range r.Plan.Sample {
			if kinds[it.Outcome]++; kinds[it.Outcome] <= replay.PlanSample {
				sum.Sample = append(sum.Sample, it)
			}
		}
	}
	return sum
}

func replayIDs(all []replay.Replay) (ids []string) {
	for _, r := range all {
		ids = append(ids, r.ReplayID)
	}
	return ids
}

// ShowPlan says what a dry run found. ids are those of the dry runs that the plan sums up.
func ShowPlan(f *factory.Factory, w io.Writer, p replay.Plan, ids ...string) error {
	fields := []output.Field{
		{Name: "would run", Value: follow.Items(p.Items), Color: output.Green},
		{Name: "be skipped", Value: follow.Items(p.Skipped)},
		{Name: "fail", Value: failing(p)},
	}
	if p.Warned > 0 {
		undone := follow.Items(p.Warned) + ", of those that would run"
		fields = append(fields, output.Field{Name: "undo a patch", Value: undone, Color: output.Yellow})
	}
	err := f.Printer.Fields(w, fields...)
	if err != nil || len(p.Sample) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	columns := []output.Column[replay.Item]{
		{Title: "RESOURCE", Cell: func(i replay.Item) string { return i.ResourceID }},
		{Title: "VERSION", Cell: func(i replay.Item) string { return i.VersionID }},
		{Title: "WOULD", Cell: func(i replay.Item) string { return would(i.Outcome) }, Color: func(i replay.Item) output.Color { return follow.OutcomeColor(i.Outcome) }},
		{Title: "REASON", Flex: true, Cell: follow.Why},
	}
	if _, err := output.List(f.Printer, "sample", columns, factory.Sequence(p.Sample)); err != nil {
		return err
	}
	if rest := p.Items + p.Skipped + p.Failed - len(p.Sample); rest > 0 {
		more := fmt.Sprintf("and %d more; list them with", rest)
		for _, id := range ids {
			more += "\n  " + f.Hint("items "+id)
		}
		if _, err := fmt.Fprintf(w, "%s\n", f.Printer.Paint(output.Dim, more)); err != nil {
			return err
		}
	}
	return showDiffs(f, w, p.Sample)
}

func failing(p replay.Plan) string {
	if p.Failed == 0 {
		return ""
	}
	return follow.Items(p.Failed) + ", for the reasons below"
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
