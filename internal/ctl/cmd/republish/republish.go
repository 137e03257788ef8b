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
		Short: "Publish stored outputs again, without running the workflow",
		Long: `Publishes the stored output of an event again, without running the workflow. Use it for a new service, or one that has
lost messages. Subscribers filter by --target. They may receive a message twice.

The flags select resources and versions as those of replayctl replay do.

` + versions.Help,
		Example: `  replayctl republish --owner A-1 --target price-map --reason "the price map is new"
  replayctl republish --all --max-items 100000 --max-per-second 100 --target search --reason "new index" --wait`,
		RunE: func(c *cobra.Command, args []string) error { o.Args = args; return start.Run(c.Context(), f, o) },
	}
	o.Add(f, c)
	return c
}
