// Package cancel is the command that stops a replay.
package cancel

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "cancel [REPLAY]",
		Short: "Stop what has not started of a replay: the newest that runs, or the one that is named",
		Long: `Stops what has not started of a replay: the newest one that has not ended, or the one that is named. Executions that run
end by themselves; then the replay is CANCELLED. Cancelling again changes nothing. A replay that has ended cannot be cancelled.`,
		Example: `  replayctl cancel
  replayctl cancel 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D`,
		Args:              factory.Arguments(0, "REPLAY"),
		RunE:              func(c *cobra.Command, args []string) error { return run(c.Context(), f, args) },
		ValidArgsFunction: f.Complete().Replays,
	}
}

func run(ctx context.Context, f *factory.Factory, args []string) error {
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	id, err := follow.NewestOpen(ctx, f, api, args)
	if err != nil {
		return err
	}
	s, err := api.Replays.Cancel(ctx, id)
	if err != nil {
		return follow.NoReplay(f, err, id)
	}
	err = f.Printer.Value(s, func(w io.Writer) error { return follow.Describe(f, w, replay.Replay{Summary: s}) })
	if err == nil && !s.Status.Final() && f.Printer.Format == output.Table {
		f.Say("executions that run end by themselves: %s", f.Hint("status "+s.ReplayID+" --wait"))
	}
	return err
}
