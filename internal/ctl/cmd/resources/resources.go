// Package resources is the command that lists the resources of an owner.
package resources

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/versions"
	"github.com/ce873799/replayable-ingestion/replay"
)

type options struct {
	owner string
	limit int
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "resources --owner OWNER",
		Short: "List the resources of an owner",
		Long: `Lists the resources of which an owner has had events, each with the last execution of its latest version. They come in no order
that means anything. A resource that has moved to another owner is listed for both; the column OWNER names the one that has it.`,
		Example: `  replayctl resources --owner U-1
  replayctl resources --owner U-1 --limit 0 -o jsonl | jq -r 'select(.latest.status == "FAILED") | .resourceId'`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), f, o) },
	}
	c.Flags().StringVar(&o.owner, "owner", "", "resources of this `OWNER`; required")
	factory.AddLimit(c, &o.limit, 25, "", "resources")
	factory.CompleteWith(c, "owner", f.Complete().Owners)
	return c
}

func run(ctx context.Context, f *factory.Factory, o options) error {
	if o.owner == "" {
		return exit.Usagef("--owner is required: the id of an owner")
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	all := factory.PagesFor(api, o.limit).Resources.List(ctx, o.owner)
	return factory.Show(f, "resources", columns(f), factory.Most(f, all, o.limit), "no resources: no event has named this owner")
}

func columns(f *factory.Factory) []output.Column[replay.OwnedResource] {
	latest := func(of func(replay.Execution) string) func(replay.OwnedResource) string {
		return func(r replay.OwnedResource) string {
			if r.Latest == nil {
				return ""
			}
			return of(*r.Latest)
		}
	}
	return []output.Column[replay.OwnedResource]{
		{Title: "RESOURCE", Cell: func(r replay.OwnedResource) string { return r.ResourceID }},
		{Title: "LAST EVENT", Cell: func(r replay.OwnedResource) string { return f.Printer.Time(&r.LastEventAt) }},
		{Title: "OWNER", Cell: func(r replay.OwnedResource) string { return r.OwnerID }},
		{Title: "STATUS", Cell: latest(func(e replay.Execution) string { return e.Status }), Color: func(r replay.OwnedResource) output.Color {
			return versions.Color(latest(func(e replay.Execution) string { return e.Status })(r))
		}},
		{Title: "ERROR", Cell: latest(func(e replay.Execution) string { return e.Error })},
		{Title: "EXECUTION", Flex: true, Cell: latest(func(e replay.Execution) string { return e.Name })},
	}
}
