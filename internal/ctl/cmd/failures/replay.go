package failures

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
)

func replayCommand(f *factory.Factory) *cobra.Command {
	o := &request.Flags{Action: replay.Rerun, Failures: true}
	var resource string
	c := &cobra.Command{
		Use:   "replay",
		Short: "Run failed versions again",
		Long: `Runs the versions in quarantine again, as replayctl replay --failures does: all of them, or those that the flags select.
A version leaves the quarantine when it succeeds and is published.

With --resource, the failed versions of one resource run one after the other, oldest first, until one fails again.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl failures replay --error 'Geocoder*' --reason "the geocoder is back" --wait
  replayctl failures replay --since 2h --dry-run
  replayctl failures replay --resource L-1 --merge-patch '{"listing":{"priceUsd":450000}}' --reason "corrected the price"`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if resource != "" {
				if err := failedVersions(c.Context(), f, o, resource); err != nil {
					return err
				}
			}
			return start.Run(c.Context(), f, o)
		},
	}
	c.Flags().SortFlags = false
	o.AddFailures(f, c, "")
	c.Flags().StringVar(&resource, "resource", "", "only of the resource with this `ID`")
	c.Flags().BoolVar(&o.Latest, "latest", false, "the latest version of each resource, instead of the one that failed")
	o.AddOptions(c)
	factory.CompleteWith(c, "resource", f.Complete().Resources)
	return c
}

// failedVersions makes of an order for failures one for those of a resource: the API selects by error and time only.
func failedVersions(ctx context.Context, f *factory.Factory, o *request.Flags, resource string) error {
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	found, err := list(ctx, f, api, &failureFilter{error: o.Error, since: o.Since, until: o.Until, resources: []string{resource}})
	if err != nil {
		return err
	}
	var versions []string
	unrecorded := 0
	for f, err := range found {
		switch {
		case err != nil:
			return err
		case f.VersionID == "":
			unrecorded++
		default:
			versions = append(versions, f.VersionID)
		}
	}
	if len(versions) == 0 {
		e := &exit.Error{Code: exit.Refused, Err: fmt.Errorf("no version of %s is in the quarantine", resource),
			Do: []string{"`" + f.Hint("history "+factory.ShellWord(resource)+" --detail") + "` says what became of each"}}
		if unrecorded > 0 {
			e.Do = []string{fmt.Sprintf("%s never reached the log: without --resource, they are run again too", factory.Plural(unrecorded, "event"))}
		}
		return e
	}
	if unrecorded > 0 {
		f.Say("%s of it never reached the log, and is not among them: without --resource, such are run again too", factory.Plural(unrecorded, "event"))
	}
	o.Failures, o.Error, o.Since, o.Until = false, "", "", ""
	o.Args = []string{resource}
	if !o.Latest {
		o.Versions = factory.Unique(versions)
	}
	return nil
}
