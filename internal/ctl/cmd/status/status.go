// Package status is the command that describes a replay.
package status

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/replay"
)

type options struct {
	wait bool
	follow.Options
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "status [REPLAY]",
		Short: "Describe a replay: the newest one, or the one that is named",
		Long: `Describes a replay: the newest one, or the one that is named. With --wait, it waits for the end of the replay, and the exit
code says how the replay ended. Without, the exit code only says whether the replay was found.`,
		Example: `  replayctl status
  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --wait
  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D -o json | jq .counts`,
		Args:              factory.Arguments(0, "REPLAY"),
		RunE:              func(c *cobra.Command, args []string) error { return run(c.Context(), f, o, args) },
		ValidArgsFunction: f.Complete().Replays,
	}
	c.Flags().BoolVarP(&o.wait, "wait", "w", false, "wait for the end, with a progress bar")
	o.AddFlags(c, "with --wait: ")
	return c
}

func run(ctx context.Context, f *factory.Factory, o options, args []string) error {
	if o.FailOnSkipped && !o.wait {
		return exit.Usagef("--fail-on-skipped needs --wait")
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	id, err := follow.Newest(ctx, f, api, args)
	if err != nil {
		return err
	}
	r, err := api.Replays.Get(ctx, id)
	if err != nil {
		return follow.NoReplay(f, err, id)
	}
	if o.wait {
		return follow.Await(ctx, f, api, []string{id}, o.Options)
	}
	if err := f.Printer.Value(r, func(w io.Writer) error { return follow.Describe(f, w, r) }); err != nil {
		return err
	}
	if r.Plan != nil && f.Printer.Format == output.Table {
		if err := start.ShowPlan(f, f.Printer.Out, *r.Plan, r.ReplayID); err != nil {
			return err
		}
	}
	if r.Status.Final() {
		o.Skipped(f, []replay.Replay{r}) // a warning; the exit code is --wait's
	}
	return nil
}
