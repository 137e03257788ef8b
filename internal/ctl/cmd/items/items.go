// Package items is the command that lists the items of a replay.
package items

import (
	"context"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
)

type options struct {
	outcome string
	limit   int
	detail  bool
}

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "items [REPLAY]",
		Short: "List the items of a replay and their outcomes: of the newest one, or the one that is named",
		Long: `Lists the items of a replay and their outcomes: of the newest one, or the one that is named. --detail shows whole ARNs, and
links to the executions in the AWS console.`,
		Example: `  replayctl items --outcome failed --detail
  replayctl items 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --outcome failed -o jsonl | replayctl replay -f - --reason "once more"`,
		Args:              factory.Arguments(0, "REPLAY"),
		RunE:              func(c *cobra.Command, args []string) error { return run(c.Context(), f, o, args) },
		ValidArgsFunction: f.Complete().Replays,
	}
	c.Flags().StringVar(&o.outcome, "outcome", "", "only items with this `OUTCOME`: "+factory.Names(replay.Outcomes()))
	factory.AddLimit(c, &o.limit, 0, "", "items")
	c.Flags().BoolVar(&o.detail, "detail", false, "describe each item, with its execution's ARN and a link to the AWS console (JSON always has the ARN)")
	factory.Complete(c, "outcome", factory.Texts(replay.Outcomes())...)
	return c
}

func run(ctx context.Context, f *factory.Factory, o options, args []string) error {
	outcome, err := factory.OneOf("--outcome", o.outcome, replay.Outcomes())
	if err != nil {
		return err
	}
	api, err := f.Client(ctx)
	if err != nil {
		return err
	}
	id, err := follow.Newest(ctx, f, api, args)
	if err != nil {
		return err
	}
	items := factory.First(api.Replays.ListItems(ctx, id, outcome), o.limit)
	if o.detail && f.Printer.Format == output.Table {
		return follow.NoReplay(f, describe(f, items), id)
	}
	return follow.NoReplay(f, factory.Show(f, "items", columns(), items, "no items"), id)
}

func columns() []output.Column[replay.Item] {
	return []output.Column[replay.Item]{
		{Title: "RESOURCE", Cell: func(i replay.Item) string { return i.ResourceID }},
		{Title: "VERSION", Cell: func(i replay.Item) string { return i.VersionID }},
		{Title: "OUTCOME", Cell: func(i replay.Item) string { return string(i.Outcome) }, Color: outcomeColor},
		{Title: "TOOK", Right: true, Cell: took},
		{Title: "EXECUTION", Cell: func(i replay.Item) string { return i.ExecutionARN[strings.LastIndex(i.ExecutionARN, ":")+1:] }},
		{Title: "REASON", Flex: true, Cell: follow.Why},
	}
}

func outcomeColor(i replay.Item) output.Color { return follow.OutcomeColor(i.Outcome) }

func took(i replay.Item) string {
	if i.StartedAt == nil || i.EndedAt == nil {
		return ""
	}
	return i.EndedAt.Sub(*i.StartedAt).Round(100 * time.Millisecond).String()
}

func describe(f *factory.Factory, items iter.Seq2[replay.Item, error]) error {
	return factory.Describe(f, items, "no items", func(w io.Writer, i replay.Item) error {
		return f.Printer.Fields(w,
			output.Field{Name: "resource", Value: i.ResourceID},
			output.Field{Name: "version", Value: i.VersionID},
			output.Field{Name: "outcome", Value: string(i.Outcome), Color: outcomeColor(i)},
			output.Field{Name: "reason", Value: follow.Why(i)},
			output.Field{Name: "started", Value: f.Printer.Time(i.StartedAt)},
			output.Field{Name: "took", Value: took(i)},
			output.Field{Name: "execution", Value: i.ExecutionARN},
			output.Field{Name: "console", Value: f.ConsoleURL(i.ExecutionARN)},
		)
	})
}
