// Package list is the command that lists replays.
package list

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var status string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List replays, newest first",
		Example: `  replayctl list
  replayctl list --status RUNNING
  replayctl list --limit 0 -o jsonl | jq -r 'select(.counts.failed > 0) | .replayId'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := factory.OneOf("--status", status, replay.Statuses())
			if err != nil {
				return err
			}
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			return factory.Show(f, "replays", replayColumns(f), factory.First(api.Replays(c.Context(), s), limit), "no replays")
		},
	}
	c.Flags().StringVar(&status, "status", "", "only replays with this `STATUS`: "+factory.Names(replay.Statuses()))
	c.Flags().IntVar(&limit, "limit", 25, "at most `N` replays; 0: all of them")
	factory.Complete(c, "status", factory.Texts(replay.Statuses())...)
	return c
}

func replayColumns(f *factory.Factory) []output.Column[replay.Summary] {
	count := func(of func(replay.Counts) int) func(replay.Summary) string {
		return func(s replay.Summary) string { return fmt.Sprint(of(s.Counts)) }
	}
	return []output.Column[replay.Summary]{
		{Title: "REPLAY", Cell: func(s replay.Summary) string { return s.ReplayID }},
		{Title: "STATUS", Cell: func(s replay.Summary) string { return string(s.Status) }, Color: func(s replay.Summary) output.Color {
			return follow.StatusColor(s)
		}},
		{Title: "CREATED", Cell: func(s replay.Summary) string { return f.Printer.Time(&s.CreatedAt) }},
		{Title: "ITEMS", Right: true, Cell: count(func(c replay.Counts) int { return c.Matched })},
		{Title: "SUCCEEDED", Right: true, Cell: count(func(c replay.Counts) int { return c.Succeeded })},
		{Title: "FAILED", Right: true, Cell: count(func(c replay.Counts) int { return c.Failed })},
		{Title: "SKIPPED", Right: true, Cell: count(func(c replay.Counts) int { return c.Skipped })},
		{Title: "REASON", Flex: true, Cell: func(s replay.Summary) string { return s.Reason }},
	}
}
