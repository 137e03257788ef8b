package ctl

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
)

// flags are those that every command has.
type flags struct {
	stack, ingestion, apiURL, local string
	refresh                         bool

	profile, region, endpointURL string

	output  string
	noColor bool
}

func (a *app) addFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	a.global = f
	f.StringVar(&a.flags.stack, "stack", "", "`NAME` of the ingestion's CloudFormation stack (or REPLAYCTL_STACK; default: the only one)")
	f.StringVar(&a.flags.ingestion, "ingestion", "", "`PATH` of the construct, if the stack has several (or REPLAYCTL_INGESTION)")
	f.StringVar(&a.flags.apiURL, "api-url", "", "`URL` of the replay API, instead of looking for it (or REPLAYCTL_API_URL)")
	f.StringVar(&a.flags.local, "local", "", "what make local has started, as this `FILE` says (or REPLAYCTL_LOCAL)")
	f.Lookup("local").NoOptDefVal = stack.LocalFile
	f.BoolVar(&a.flags.refresh, "refresh", false, "look for the ingestion again, instead of in the cache")
	f.StringVar(&a.flags.profile, "profile", "", "`NAME` of a profile of the AWS configuration (or AWS_PROFILE)")
	f.StringVar(&a.flags.region, "region", "", "AWS `REGION` (or AWS_REGION)")
	f.StringVar(&a.flags.endpointURL, "endpoint-url", "", "`URL` of the AWS services, instead of the Region's (or AWS_ENDPOINT_URL)")
	f.StringVarP(&a.flags.output, "output", "o", string(output.Table), "how data is written: `table|json|jsonl`")
	f.BoolVar(&a.flags.noColor, "no-color", false, "no colors, even on a terminal (or NO_COLOR)")
	complete(root, "output", output.Formats()...)
	for name, offer := range map[string]cobra.CompletionFunc{"stack": a.completeStacks, "ingestion": a.completeIngestions} {
		if err := root.RegisterFlagCompletionFunc(name, offer); err != nil {
			panic(err) // there is no such flag
		}
	}
}

// complete offers values of a flag to the shell.
func complete(c *cobra.Command, flag string, values ...string) {
	fixed := cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
	if err := c.RegisterFlagCompletionFunc(flag, fixed); err != nil {
		panic(err) // there is no such flag
	}
}

// prepare reads the flags that every command has.
func (a *app) prepare() error {
	a.moment = a.p.Now().Truncate(time.Millisecond)
	f := &a.flags
	if f.local == "" && f.profile == "" && f.endpointURL == "" && f.apiURL == "" { // they mean another place
		f.local = a.p.Env("REPLAYCTL_LOCAL")
	}
	for name, flag := range map[string]*string{
		"REPLAYCTL_STACK": &f.stack, "REPLAYCTL_INGESTION": &f.ingestion, "REPLAYCTL_API_URL": &f.apiURL,
	} {
		if *flag == "" && f.local == "" {
			*flag = a.p.Env(name)
		}
	}
	if !slices.Contains(output.Formats(), a.flags.output) {
		return usage("--output must be one of %s, got %q", strings.Join(output.Formats(), ", "), a.flags.output)
	}
	a.out = &output.Printer{
		Out: a.p.Out, Format: output.Format(a.flags.output), Color: a.p.Terminal.Out && a.colors(), Zone: a.p.Zone,
	}
	if a.p.Terminal.Out && a.p.Terminal.Width != nil {
		a.out.Width = a.p.Terminal.Width()
	}
	return nil
}

// retrying tells a person who waits why.
func (a *app) retrying(err error, attempt int, wait time.Duration) {
	if a.p.Terminal.Err && attempt > 1 {
		a.say("%s (trying again in %s)", output.Printable(err.Error()), wait.Round(100*time.Millisecond))
	}
}
