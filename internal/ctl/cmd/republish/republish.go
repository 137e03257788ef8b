// Package republish is the command that publishes stored outputs again.
package republish

import (
	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	o := &request.Flags{Action: replay.Republish}
	c := &cobra.Command{
		Use:   "republish [RESOURCE...]",
		Short: "Send stored outputs to the topic again, without running the workflow",
		Long: `Sends what the workflow made of an event to the topic again, as it was stored, without running the workflow: for a
service that is new, or has lost what it got. --target tells subscribers for whom it is meant.

Resources and versions are chosen as by replayctl replay.

` + versions.Help,
		Example: `  replayctl republish --owner A-1 --target price-map --reason "the price map is new"
  replayctl republish --all --max-items 100000 --max-per-second 100 --target search --reason "new index" --wait`,
		RunE: func(c *cobra.Command, args []string) error { o.Args = args; return start.Run(c.Context(), f, o) },
	}
	o.Add(f, c)
	return c
}
