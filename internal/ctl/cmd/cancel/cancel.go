// Package cancel is the command that stops a replay.
package cancel

import (
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
		Use:   "cancel REPLAY",
		Short: "Stop what has not started of a replay",
		Long: `Stops what has not started of a replay. What has started goes on to its end; then the replay is CANCELLED. Cancelling
again changes nothing. A replay that has ended cannot be cancelled any more.`,
		Example: `  replayctl cancel 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			s, err := api.CancelReplay(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := f.Printer.Value(s, func(w io.Writer) error { return follow.Describe(f, w, replay.Replay{Summary: s}) }); err != nil {
				return err
			}
			if !s.Status.Final() && f.Printer.Format == output.Table {
				f.Say("what has started goes on to its end: %s", f.Hint("status "+s.ReplayID+" --watch"))
			}
			return nil
		},
		ValidArgsFunction: f.CompleteReplays,
	}
}
