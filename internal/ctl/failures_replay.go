package ctl

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
)

func (a *app) failuresReplayCommand() *cobra.Command {
	o := &order{action: replay.Rerun, failures: true}
	var resource string
	c := &cobra.Command{
		Use:   "replay",
		Short: "Run what failed again",
		Long: `Runs the versions that are in the quarantine again, as replayctl replay --failures does: all of them, or those that the
flags say. One that succeeds and is published leaves the quarantine.

With --resource, the versions of one resource that failed run one after the other, oldest first, until one fails again.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl failures replay --error 'Geocoder*' --reason "the geocoder is back" --wait
  replayctl failures replay --since 2h --dry-run
  replayctl failures replay --resource L-1 --merge-patch '{"listing":{"priceUsd":450000}}' --reason "corrected the price"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if resource != "" {
				if err := a.failedVersions(c.Context(), o, resource); err != nil {
					return err
				}
			}
			return a.replay(c.Context(), o)
		},
	}
	c.Flags().SortFlags = false
	o.addFailures(c, "")
	c.Flags().StringVar(&resource, "resource", "", "only of the resource with this `ID`")
	c.Flags().BoolVar(&o.latest, "latest", false, "the latest version of each resource, instead of the one that failed")
	o.addOptions(c)
	return c
}

// failedVersions makes of an order for failures one for those of a resource: the API selects by error and time only.
func (a *app) failedVersions(ctx context.Context, o *order, resource string) error {
	api, err := a.client(ctx)
	if err != nil {
		return err
	}
	found, err := a.failures(ctx, api, &failureFilter{error: o.errorGlob, since: o.since, until: o.until, resources: []string{resource}})
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
		e := &Error{Code: ExitRefused, Err: fmt.Errorf("no version of %s is in the quarantine", resource),
			Do: []string{"`" + a.hint("history "+shellWord(resource)+" --detail") + "` says what became of each"}}
		if unrecorded > 0 {
			e.Do = []string{fmt.Sprintf("%s never reached the log: without --resource, they are run again too", plural(unrecorded, "event"))}
		}
		return e
	}
	if unrecorded > 0 {
		a.say("%s of it never reached the log, and is not among them: without --resource, such are run again too", plural(unrecorded, "event"))
	}
	o.failures, o.errorGlob, o.since, o.until = false, "", "", ""
	o.ids = []string{resource}
	if !o.latest {
		o.versions = unique(versions)
	}
	return nil
}
