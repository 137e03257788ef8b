// Package apply is the command that runs a plan.
package apply

import (
	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o start.Apply
	c := &cobra.Command{
		Use:   "apply PLAN",
		Short: "Run a plan: exactly the versions that it names",
		Long: `Runs the versions that a plan names, and no others. replayctl replay --plan makes a plan, and prints its id and its hash.

What has changed since the plan was made is skipped as drift: a version that is gone or has a newer one, a resource of
another owner, a failure that has healed. replayctl items lists each with its reason.

A plan is applied once, within 24 hours. --hash says that you mean the plan as you have seen it. Without it, the command asks
before it starts more than 100 items, unless --yes is given.

Standard output has the id of the replay. Ctrl-C ends the waiting, and the replay continues.`,
		Example: `  replayctl replay --owner A-1 --merge-patch '{"currency":"USD"}' --reason "wrong currency" --plan
  replayctl apply 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --hash 6a5c0b… --wait`,
		Args:              factory.Arguments(1, "PLAN"),
		ValidArgsFunction: f.Complete().Plans,
		RunE: func(c *cobra.Command, args []string) error {
			o.PlanID = args[0]
			return o.Run(c.Context(), f)
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&o.Hash, "hash", "", "the `HASH` of the plan, as it was shown")
	c.Flags().BoolVarP(&o.Yes, "yes", "y", false, "do not ask, whatever the number of items")
	c.Flags().BoolVarP(&o.Wait, "wait", "w", false, "wait for the end, with a progress bar")
	o.AddFlags(c, "with --wait: ")
	c.Flags().StringVar(&o.Key, "idempotency-key", "", "the same `KEY` with the same command returns the same replay (default: random)")
	return c
}
