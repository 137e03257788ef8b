// Package cli is the command line of the local runner, which the Makefile calls.
package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// Main runs a command and returns its exit code. An interrupt ends what it started first.
func Main(ctx context.Context, args []string, out, errOut io.Writer) int {
	return command.Execute(ctx, newCommand(out, errOut), args, errOut)
}

// app is what the commands share.
type app struct {
	out, errOut io.Writer
}

func newCommand(out, errOut io.Writer) *cobra.Command {
	a := &app{out: out, errOut: errOut}
	root := &cobra.Command{
		Use: "dev", Short: "Runs the example on this machine, without an AWS account",
		SilenceUsage: true, SilenceErrors: true,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return fmt.Errorf("%w: %s <command>, see --help", command.ErrUsage, c.Name())
		},
	}
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w: see %s --help", command.ErrUsage, err, c.CommandPath())
	})
	root.AddCommand(a.tools(), a.demo(), a.chaos(), a.bench(), a.local(), a.serve(), a.localStop())
	root.CompletionOptions.DisableDefaultCmd = true
	return root
}

// paths are the files of the checkout that the commands use.
type paths struct {
	root string
	name string // of the local stack
}

// defaultName is the name of the local stack.
const defaultName = "local"

func find(name string) (paths, error) {
	if name == "" || filepath.Base(name) != name {
		return paths{}, fmt.Errorf("%w: %q cannot be the name of a local stack: it becomes that of a file", command.ErrUsage, name)
	}
	root, err := toolchain.Root(".")
	return paths{root, name}, err
}

func nameFlag(c *cobra.Command, name *string) *cobra.Command {
	c.Flags().StringVar(name, "name", defaultName, "name of the stack's files in build/; stacks of different names run side by side")
	return c
}

func (p paths) build(name string) string { return filepath.Join(p.root, "build", name) }

// state describes the running local stack.
func (p paths) state() string { return p.build(p.name + ".json") }

// lock is held, and holds the process id of, the process that owns the local stack.
func (p paths) lock() string { return p.build(p.name + ".lock") }

func (a *app) tools() *cobra.Command {
	var linter bool
	c := &cobra.Command{
		Use: "tools", Short: "Install the CDK CLI, the emulator and, with --linter, golangci-lint into the checkout", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := find(defaultName)
			if err != nil {
				return err
			}
			_, err = toolchain.Install(c.Context(), p.root, linter, a.errOut)
			return err
		},
	}
	c.Flags().BoolVar(&linter, "linter", false, "install golangci-lint too")
	return c
}
