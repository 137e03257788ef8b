package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// stopTimeout is how long the owner of a stack may take to stop it before it is killed. The kernel then kills the rest.
const stopTimeout = 20 * time.Second

func (a *app) localStop() *cobra.Command {
	var name string
	return nameFlag(&cobra.Command{
		Use: "local-stop", Short: "Stop what `local` left running", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := find(name)
			if err != nil {
				return err
			}
			stopped, err := stopLocal(c.Context(), p)
			if err != nil {
				return err
			}
			if stopped {
				_, _ = fmt.Fprintln(a.out, "the local stack is stopped")
			} else {
				_, _ = fmt.Fprintln(a.out, "no local stack is running")
			}
			return nil
		},
	}, &name)
}

// stopLocal stops the owner of the lock. That the lock is held proves that the process named in it is ours: the kernel
// releases it when that process ends.
func stopLocal(ctx context.Context, p paths) (stopped bool, err error) {
	if free, err := clearIfFree(p); free || err != nil {
		return false, err
	}
	pid, err := owner(p)
	if err != nil {
		return false, err
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return false, fmt.Errorf("stop process %d: %w", pid, err)
		}
		if free, err := waitFree(ctx, p); free || err != nil {
			return free, err
		}
	}
	return false, fmt.Errorf("process %d does not end", pid)
}

// clearIfFree removes what a process that was killed could not remove, if no process owns a stack.
func clearIfFree(p paths) (free bool, err error) {
	lock, err := toolchain.TryLock(p.lock())
	if errors.Is(err, toolchain.ErrLocked) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = lock.Close() }()
	if err := os.Remove(p.state()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return true, nil
}

func owner(p paths) (int, error) {
	b, err := os.ReadFile(p.lock())
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || pid <= 1 {
		return 0, fmt.Errorf("%s is locked but names no process: try again", p.lock())
	}
	return pid, nil
}

func waitFree(ctx context.Context, p paths) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if free, err := clearIfFree(p); free || err != nil {
			return free, err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return false, nil
			}
			return false, ctx.Err()
		case <-ticker.C:
		}
	}
}
