package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// serveName is the command of the background process. Its arguments are two open files.
const serveName = "serve"

// What the background process reports, a line each; any other line is progress.
const (
	reportReady = "ready"
	reportError = "error"
)

// File descriptors that `local` hands to the background process.
const (
	reportFD   = 3 // takes the lines
	lifelineFD = 4 // ends when the parent does
)

func (a *app) serve() *cobra.Command {
	var name string
	return nameFlag(&cobra.Command{
		Use: serveName, Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := find(name)
			if err != nil {
				return err
			}
			report, lifeline := os.NewFile(reportFD, "report"), os.NewFile(lifelineFD, "lifeline")
			err = own(c.Context(), p, report, lifeline)
			if err != nil {
				text, _ := json.Marshal(err.Error()) // one line
				_, _ = fmt.Fprintf(report, "%s %s\n", reportError, text)
			}
			return err
		},
	}, &name)
}

// own brings the stack up, says so, and keeps it until it is told to stop or the emulator ends.
func own(ctx context.Context, p paths, report io.WriteCloser, lifeline io.Reader) error {
	lock, err := toolchain.TryLock(p.lock())
	if err != nil {
		return fmt.Errorf("another local stack was started at the same moment: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := errors.Join(lock.Truncate(0), writeAll(lock, strconv.Itoa(os.Getpid()))); err != nil {
		return err
	}
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, lifeline) // returns when the parent has ended, or was satisfied and ended
		cancel()
	}()
	stack, err := local.Start(starting, local.Options{Dir: p.root, Progress: report})
	if err != nil {
		return err
	}
	defer stack.Stop()
	if err := writeState(p, stack); err != nil {
		return err
	}
	defer func() { _ = os.Remove(p.state()) }()
	if _, err := fmt.Fprintln(report, reportReady); err != nil {
		return fmt.Errorf("nobody waits for the stack: %w", err)
	}
	if err := report.Close(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case <-stack.Done():
		return errors.New("the emulator ended")
	}
}

func writeAll(w io.Writer, s string) error {
	_, err := io.WriteString(w, s)
	return err
}

func writeState(p paths, stack *local.Stack) error {
	logs, err := filepath.Rel(p.root, stack.LogDir)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(state{Result: stack.Result, PID: os.Getpid(), LogDir: logs}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(p.state(), append(b, '\n'), 0o600)
}
