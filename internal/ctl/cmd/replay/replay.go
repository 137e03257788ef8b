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
		Short: "Run the workflow again on recorded events",
		Long: `Runs the workflow again on recorded events: of resources, of an owner, of failures, or of all resources. Without other
flags, it runs the latest version of each.

Flags that select combine: all of them must hold. --where and --outcome are about the version that would run. A filter is a
logical expression of RFC 9535, in which @ is the event: "@.listing.priceUsd > 500000 && !@.listing.draft".

Versions of one resource run one after the other, and resources in parallel. Before it starts more than 100 items, the
command asks, unless --yes is given. It counts them with a dry run. More than 1,000 ids become several replays with one
reason. A limit (--max-per-second, --max-items, --max-failures) holds for all of them: they then run one after the other,
which needs --wait. So it does with --ramp, which each of them has for itself. Relative times count from the start of the
command, in every part and in the dry run.

` + versions.Help + `

A patch, a JSONata expression or a Lambda function may change each event on its way; the event log stays as it is. In an
expression, the event is $, and $resourceId, $versionId and $ownerId say what it is. A dry run shows what changes.

--plan makes a plan instead, which replayctl apply runs exactly as it was shown.

Standard output has the id of the replay. Ctrl-C ends the waiting, and the replay continues.`,
		Example: `  replayctl replay L-1 L-2 --reason "the search index lost them"
  replayctl replay --failures --error 'Geocoder*' --since 2h --reason "the geocoder is back" --wait
  replayctl replay L-2 --merge-patch '{"listing":{"priceUsd":450000}}' --dry-run
  replayctl replay --owner A-1 --jsonata '$ ~> |listing|{"priceUsd": priceUsd * 1.1}|' --reason "prices without tax" --plan
  replayctl replay --owner A-1 --transform fix-prices --parameters '{"currency": "EUR"}' --reason "wrong rates" --plan
  replayctl replay --owner A-1 --series --last 5 --max-per-second 20 --reason "rebuild the price history"
  replayctl replay --owner A-1 --outcome failed --where '@.listing.priceUsd > 500000' --dry-run
  replayctl replay L-1 --version latest-1 --allow-stale --reason "the last one was wrong"
  replayctl replay L-1 --as-of "2026-11-24 18:00" --allow-stale --reason "undo the import of this night"
  replayctl failures --detail --limit 0 -o jsonl | grep InvalidListing | replayctl replay -f - --reason "mended" --yes`,
		RunE: func(c *cobra.Command, args []string) error { o.Args = args; return start.Run(c.Context(), f, o) },
	}
	o.Add(f, c)
	return c
}
