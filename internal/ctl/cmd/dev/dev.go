// Package dev is the command that hands over to replaydev, a program of a module of its own: the emulator and what runs
// on it are not for who operates an ingestion.
package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
)

const (
	program = "replaydev"
	pkg     = "github.com/ce873799/replayable-ingestion/dev/cmd/replaydev"

	// patience is how long the program may take to stop what it started.
	patience = 30 * time.Second
)

// New returns the command.
func New(f *factory.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "dev [FLAGS of replaydev]",
		Short: "Run your CDK app on this machine, without an AWS account",
		Long: `Starts replaydev, which deploys the CDK app of the current directory to an emulator of AWS on this machine and runs its
functions until you press Ctrl-C. All flags are those of replaydev, and replaydev --help describes them.

replaydev is a program of its own, and runs on Linux. Install it beside replayctl, in the same version:

  go install ` + pkg + `@latest`,
		Example: `  replayctl dev
  replayctl dev --stack Orders --context stage=dev
  replayctl dev --watch`,
		DisableFlagParsing: true, DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
				return c.Help()
			}
			return run(c.Context(), f, args)
		},
	}
}

func run(ctx context.Context, f *factory.Factory, args []string) error {
	file := find(f.Process.Env("PATH"))
	if file == "" {
		e := &exit.Error{Code: exit.General, Err: errors.New(program + " is not installed"), Do: []string{"install it: go install " + pkg + "@" + wanted()}}
		if runtime.GOOS != "linux" {
			e.Err = fmt.Errorf("%s runs on Linux only, and this is %s", program, runtime.GOOS)
			e.Do = []string{"use it on Linux, such as in a virtual machine or in WSL"}
		}
		return e
	}
	cmd := exec.CommandContext(ctx, file, args...) //nolint:gosec // the program of that name in the user's PATH
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f.Process.In, f.Process.Out, f.Process.Err
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	err := cmd.Run()
	if cmd.ProcessState == nil || !cmd.ProcessState.Exited() {
		return fmt.Errorf("run %s: %w", file, err)
	}
	return exit.With(cmd.ProcessState.ExitCode()) // it has said everything
}

// find looks beside this program, where go install puts it, and then in PATH.
func find(path string) string {
	dirs := filepath.SplitList(path)
	if self, err := os.Executable(); err == nil {
		dirs = append([]string{filepath.Dir(self)}, dirs...)
	}
	for _, dir := range dirs {
		file := filepath.Join(dir, program)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// wanted is the version of replaydev that goes with this program.
func wanted() string {
	version, _, _ := strings.Cut(factory.Version(), "+") // the commit of a build from a checkout
	return version
}
