package factory

import (
	"context"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// completeFor is how long a shell waits for completions.
const completeFor = 3 * time.Second

// completed is how many ids a shell is offered.
const completed = 30

const noFiles = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder

// offer asks the API for completions. On an error it offers none: a shell cannot show it.
func offer[T any](f *Factory, c *cobra.Command, list func(ctx context.Context, api *client.Client) iter.Seq2[T, error], of func(T) string) []string {
	ctx, cancel := context.WithTimeout(c.Context(), completeFor)
	defer cancel()
	if f.Prepare() != nil {
		return nil
	}
	api, err := f.Client(ctx)
	if err != nil {
		return nil
	}
	var offers []string
	for one, err := range First(list(ctx, api), completed) {
		if err != nil {
			break
		}
		if text := of(one); text != "" {
			offers = append(offers, text)
		}
	}
	return Unique(offers)
}

// CompleteReplays offers the newest replays.
func (f *Factory) CompleteReplays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return offer(f, c, func(ctx context.Context, api *client.Client) iter.Seq2[replay.Summary, error] {
		return api.Replays(ctx, "")
	}, func(s replay.Summary) string {
		return cobra.CompletionWithDesc(s.ReplayID, string(s.Status)+" "+s.Reason)
	}), noFiles
}

// CompleteResources offers the resources that have failed last: those that people ask about.
func (f *Factory) CompleteResources(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return f.offerFailures(c, func(one replay.Failure) string {
		if one.ResourceID == "" {
			return ""
		}
		return cobra.CompletionWithDesc(one.ResourceID, one.Error)
	})
}

// CompleteErrors offers the errors of what has failed last.
func (f *Factory) CompleteErrors(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return f.offerFailures(c, func(one replay.Failure) string { return one.Error })
}

func (f *Factory) offerFailures(c *cobra.Command, of func(replay.Failure) string) ([]string, cobra.ShellCompDirective) {
	return offer(f, c, func(ctx context.Context, api *client.Client) iter.Seq2[replay.Failure, error] {
		return api.Failures(ctx, replay.FailureFilter{})
	}, of), noFiles
}

// CompleteResource offers one resource.
func (f *Factory) CompleteResource(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return f.CompleteResources(c, args, typed)
}

// CompleteVersions offers the newest versions of the resource that is the first argument.
func (f *Factory) CompleteVersions(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return f.CompleteResources(c, args, typed)
	}
	return offer(f, c, func(ctx context.Context, api *client.Client) iter.Seq2[replay.Version, error] {
		return api.Versions(ctx, args[0])
	}, func(v replay.Version) string {
		if v.Deleted {
			return ""
		}
		return cobra.CompletionWithDesc(v.VersionID, v.RecordedAt.Format(time.RFC3339))
	}), noFiles
}

// CompleteWith has a flag completed by a function.
func CompleteWith(c *cobra.Command, flag string, offer cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, offer); err != nil {
		panic(err) // there is no such flag
	}
}

// Files is for flags whose values are files. No other value is completed by the names of files.
func Files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
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
