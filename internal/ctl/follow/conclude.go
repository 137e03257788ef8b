package follow

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Await waits for the end of replays and shows their outcomes.
func Await(ctx context.Context, f *factory.Factory, api *client.Client, ids []string, o Options) error {
	all, err := Wait(ctx, f, api, ids, "replaying")
	if errors.Is(err, ErrDetached) {
		return Detached(f, ids...)
	}
	if err != nil {
		e := f.Explain(err)
		for _, id := range ids {
			e.Do = append(e.Do, "the replay continues: "+f.Hint("status "+id+" --wait"))
		}
		return e
	}
	return Conclude(ctx, f, api, all, o)
}

// Conclude shows replays that have ended, and ends the command as they did.
func Conclude(ctx context.Context, f *factory.Factory, api *client.Client, all []replay.Replay, o Options) error {
	if err := ShowReplays(f, all); err != nil {
		return err
	}
	code := exit.OK
	for _, r := range all {
		code = Worse(code, CodeOf(r))
		if err := showSome(ctx, f, api, r); err != nil {
			return err
		}
	}
	return exit.With(Worse(code, o.Skipped(f, all)))
}

// ShowReplays writes replays: each described, or as JSON.
func ShowReplays(f *factory.Factory, all []replay.Replay) error {
	if f.Printer.Format == output.JSON && len(all) > 1 {
		_, err := output.List(f.Printer, "replays", nil, factory.Sequence(all))
		return err
	}
	for i, r := range all {
		err := f.Printer.Value(r, func(w io.Writer) error {
			if i > 0 {
				if _, err := fmt.Fprintln(w); err != nil {
					return err
				}
			}
			return Describe(f, w, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// someItems is how many items are shown without being asked for.
const someItems = 5

// showSome tells a person which items failed or were skipped and why, and where the others are.
func showSome(ctx context.Context, f *factory.Factory, api *client.Client, r replay.Replay) error {
	if f.Printer.Format != output.Table || r.DryRun {
		return nil
	}
	for _, kind := range []struct {
		n       int
		outcome replay.Outcome
		says    string
	}{{r.Counts.Failed, replay.Failed, "failed"}, {r.Counts.Skipped, replay.Skipped, "skipped"}} {
		if kind.n == 0 {
			continue
		}
		f.Say("\n%s", f.PaintErr(OutcomeColor(kind.outcome), Items(kind.n)+" "+kind.says+":"))
		for it, err := range factory.First(api.Replays.ListItems(ctx, r.ReplayID, kind.outcome), someItems) {
			if err != nil {
				return err
			}
			f.Say("  %s  %s", output.Printable(it.ResourceID), output.Printable(flagname.In(it.Reason)))
		}
		if kind.n > someItems || kind.outcome == replay.Failed {
			f.Say("list them with  %s", f.Hint("items "+r.ReplayID+" --outcome "+kind.says))
		}
	}
	return nil
}
