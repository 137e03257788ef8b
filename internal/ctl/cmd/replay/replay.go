// Package replay is the command that runs the workflow again.
package replay

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
	o := &request.Flags{Action: replay.Rerun}
	c := &cobra.Command{
		Use:   "replay [RESOURCE...]",
		Short: "Run the workflow again, on events of the past",
		Long: `Runs the workflow again on events that were recorded: of resources, of an owner, of what failed, or of everything. Which
version of each: the latest, unless flags say otherwise.

Several versions of a resource run one after the other, resources side by side. More than 100 items are started only after
you have said yes, or with --yes: a dry run finds out how many there are. More than 1,000 ids become several replays, with
one reason. If they are to keep to a bound (--max-per-second, --max-items, --max-failures) together, they run one after the
other: that takes --wait.

` + versions.Help + `

The id of the replay goes to standard output. Ctrl-C while waiting leaves the replay running.`,
		Example: `  replayctl replay L-1 L-2 --reason "the search index lost them"
  replayctl replay --failures --error 'Geocoder*' --since 2h --reason "the geocoder is back" --wait
  replayctl replay L-2 --merge-patch '{"listing":{"priceUsd":450000}}' --dry-run
  replayctl replay --owner A-1 --series --last 5 --max-per-second 20 --reason "rebuild the price history"
  replayctl replay L-1 --version latest-1 --allow-stale --reason "the last one was wrong"
  replayctl replay L-1 --as-of "2026-11-24 18:00" --allow-stale --reason "undo the import of this night"
  replayctl failures --detail --limit 0 -o jsonl | grep InvalidListing | replayctl replay -f - --reason "mended" --yes`,
		RunE: func(c *cobra.Command, args []string) error { o.Args = args; return start.Run(c.Context(), f, o) },
	}
	o.Add(f, c)
	return c
}
