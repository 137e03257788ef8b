package ctl

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

// completeReplays offers the newest replays.
func (a *app) completeReplays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	if len(args) > 0 {
		return nil, directive
	}
	ctx, cancel := context.WithTimeout(c.Context(), completeFor)
	defer cancel()
	if a.prepare() != nil {
		return nil, directive
	}
	api, err := a.client(ctx)
	if err != nil {
		return nil, directive
	}
	var offers []string
	for s, err := range first(api.Replays(ctx, replay.Status("")), completed) {
		if err != nil {
			break
		}
		offers = append(offers, cobra.CompletionWithDesc(s.ReplayID, string(s.Status)+" "+s.Reason))
	}
	return offers, directive
}

// completeStacks offers the stacks that have an ingestion.
func (a *app) completeStacks(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.offerIngestions(c, func(stack, _ string) string { return stack })
}

// completeIngestions offers the paths of ingestions.
func (a *app) completeIngestions(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.offerIngestions(c, func(_, path string) string { return path })
}

func (a *app) offerIngestions(c *cobra.Command, of func(stack, path string) string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completeFor)
	defer cancel()
	a.flags.stack = "" // of every stack
	all, _, err := a.every(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var offers []string
	for _, i := range all {
		offers = append(offers, of(i.Stack, i.Path))
	}
	return unique(offers), cobra.ShellCompDirectiveNoFileComp
}
