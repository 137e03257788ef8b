package failures

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/internal/ctl/start"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

func replayCommand(f *factory.Factory) *cobra.Command {
	o := &request.Flags{Action: replay.Rerun, Failures: true}
	var resource, execution string
	c := &cobra.Command{
		Use:   "replay",
		Short: "Run failed versions again",
		Long: `Runs the versions in quarantine again, as replayctl replay --failures does: all of them, or those that the flags select.
A version leaves the quarantine when it succeeds and is published.

With --resource, the failed versions of one resource run one after the other, oldest first, until one fails again. With
--execution, one failure is run again, also of an event that never reached the event log and so has no resource to select.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl failures replay --error 'Geocoder*' --reason "the geocoder is back" --wait
  replayctl failures replay --since 2h --dry-run
  replayctl failures replay --resource L-1 --merge-patch '{"listing":{"priceUsd":450000}}' --reason "corrected the price"`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if resource != "" && execution != "" {
				return exit.Usagef("--resource and --execution cannot be used together: use one of them")
			}
			if execution != "" {
				if err := oneFailure(c.Context(), f, o, execution); err != nil {
					return err
				}
			}
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
	c.Flags().StringVar(&execution, "execution", "", "only the failure of the execution with this `NAME`")
	c.Flags().BoolVar(&o.Latest, "latest", false, "the latest version of each resource, instead of the one that failed")
	o.AddOptions(f, c)
	factory.CompleteWith(c, "resource", f.Complete().Resources)
	return c
}

// oneFailure makes of an order for failures one for that of an execution: for its version or, where the event never
// reached the log, for its error at the millisecond in which it failed.
func oneFailure(ctx context.Context, f *factory.Factory, o *request.Flags, execution string) error {
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	found, err := collect(ctx, f, api, &query{error: o.Error, since: o.Since, until: o.Until, executions: []string{execution}})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("no failure of execution %s is in the quarantine", execution),
			Do: []string{"`" + f.Hint("failures --detail") + "` lists each failure with its execution"}}
	}
	one := found[0]
	o.Error, o.State, o.Cause, o.Since, o.Until = "", "", "", "", ""
	if one.VersionID != "" {
		o.Failures, o.Args = false, []string{one.ResourceID}
		if !o.Latest {
			o.Versions = []string{one.VersionID}
		}
		o.Latest = false
		return nil
	}
	o.Error = globOf(one.Error)
	o.Since, o.Until = one.FailedAt.Format(time.RFC3339Nano), one.FailedAt.Add(time.Millisecond).Format(time.RFC3339Nano)
	same, err := collect(ctx, f, api, &query{error: o.Error, since: o.Since, until: o.Until})
	if err != nil {
		return err
	}
	if len(same) > 1 {
		return &exit.Error{Code: exit.Refused, Err: fmt.Errorf("%d events failed with %s in the same millisecond: they can only be run again together", len(same), one.Error),
			Do: []string{f.Hint("failures replay --error " + factory.ShellWord(o.Error) + " --since " + o.Since + " --until " + o.Until)}}
	}
	return nil
}

// globOf is a glob that matches one name only.
func globOf(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

func collect(ctx context.Context, f *factory.Factory, api *client.Client, of *query) (all []replay.Failure, err error) {
	found, err := of.find(ctx, f, api, replay.FailureQuarantined)
	if err != nil {
		return nil, err
	}
	for one, err := range found {
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// failedVersions makes of an order for failures one for those of a resource: the API selects by error and time only.
func failedVersions(ctx context.Context, f *factory.Factory, o *request.Flags, resource string) error {
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	of := &query{error: o.Error, since: o.Since, until: o.Until, resources: []string{resource}}
	found, err := of.find(ctx, f, api, replay.FailureQuarantined)
	if err != nil {
		return err
	}
	var versions []string
	unrecorded := 0
	for f, err := range found {
		switch {
		case err != nil:
			return err
		case o.State != "" && !globbed(o.State, f.State) || !strings.Contains(f.Cause, o.Cause):
		case f.VersionID == "":
			unrecorded++
		default:
			versions = append(versions, f.VersionID)
		}
	}
	if len(versions) == 0 {
		e := &exit.Error{Code: exit.Refused, Err: fmt.Errorf("no version of %s is in the quarantine", resource),
			Do: []string{"`" + f.Hint("history "+factory.ShellWord(resource)+" --detail") + "` lists its versions and their outcomes"}}
		if unrecorded > 0 {
			e.Do = []string{fmt.Sprintf("%s never reached the event log: --execution selects one, and without --resource all run again", factory.Plural(unrecorded, "event"))}
		}
		return e
	}
	if unrecorded > 0 {
		f.Say("not among them: %s that never reached the event log; --execution selects one, and without --resource all run again", factory.Plural(unrecorded, "event"))
	}
	o.Failures, o.Error, o.State, o.Cause, o.Since, o.Until = false, "", "", "", "", ""
	o.Args = []string{resource}
	if o.Latest { // which is the default for a resource
		o.Latest = false
	} else {
		o.Versions = factory.Unique(versions)
	}
	return nil
}

// globbed reports whether a glob fits a name. One that cannot be read fits nothing.
func globbed(glob, name string) bool {
	fits, err := path.Match(glob, name)
	return fits && err == nil
}
