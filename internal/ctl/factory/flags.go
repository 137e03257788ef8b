package factory

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
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

// AddFlags adds the flags that every command has.
func (f *Factory) AddFlags(root *cobra.Command) {
	set := root.PersistentFlags()
	f.global = set
	set.StringVar(&f.flags.stack, "stack", "", "`NAME` of the ingestion's CloudFormation stack (or REPLAYCTL_STACK; default: the only stack with one)")
	set.StringVar(&f.flags.ingestion, "ingestion", "", "`PATH` of the construct, if the stack has several (or REPLAYCTL_INGESTION)")
	set.StringVar(&f.flags.apiURL, "api-url", "", "`URL` of the replay API, with its stage; skips the search (or REPLAYCTL_API_URL)")
	set.StringVar(&f.flags.local, "local", "", "the stack of replaydev or make local, as this `FILE` describes it (or REPLAYCTL_LOCAL; without a value: that of this directory)")
	set.Lookup("local").NoOptDefVal = stack.LocalFile
	set.BoolVar(&f.flags.refresh, "refresh", false, "search for the ingestion, without the cache")
	set.StringVar(&f.flags.profile, "profile", "", "`NAME` of an AWS profile (or AWS_PROFILE)")
	set.StringVar(&f.flags.region, "region", "", "AWS `REGION` (or AWS_REGION)")
	set.StringVar(&f.flags.endpointURL, "endpoint-url", "", "`URL` of the AWS services (or AWS_ENDPOINT_URL)")
	set.StringVarP(&f.flags.output, "output", "o", string(output.Table), "format of data: `table|json|jsonl`")
	set.BoolVar(&f.flags.noColor, "no-color", false, "no colors on a terminal (or NO_COLOR)")
	Complete(root, "output", output.Formats()...)
	CompleteWith(root, "stack", f.completeStacks)
	CompleteWith(root, "ingestion", f.completeIngestions)
	CompleteWith(root, "local", Files)
}

// Complete offers values of a flag to the shell.
func Complete(c *cobra.Command, flag string, values ...string) {
	CompleteWith(c, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// Prepare reads the flags that every command has.
func (f *Factory) Prepare() error {
	f.Moment = f.Process.Now().Truncate(time.Millisecond)
	g := &f.flags
	if g.local == "" && g.profile == "" && g.endpointURL == "" && g.apiURL == "" { // they mean another place
		g.local = f.Process.Env("REPLAYCTL_LOCAL")
	}
	for name, flag := range map[string]*string{
		"REPLAYCTL_STACK": &g.stack, "REPLAYCTL_INGESTION": &g.ingestion, "REPLAYCTL_API_URL": &g.apiURL,
	} {
		if *flag == "" && g.local == "" {
			*flag = f.Process.Env(name)
		}
	}
	if !slices.Contains(output.Formats(), f.flags.output) {
		return exit.Usagef("--output must be one of %s, got %q", strings.Join(output.Formats(), ", "), f.flags.output)
	}
	f.Printer = &output.Printer{
		Out: f.Process.Out, Format: output.Format(f.flags.output), Color: f.Process.Terminal.Out && f.colors(), Zone: f.Process.Zone,
	}
	if f.Process.Terminal.Out && f.Process.Terminal.Width != nil {
		f.Printer.Width = f.Process.Terminal.Width()
	}
	return nil
}

// retrying tells a person who waits why.
func (f *Factory) retrying(err error, attempt int, wait time.Duration) {
	if f.Process.Terminal.Err && attempt > 1 {
		f.Say("%s (trying again in %s)", output.Printable(err.Error()), wait.Round(100*time.Millisecond))
	}
}
