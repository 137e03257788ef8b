// Package correct is the command that corrects an event for good.
package correct

import (
	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o start.Correction
	c := &cobra.Command{
		Use:   "correct RESOURCE",
		Short: "Correct an event for good: record a corrected version and run it",
		Long: `Corrects the latest event of a resource. The patched event is recorded as a version of its own and runs. Later replays
take it in place of the version that was wrong, which stays in the history. The failures of that version heal when the
correction succeeds. replayctl replay --merge-patch, in contrast, patches an event on its way once, and the next replay
undoes the patch.

--dry-run shows what the patch changes, and records nothing.

If a newer event arrives first, the correction is skipped, because it would undo that event. --version names an older
version. With --allow-stale, its correction becomes the latest version of the resource.

` + versions.Help + `

Standard output has the id of a replay with one item, which replayctl status, items and cancel take. Ctrl-C ends the
waiting, and the replay continues.`,
		Example: `  replayctl correct L-1 --merge-patch '{"listing":{"priceUsd":450000}}' --dry-run
  replayctl correct L-1 --merge-patch '{"listing":{"priceUsd":450000}}' --reason "a digit too many" --wait
  replayctl correct L-1 --json-patch '[{"op":"remove","path":"/listing/draft"}]' --reason "it is on sale" --wait
  replayctl correct L-1 --version latest-1 --merge-patch @patch.json --allow-stale --reason "the newer one is a test" --wait`,
		Args:              factory.Arguments(1, "RESOURCE"),
		ValidArgsFunction: f.Complete().Resource,
		RunE: func(c *cobra.Command, args []string) error {
			o.ResourceID = args[0]
			return o.Run(c.Context(), f)
		},
	}
	set := c.Flags()
	set.SortFlags = false
	set.StringVar(&o.Version, "version", "", "the `VERSION` to correct (default: the latest)")
	factory.CompleteWith(c, "version", f.Complete().Versions)
	set.StringVar(&o.MergePatch, "merge-patch", "", "change the event with this `JSON` Merge Patch (RFC 7396), or @FILE")
	set.StringVar(&o.JSONPatch, "json-patch", "", "change the event with this `JSON` Patch (RFC 6902), or @FILE")
	set.BoolVar(&o.AllowStale, "allow-stale", false, "also a version that is not the latest: its correction becomes the latest")
	set.StringVarP(&o.Reason, "reason", "r", "", "why: a `TEXT` that is kept with the version and sent with the event")
	set.BoolVarP(&o.DryRun, "dry-run", "n", false, "show what the patch changes, and record nothing")
	set.BoolVarP(&o.Wait, "wait", "w", false, "wait for the end")
	o.AddFlags(c, "with --wait or --dry-run: ")
	set.StringVar(&o.Key, "idempotency-key", "", "the same `KEY` with the same command returns the same replay (default: random)")
	return c
}
