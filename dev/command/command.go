// Package command runs the commands of this module: it says how they ended, on standard error and by the exit code.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// ErrUsage is wrapped by errors about the command line.
var ErrUsage = errors.New("usage")

// Execute runs a command and returns its exit code. An interrupt ends what the command started first.
func Execute(ctx context.Context, c *cobra.Command, args []string, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	c.SetArgs(args)
	err := c.ExecuteContext(ctx)
	switch {
	case err == nil:
		return ExitOK
	case ctx.Err() != nil:
		_, _ = fmt.Fprintln(errOut, "interrupted; everything that was started has been stopped")
		return ExitInterrupted
	}
	_, _ = fmt.Fprintln(errOut, "error:", err)
	if errors.Is(err, ErrUsage) {
		return ExitUsage
	}
	return ExitFailure
}
