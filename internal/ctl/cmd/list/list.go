// Package list is the command that lists replays.
package list

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

type options struct {
	status  string
	dryRuns bool
	limit   int
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "list",
		Short: "List replays, newest first",
		Long:  `Lists replays, newest first. Dry runs are listed with --dry-runs, or with --status PLANNED.`,
		Example: `  replayctl list
  replayctl list --status RUNNING
  replayctl list --limit 0 -o jsonl | jq -r 'select(.counts.failed > 0) | .replayId'`,
		Args: factory.NoArguments,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), f, o) },
	}
	c.Flags().StringVar(&o.status, "status", "", "only replays with this `STATUS`: "+factory.Names(replay.Statuses()))
	c.Flags().BoolVar(&o.dryRuns, "dry-runs", false, "also dry runs")
	factory.AddLimit(c, &o.limit, 25, "", "replays")
	factory.Complete(c, "status", factory.Texts(replay.Statuses())...)
	return c
}

func run(ctx context.Context, f *factory.Factory, o options) error {
	status, err := factory.OneOf("--status", o.status, replay.Statuses())
	if err != nil {
		return err
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	all := api.Replays.List(ctx, status)
	none := "no replays"
	if !o.dryRuns && status != replay.Planned {
		all, none = started(all), "no replays; --dry-runs lists dry runs too"
	}
	return factory.Show(f, "replays", columns(f), factory.First(all, o.limit), none)
}

// started leaves out dry runs.
func started(all iter.Seq2[replay.Summary, error]) iter.Seq2[replay.Summary, error] {
	return func(yield func(replay.Summary, error) bool) {
		for s, err := range all {
			if err == nil && s.DryRun {
				continue
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func columns(f *factory.Factory) []output.Column[replay.Summary] {
	count := func(of func(replay.Counts) int) func(replay.Summary) string {
		return func(s replay.Summary) string { return fmt.Sprint(of(s.Counts)) }
	}
	return []output.Column[replay.Summary]{
		{Title: "REPLAY", Cell: func(s replay.Summary) string { return s.ReplayID }},
		{Title: "STATUS", Cell: func(s replay.Summary) string { return string(s.Status) }, Color: follow.StatusColor},
		{Title: "CREATED", Cell: func(s replay.Summary) string { return f.Printer.Time(&s.CreatedAt) }},
		{Title: "ITEMS", Right: true, Cell: count(func(c replay.Counts) int { return c.Matched })},
		{Title: "SUCCEEDED", Right: true, Cell: count(func(c replay.Counts) int { return c.Succeeded })},
		{Title: "FAILED", Right: true, Cell: count(func(c replay.Counts) int { return c.Failed })},
		{Title: "SKIPPED", Right: true, Cell: count(func(c replay.Counts) int { return c.Skipped })},
		{Title: "REASON", Flex: true, Cell: func(s replay.Summary) string { return s.Reason }},
	}
}
