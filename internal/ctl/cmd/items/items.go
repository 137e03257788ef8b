// Package items is the command that lists the items of a replay.
package items

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var outcome string
	var limit int
	c := &cobra.Command{
		Use:   "items REPLAY",
		Short: "List what became of each item of a replay",
		Example: `  replayctl items 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --outcome failed
  replayctl items 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --outcome failed -o jsonl | replayctl replay -f - --reason "once more"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			want, err := factory.OneOf("--outcome", outcome, replay.Outcomes())
			if err != nil {
				return err
			}
			api, err := f.Client(c.Context())
			if err != nil {
				return err
			}
			return factory.Show(f, "items", itemColumns(f), factory.First(api.Items(c.Context(), args[0], want), limit), "no items")
		},
		ValidArgsFunction: f.CompleteReplays,
	}
	c.Flags().StringVar(&outcome, "outcome", "", "only items with this `OUTCOME`: "+factory.Names(replay.Outcomes()))
	c.Flags().IntVar(&limit, "limit", 0, "at most `N` items; 0: all of them")
	factory.Complete(c, "outcome", factory.Texts(replay.Outcomes())...)
	return c
}

func itemColumns(f *factory.Factory) []output.Column[replay.Item] {
	return []output.Column[replay.Item]{
		{Title: "RESOURCE", Cell: func(i replay.Item) string { return i.ResourceID }},
		{Title: "VERSION", Cell: func(i replay.Item) string { return i.VersionID }},
		{Title: "OUTCOME", Cell: func(i replay.Item) string { return string(i.Outcome) }, Color: func(i replay.Item) output.Color { return follow.OutcomeColor(i.Outcome) }},
		{Title: "TOOK", Right: true, Cell: took},
		{Title: "EXECUTION", Cell: func(i replay.Item) string { return executionName(i.ExecutionARN) }},
		{Title: "REASON", Flex: true, Cell: func(i replay.Item) string { return i.Reason }},
	}
}

func took(i replay.Item) string {
	if i.StartedAt == nil || i.EndedAt == nil {
		return ""
	}
	return i.EndedAt.Sub(*i.StartedAt).Round(100 * time.Millisecond).String()
}

// executionName is the last part of an execution's ARN.
func executionName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }
