package ctl

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// Main runs a command and returns its exit code. An interrupt ends the waiting, not the replay.
func Main(ctx context.Context, p Process) Code {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	a := &app{p: p}
	root := a.root()
	root.SetArgs(p.Args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	e := a.explain(err)
	if text := e.Error(); text != "" {
		a.say("%s %s", a.paintErr(output.Red, "error:"), output.Printable(text))
	}
	for _, line := range e.Do {
		a.say("  %s", output.Printable(line))
	}
	return e.Code
}

// app is what the commands share.
type app struct {
	p     Process
	flags flags
	out   *output.Printer // of data; there once the flags are read

	// moment is when the command began. Every relative time counts from it, in whole milliseconds as the API has them:
	// a clock that goes on would give the parts of one request different times.
	moment time.Time

	target *stack.Target // found once
	apiURL string        // of target

	awsRegion string         // of the AWS configuration
	global    *pflag.FlagSet // the flags that every command has
}

// say tells the person something. Data goes through out.
func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.p.Err, format+"\n", args...)
}

// paintErr sets off what is said.
func (a *app) paintErr(c output.Color, text string) string {
	p := output.Printer{Color: a.p.Terminal.Err && a.colors()}
	return p.Paint(c, text)
}

// colors reports whether colors are wanted where there is a terminal: no-color.org.
func (a *app) colors() bool {
	return !a.flags.noColor && a.p.Env("NO_COLOR") == "" && a.p.Env("TERM") != "dumb"
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "replayctl",
		Short: "Replays the past of a ReplayableIngestion",
		Long: `replayctl calls the replay API of a ReplayableIngestion with your own AWS credentials: what failed, why, what was it
like before, run it again, watch it finish.

It finds the ingestion by the outputs of its stack. If there are several, name the stack with --stack or REPLAYCTL_STACK.
Credentials and the Region are found as by the aws CLI.

Data goes to standard output, everything else to standard error.

Exit codes:
` + strings.TrimSuffix(exitCodes(), "\n"),
		Version:       Version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		// As many letters may be wrong for a command to be guessed.
		SuggestionsMinimumDistance: 2,
		Args:                       unknownCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return c.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.prepare() },
	}
	root.SetIn(a.p.In)
	root.SetOut(a.p.Out)
	root.SetErr(a.p.Err)
	root.SetVersionTemplate("replayctl {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &Error{Code: ExitUsage, Err: err, Do: []string{"`" + c.CommandPath() + " --help` lists the flags"}}
	})
	a.addFlags(root)
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, add := range g.commands {
			c := add(a)
			c.GroupID = g.title
			a.complain(c)
			root.AddCommand(c)
		}
	}
	return root
}

// unknownCommand is an error of usage that may guess what was meant.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := &Error{Code: ExitUsage, Err: fmt.Errorf("unknown command %q", args[0])}
	for _, name := range c.SuggestionsFor(args[0]) {
		e.Do = append(e.Do, "did you mean "+name+"?")
	}
	e.Do = append(e.Do, "`replayctl --help` lists the commands")
	return e
}

// commandGroup is a part of the list of commands.
type commandGroup struct {
	title    string
	commands []func(*app) *cobra.Command
}

// groups lists the constructors of the commands. A new command is one more.
func groups() []commandGroup {
	return []commandGroup{
		{"Find out what happened:", []func(*app) *cobra.Command{
			(*app).failuresCommand, (*app).historyCommand, (*app).showCommand, (*app).diffCommand,
		}},
		{"Run the past again:", []func(*app) *cobra.Command{(*app).replayCommand, (*app).republishCommand}},
		{"Follow replays:", []func(*app) *cobra.Command{
			(*app).statusCommand, (*app).itemsCommand, (*app).listCommand, (*app).cancelCommand,
		}},
		{"Check the ingestion:", []func(*app) *cobra.Command{(*app).doctorCommand}},
	}
}

// complain makes wrong arguments an error of usage, here and below.
func (a *app) complain(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			var known *Error
			if err == nil || errors.As(err, &known) {
				return err
			}
			return &Error{Code: ExitUsage, Err: err, Do: []string{"`" + c.CommandPath() + " --help` has examples"}}
		}
	}
	for _, sub := range c.Commands() {
		a.complain(sub)
	}
}

// client connects to the API of the ingestion that is meant.
func (a *app) client(ctx context.Context) (*client.Client, error) {
	t, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	return a.connect(*t, client.Config{Transport: a.p.Transport, Retrying: a.retrying})
}

// connect makes a client of an ingestion's API.
func (a *app) connect(t stack.Target, cfg client.Config) (*client.Client, error) {
	cfg.BaseURL, cfg.Region, cfg.Credentials = t.APIURL, t.Region, t.AWS.Credentials
	cfg.UserAgent, cfg.Now, cfg.Sleep = "replayctl/"+Version(), a.p.Now, a.p.Sleep
	api, err := client.New(cfg)
	if err != nil {
		return nil, usage("%w", err)
	}
	return api, nil
}
