// Package failures has the commands that list what failed, and run it again.
package failures

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/flagname"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/when"
	"github.com/ce873799/replayable-ingestion/replay"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	q := &query{}
	var detail bool
	var limit int
	c := &cobra.Command{
		Use:   "failures",
		Short: "List what failed and has not healed, by error",
		Long: `Counts failures by status, error and the state that failed, the largest group first.

QUARANTINED failures need a person: their error is not retriable, or their attempts are used up. When a replay of the
version succeeds, its failures leave the quarantine. WAITING failures are retried when they are due, and RETRYING ones are
being retried. HELD failures wait for a probe to succeed, because many share their error. CLOSED ones were closed by a
person. What has healed or was superseded is in replayctl history.

TREND compares with about an hour ago. If there are too many failures to count at once, the last count of auto-replay is
shown, with its time.

--detail describes each failure, with its execution's ARN and a link to the AWS console: those in quarantine, newest first,
or those with --status.

A TIME is ` + when.Help + `.`,
		Example: `  replayctl failures
  replayctl failures --since 2h --error 'Geocoder*'
  replayctl failures --status HELD --detail
  replayctl failures --detail --limit 0 -o jsonl | jq -r '[.resourceId, .cause] | @tsv'
  replayctl failures --detail --execution e55a4ab2-26a5-43d8-9a4f-3d02f5b5f0d1
  replayctl failures close --superseded --reason "newer events have succeeded"
  replayctl failures replay --error 'Geocoder*' --reason "the geocoder is back" --wait`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("limit") && !detail {
				return exit.Usagef("--limit goes with --detail: groups are counted over all failures")
			}
			if detail {
				return list(c.Context(), f, q, limit)
			}
			return groups(c.Context(), f, q)
		},
	}
	q.addFlags(f, c)
	c.Flags().BoolVar(&detail, "detail", false, "describe each failure: error, cause, and what was decided")
	factory.AddLimit(c, &limit, 100, "with --detail: ", "failures")
	c.AddCommand(replayCommand(f), changeCommand(f, replay.CloseFailures), changeCommand(f, replay.ReopenFailures), jobsCommand(f))
	return c
}

// list describes failures one by one.
func list(ctx context.Context, f *factory.Factory, q *query, limit int) error {
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	found, err := q.find(ctx, f, api, replay.FailureQuarantined)
	if err != nil {
		return err
	}
	found = factory.Most(f, found, limit)
	none := q.none()
	if q.status == "" {
		none = q.noneOf("failures in quarantine") + "; --status shows others"
	}
	if f.Printer.Format == output.Table {
		return factory.Describe(f, found, none, func(w io.Writer, one replay.Failure) error {
			return f.Printer.Fields(w, failureFields(f, one)...)
		})
	}
	return factory.Show(f, "failures", nil, found, none)
}

func failureFields(f *factory.Factory, one replay.Failure) []output.Field {
	state := one.State
	if state != "" {
		state = " in " + state
	}
	arn := f.ExecutionARN(one.Execution)
	return []output.Field{
		{Name: "error", Value: one.Error + state, Color: output.Red},
		{Name: "status", Value: string(one.Status)},
		{Name: "cause", Value: factory.CauseText(one.Cause)},
		{Name: "decision", Value: flagname.In(one.Decision)},
		{Name: "failed", Value: fmt.Sprintf("%s (%s ago)", f.Printer.Time(&one.FailedAt), f.Age(one.FailedAt))},
		{Name: "superseded since", Value: f.Printer.Time(one.SupersededSince)},
		{Name: "job", Value: one.JobID},
		{Name: "next attempt", Value: f.Printer.Time(one.NextAt)},
		{Name: "resource", Value: one.ResourceID},
		{Name: "owner", Value: one.OwnerID},
		{Name: "version", Value: one.VersionID},
		{Name: "input", Value: f.EventLogObject(one.InputKey)},
		{Name: "attempts", Value: fmt.Sprint(one.Attempt)},
		{Name: "execution", Value: arn},
		{Name: "console", Value: f.ConsoleURL(arn)},
	}
}
