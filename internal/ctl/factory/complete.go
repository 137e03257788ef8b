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
func offer[T any](
	f *Factory, c *cobra.Command,
	list func(ctx context.Context, api *client.Client) iter.Seq2[T, error], of func(T) string,
) []string {
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

// Completions are what shells are offered to complete arguments and flags.
type Completions struct{ factory *Factory }

// Complete returns the completions that the ingestion has.
func (f *Factory) Complete() Completions { return Completions{factory: f} }

// Replays offers the newest replays.
func (o Completions) Replays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.replays(c, args, "", describeReplay)
}

// OpenReplays offers the newest replays that have not ended.
func (o Completions) OpenReplays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.replays(c, args, "", func(s replay.Summary) string {
		if s.Status.Final() {
			return ""
		}
		return describeReplay(s)
	})
}

// PausedReplays offers the newest replays that are paused.
func (o Completions) PausedReplays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.replays(c, args, replay.Paused, describeReplay)
}

// Plans offers the newest plans.
func (o Completions) Plans(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.replays(c, args, replay.Planned, func(s replay.Summary) string {
		return cobra.CompletionWithDesc(s.ReplayID, s.Reason)
	})
}

func describeReplay(s replay.Summary) string {
	return cobra.CompletionWithDesc(s.ReplayID, string(s.Status)+" "+s.Reason)
}

// replays offers replays with a status, or of any, for the first argument.
func (o Completions) replays(
	c *cobra.Command, args []string, status replay.Status, of func(replay.Summary) string,
) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return offer(o.factory, c, func(ctx context.Context, api *client.Client) iter.Seq2[replay.Summary, error] {
		return api.Replays.List(ctx, status)
	}, of), noFiles
}

// Resources offers the resources that have failed last: those that people ask about.
func (o Completions) Resources(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.offerFailures(c, func(one replay.Failure) string {
		if one.ResourceID == "" {
			return ""
		}
		return cobra.CompletionWithDesc(one.ResourceID, one.Error)
	})
}

// Errors offers the errors of what has failed last.
func (o Completions) Errors(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.offerFailures(c, func(one replay.Failure) string { return one.Error })
}

// Owners offers the owners of what has failed last.
func (o Completions) Owners(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.offerFailures(c, func(one replay.Failure) string { return one.OwnerID })
}

// States offers the states that failed last.
func (o Completions) States(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return o.offerFailures(c, func(one replay.Failure) string { return one.State })
}

func (o Completions) offerFailures(c *cobra.Command, of func(replay.Failure) string) ([]string, cobra.ShellCompDirective) {
	return offer(o.factory, c, func(ctx context.Context, api *client.Client) iter.Seq2[replay.Failure, error] {
		return api.Failures.List(ctx, replay.FailureQuery{})
	}, of), noFiles
}

// Resource offers one resource.
func (o Completions) Resource(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return o.Resources(c, args, typed)
}

// Versions offers the newest versions of the resource that is the first argument.
func (o Completions) Versions(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return o.Resources(c, args, typed)
	}
	return offer(o.factory, c, func(ctx context.Context, api *client.Client) iter.Seq2[replay.Version, error] {
		return api.Versions.List(ctx, args[0])
	}, func(v replay.Version) string {
		if v.Deleted {
			return ""
		}
		return cobra.CompletionWithDesc(v.VersionID, v.RecordedAt.Format(time.RFC3339))
	}), noFiles
}

// Transforms offers the functions of the prop Transforms. An ingestion that was found by its URL alone does not tell
// them.
func (o Completions) Transforms(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completeFor)
	defer cancel()
	if o.factory.Prepare() != nil {
		return nil, noFiles
	}
	t, err := o.factory.Find(ctx)
	if err != nil {
		return nil, noFiles
	}
	return t.Transforms, noFiles
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
