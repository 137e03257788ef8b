// Package replaydev is the command that deploys a user's CDK app to an emulator on this machine, runs its functions, and
// removes everything when it ends. It shares its machinery with `make local`, and needs no checkout.
package replaydev

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/stack"
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
send events, and stays until you press Ctrl-C. Then it stops everything and removes what it wrote. What stays is in your cache
directory: the emulator and the CDK CLI, and the logs for a week.

It needs Linux, Go 1.26 or newer, Node.js 18 or newer, and Python 3.10 or newer with venv. It says what is missing. It uses the
CDK CLI in the app's node_modules, or else its own. The first run installs that and the emulator, and compiles the app and
its functions, which takes minutes.

Functions in Go, Python and JavaScript run. Your AWS credentials are not used, and the app does not see them. The account is
000000000000 and the Region us-east-1: a stack that names another account cannot be deployed. What the emulator does not do
as AWS does is in docs/emulator.md. Resources that it does not have are named, and get stand-ins. Auto-replay runs every 10
seconds, so replayctl failures lists a failure within half a minute.

After a change, or when a deployment failed, press Enter to deploy again. With --watch, that is not needed. Functions whose code
changed are replaced, and data stays, except in a table or a queue whose properties changed.`,
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
	c.Flags().StringVar(&o.file, "local", "", "`FILE` to write for replayctl --local (default: one in the cache, the same in every run of a directory)")
	c.Flags().BoolVar(&o.watch, "watch", false, "deploy again when a file changed and the app synthesizes to something else")
	c.SetOut(out)
	c.SetErr(errOut)
	c.SetVersionTemplate("replaydev {{.Version}}\n")
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		for _, flag := range factory.SimilarFlags(c, err) {
			err = fmt.Errorf("%w: did you mean %s?", err, flag)
		}
		return fmt.Errorf("%w: %w: see %s --help", command.ErrUsage, err, c.Name())
	})
	c.CompletionOptions.DisableDefaultCmd = true
	return c
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
	if o.file == "" {
		o.file = stack.AppFile(cache, dir)
	}
	cache = filepath.Join(cache, "replayable-ingestion")
	tools, err := toolchain.ForApp(ctx, dir, cache, out)
	if err != nil {
		return err
	}
	alone, err := onlyOne(o.file)
	if err != nil {
		return err
	}
	defer alone()
	logs := filepath.Join(cache, "logs")
	if err := removeOld(logs, time.Now().Add(-logsKept)); err != nil {
		return fmt.Errorf("remove old logs: %w", err)
	}
	runs, release, err := place(ctx, filepath.Join(cache, "runs"))
	if err != nil {
		return fmt.Errorf("make a directory for the run: %w", err)
	}
	defer release()
	opts.Home = &local.Home{App: dir, Tools: tools, Runs: runs, Logs: logs}
	opts.Progress = out
	opts.AutoReplayInterval = autoReplayInterval
	s := session{file: o.file, dir: dir, out: out, watch: o.watch, terminal: isTerminal(in)}
	return s.run(ctx, opts, in)
}

// autoReplayInterval is that of the emulator: it looks every 10 seconds whether a schedule is due.
const autoReplayInterval = 10 * time.Second

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
