// Package redrive is the command that lets failed executions go on.
package redrive

import (
	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	o := &request.Flags{Action: replay.Redrive}
	c := &cobra.Command{
		Use:   "redrive [RESOURCE...]",
		Short: "Let failed executions go on from the state that failed",
		Long: `Lets executions that failed, timed out or were aborted go on from the state in which they did. States that have ended
are not repeated. Use it when the cause is gone and the earlier states are slow, cost money or must not run twice.

An execution goes on with its own input and its own definition: after a change of the workflow or with another event, use
replayctl replay. Step Functions redrives for 14 days after the end. What it cannot redrive is skipped, with the reason.

Of a resource, the execution is the one that failed last and has not healed. With --failures, it is each in quarantine.
--dry-run names the state that each goes on from. At most five executions go on per second.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl redrive --failures --state Geocode --reason "the geocoder is back" --dry-run
  replayctl redrive --failures --error 'Geocoder*' --since 2h --reason "the geocoder is back" --wait
  replayctl redrive L-1 --reason "the quota was raised" --wait`,
		RunE: func(c *cobra.Command, args []string) error { o.Args = args; return start.Run(c.Context(), f, o) },
	}
	o.Add(f, c)
	return c
}
