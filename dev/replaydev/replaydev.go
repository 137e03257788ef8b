// Package replaydev is the command that deploys a user's CDK app to an emulator on this machine, runs its functions, and
// removes everything when it ends. It shares its machinery with `make local`, and needs no checkout.
package replaydev

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

// Main runs the command and returns its exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	return command.Execute(ctx, newCommand(in, out, errOut), args, errOut)
}

type options struct {
	app     string
	stacks  []string
	context []string
	file    string
	watch   bool
}

func newCommand(in io.Reader, out, errOut io.Writer) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "replaydev",
		Short: "Run your CDK app on this machine, without an AWS account",
		Long: `Deploys the CDK app of the current directory to an emulator of AWS on this machine, and runs its functions. It prints where to
send events, and stays until you press Ctrl-C. Then it stops everything and removes what it wrote, except its cache.

It needs Linux, Go 1.26 or newer, Node.js 18 or newer, and Python 3.10 or newer with venv. It says what is missing. It uses the
CDK CLI in the app's node_modules, or else its own. The first run installs that and the emulator in your cache directory,
which takes a minute.

Functions in Go, Python and JavaScript run. Your AWS credentials are not used, and the app does not see them. The account is
000000000000 and the Region us-east-1: a stack that names another account cannot be deployed. What the emulator does not do
as AWS does is in docs/emulator.md.

After a change, press Enter to deploy again. Functions whose code changed are replaced, and data stays, except in a table or a
queue whose properties changed.`,
		Example: `  replaydev
  replaydev --stack Orders --context stage=dev
  replaydev --app "go run ./cmd/infra" --watch`,
		Version:      factory.Version(),
		SilenceUsage: true, SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%w: replaydev takes flags only, got %q: name a stack with --stack", command.ErrUsage, args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), o, in, out) },
	}
	c.Flags().StringVar(&o.app, "app", "", "`COMMAND` that synthesizes, or a directory with a cloud assembly (default: app of cdk.json)")
	c.Flags().StringArrayVar(&o.stacks, "stack", nil, "deploy this `STACK` and those it depends on; may be repeated (default: all stacks)")
	c.Flags().StringArrayVarP(&o.context, "context", "c", nil, "context `KEY=VALUE` for the app; may be repeated")
	c.Flags().StringVar(&o.file, "local", "", "`FILE` to write for replayctl --local (default: one in the cache)")
	c.Flags().BoolVar(&o.watch, "watch", false, "deploy again whenever a file of the app changes")
	c.SetOut(out)
	c.SetErr(errOut)
	c.SetVersionTemplate("replaydev {{.Version}}\n")
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", command.ErrUsage, err) })
	c.CompletionOptions.DisableDefaultCmd = true
	return c
}

// local makes of the flags what is to be deployed. The tools and the place are missing.
func (o options) local(dir string) (local.Options, error) {
	opts := local.Options{App: o.app, Stacks: o.stacks, Context: map[string]string{}}
	for _, c := range o.context {
		key, value, ok := strings.Cut(c, "=")
		if !ok || key == "" {
			return opts, fmt.Errorf("%w: --context must be KEY=VALUE, got %q", command.ErrUsage, c)
		}
		opts.Context[key] = value
	}
	if info, err := os.Stat(o.app); err == nil && info.IsDir() { // a cloud assembly: the CLI deploys it from another directory
		if opts.App, err = filepath.Abs(o.app); err != nil {
			return opts, err
		}
	}
	if o.app == "" {
		if _, err := os.Stat(filepath.Join(dir, "cdk.json")); err != nil {
			return opts, fmt.Errorf("%w: %s has no cdk.json: change to the directory of your CDK app, or give its command with --app", command.ErrUsage, dir)
		}
	}
	return opts, nil
}

func run(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	opts, err := o.local(dir)
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("find a directory for the emulator and the CDK CLI: %w", err)
	}
	cache = filepath.Join(cache, "replayable-ingestion")
	tools, err := toolchain.ForApp(ctx, dir, cache, out)
	if err != nil {
		return err
	}
	logs := filepath.Join(cache, "logs")
	if err := removeOld(logs, time.Now().Add(-logsKept)); err != nil {
		return fmt.Errorf("remove old logs: %w", err)
	}
	runs, release, err := place(filepath.Join(cache, "runs"))
	if err != nil {
		return fmt.Errorf("make a directory for the run: %w", err)
	}
	defer release()
	opts.Home = &local.Home{App: dir, Tools: tools, Runs: runs, Logs: logs}
	opts.Progress = out
	if o.file == "" {
		o.file = filepath.Join(runs, "local.json")
	}
	_, _ = fmt.Fprintf(out, "deploying the app of %s\n", dir)
	stack, err := local.Start(ctx, opts)
	if err != nil {
		return err
	}
	defer stack.Stop()
	s := session{Stack: stack, file: o.file, dir: dir, out: out}
	if err := s.write(); err != nil {
		return err
	}
	defer func() { _ = os.Remove(o.file) }() // of the user's choice
	s.usage()
	return s.stay(ctx, in, o.watch)
}
