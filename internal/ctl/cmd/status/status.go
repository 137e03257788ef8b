// Package status is the command that describes a replay.
package status

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use:   "status [REPLAY]",
		Short: "Say how a replay stands: the newest one, or the one that is named",
		Long: `Says how a replay stands. With --watch it waits until the replay has ended, and ends with the exit code that tells how;
without, the exit code only tells whether the replay was found.`,
		Example: `  replayctl status
  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --watch
  replayctl status 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D -o json | jq .counts`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			id, err := newest(c.Context(), api, args)
			if err != nil {
				return err
			}
			r, err := api.Replay(c.Context(), id)
			if err != nil {
				return err
			}
			if watch {
				return follow.Await(c.Context(), f, api, []string{id})
			}
			if err := f.Printer.Value(r, func(w io.Writer) error { return follow.Describe(f, w, r) }); err != nil {
				return err
			}
			if r.Plan != nil && f.Printer.Format == output.Table {
				return start.ShowPlan(f, f.Printer.Out, *r.Plan)
			}
			return nil
		},
		ValidArgsFunction: f.CompleteReplays,
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "wait until it has ended, with a progress bar")
	return c
}

// newest is the id that was named, or that of the newest replay.
func newest(ctx context.Context, api *client.Client, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	for s, err := range api.Replays(ctx, "") {
		return s.ReplayID, err
	}
	return "", &exit.Error{Code: exit.Refused, Err: fmt.Errorf("there is no replay yet"), Do: []string{"`replayctl replay --help` says how to start one"}}
}
