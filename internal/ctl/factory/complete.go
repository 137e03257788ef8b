package factory

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/replay"
)

// completeFor is how long a shell waits for completions.
const completeFor = 3 * time.Second

// completed is how many replays a shell is offered.
const completed = 30

// CompleteReplays offers the newest replays.
func (f *Factory) CompleteReplays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if len(args) > 0 {
		return nil, directive
	}
	ctx, cancel := context.WithTimeout(c.Context(), completeFor)
	defer cancel()
	if f.Prepare() != nil {
		return nil, directive
	}
	api, err := f.Client(ctx)
	if err != nil {
		return nil, directive
	}
	var offers []string
	for s, err := range First(api.Replays(ctx, replay.Status("")), completed) {
		if err != nil {
			break
		}
		offers = append(offers, cobra.CompletionWithDesc(s.ReplayID, string(s.Status)+" "+s.Reason))
	}
	return offers, directive
}

// completeStacks offers the stacks that have an ingestion.
func (f *Factory) completeStacks(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return f.offerIngestions(c, func(stack, _ string) string { return stack })
}

// completeIngestions offers the paths of ingestions.
func (f *Factory) completeIngestions(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return f.offerIngestions(c, func(_, path string) string { return path })
}

func (f *Factory) offerIngestions(c *cobra.Command, of func(stack, path string) string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completeFor)
	defer cancel()
	f.flags.stack = "" // of every stack
	all, _, err := f.every(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var offers []string
	for _, i := range all {
		offers = append(offers, of(i.Stack, i.Path))
	}
	return Unique(offers), cobra.ShellCompDirectiveNoFileComp
}
