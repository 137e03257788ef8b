package ctl

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/apply"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/cancel"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/console"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/correct"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/dev"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/diff"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/doctor"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/executions"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/failures"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/history"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/ingest"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/items"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/list"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/pace"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/pause"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/redrive"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/replay"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/report"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/republish"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/resources"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/show"
	"github.com/ce873799/replayable-ingestion/internal/ctl/cmd/status"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
)

// Main runs a command and returns its exit code. An interrupt ends the waiting, not the replay.
func Main(ctx context.Context, p factory.Process) exit.Code {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	f := factory.New(p)
	root := newRoot(f)
	args, err := withValues(root, p.Args)
	if err == nil {
		root.SetArgs(args)
		err = root.ExecuteContext(ctx)
	}
	if err == nil {
		return exit.OK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = exit.ErrInterrupted
	}
	e := f.Explain(err)
	// Faults that were joined have a line each.
	for i, line := range strings.FieldsFunc(e.Error(), func(r rune) bool { return r == '\n' }) {
		if line = output.Printable(line); i == 0 {
			line = f.PaintErr(output.Red, "error:") + " " + line
		} else {
			line = "  " + line
		}
		f.Say("%s", line)
	}
	for _, line := range e.Do {
		f.Say("  %s", output.Printable(line))
	}
	return e.Code
}

func newRoot(f *factory.Factory) *cobra.Command {
	root := &cobra.Command{
		Use:   "replayctl",
		Short: "Replays the past of a ReplayableIngestion",
		Long: `replayctl calls the replay API of a ReplayableIngestion with your AWS credentials. It shows what failed and why, runs
events of the past again, and waits for the end.

It finds the ingestion by the outputs of its stack. If there are several, name the stack with --stack or REPLAYCTL_STACK.
It finds credentials and the Region as the AWS CLI does.

Data goes to standard output, messages to standard error.

Exit codes:
` + strings.TrimSuffix(exit.Table(), "\n"),
		Version:       factory.Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		// As many letters may be wrong for a command to be guessed.
		SuggestionsMinimumDistance: 2,
		Args:                       unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error { return f.Prepare() },
	}
	root.SetIn(f.Process.In)
	root.SetOut(f.Process.Out)
	root.SetErr(f.Process.Err)
	root.SetVersionTemplate("replayctl {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		e := &exit.Error{Code: exit.Usage, Err: err}
		for _, flag := range factory.SimilarFlags(c, err) {
			e.Do = append(e.Do, "did you mean "+flag+"?")
		}
		e.Do = append(e.Do, "`"+c.CommandPath()+" --help` lists the flags")
		if strings.Contains(c.Use, "RESOURCE") {
			e.Do = append(e.Do, "an id that begins with - goes after --: `"+c.CommandPath()+" -- -5`")
		}
		return e
	})
	f.AddFlags(root)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, add := range g.commands {
			c := add(f)
			c.GroupID = g.title
			complain(c)
			root.AddCommand(c)
		}
	}
	root.SetHelpCommand(helpCommand(root))
	takeOnce(root)
	return root
}

// helpCommand shows the help of a command. Cobra's own one ends well for a command that does not exist.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, args)
			}
			return c.Help()
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if c, _, err := root.Find(args); err == nil {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// unknownCommand is an error of usage that may guess what was meant.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := &exit.Error{Code: exit.Usage, Err: fmt.Errorf("unknown command %q", args[0])}
	for _, name := range c.SuggestionsFor(args[0]) {
		e.Do = append(e.Do, "did you mean "+name+"?")
	}
	e.Do = append(e.Do, "`replayctl --help` lists the commands")
	return e
}

// commandGroup is a part of the list of commands.
type commandGroup struct {
	title    string
	commands constructors
}

type constructors []func(*factory.Factory) *cobra.Command

// groups lists the constructors of the commands. A new command is one more.
func groups() []commandGroup {
	return []commandGroup{
		{"In the browser:", constructors{console.New}},
		{"Investigate:", constructors{failures.New, history.New, show.New, diff.New, resources.New, executions.New, executions.Tail}},
		{"Replay:", constructors{replay.New, redrive.New, republish.New, apply.New, correct.New}},
		{"Send events:", constructors{ingest.New}},
		{"Follow replays:", constructors{status.New, items.New, list.New, cancel.New, pause.New, pause.NewResume, pace.New, report.New}},
		{"Check:", constructors{doctor.New}},
		{"Develop:", constructors{dev.New}},
	}
}

// complain makes wrong arguments an error of usage, here and below.
func complain(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			var known *exit.Error
			if err == nil || errors.As(err, &known) {
				return err
			}
			return &exit.Error{Code: exit.Usage, Err: err, Do: []string{"`" + c.CommandPath() + " --help` has examples"}}
		}
	}
	for _, sub := range c.Commands() {
		complain(sub)
	}
}
