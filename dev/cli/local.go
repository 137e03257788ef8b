package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// state is build/local.json.
type state struct {
	local.Result
	PID    int    `json:"pid"` // of the process that owns the stack
	LogDir string `json:"logDir"`
}

func (a *app) local() *cobra.Command {
	var name string
	return nameFlag(&cobra.Command{
		Use: "local", Short: "Deploy the dev stage to an emulator and leave it running in the background", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := find(name)
			if err != nil {
				return err
			}
			if running, err := a.alreadyRuns(p); running || err != nil {
				return err
			}
			if _, err := toolchain.Install(c.Context(), p.root, false, a.out); err != nil {
				return err
			}
			if err := a.background(c.Context(), p); err != nil {
				return err
			}
			s, err := readState(p)
			if err != nil {
				return err
			}
			a.usage(p, s)
			return nil
		},
	}, &name)
}

func (a *app) alreadyRuns(p paths) (bool, error) {
	lock, err := toolchain.TryLock(p.lock())
	if err == nil {
		return false, lock.Close()
	}
	if !errors.Is(err, toolchain.ErrLocked) {
		return false, err
	}
	s, err := readState(p)
	if errors.Is(err, os.ErrNotExist) {
		_, _ = fmt.Fprintln(a.out, "a local stack is being started by another `make local`")
		return true, nil
	}
	if err != nil {
		return false, err
	}
	_, _ = fmt.Fprintln(a.out, "a local stack is running already; `make local-stop` ends it")
	a.usage(p, s)
	return true, nil
}

func readState(p paths) (state, error) {
	var s state
	b, err := os.ReadFile(p.state())
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}

// background starts the process that owns the stack, in a session of its own, and returns once the stack is ready. Until
// then the two hold on to each other: when this one ends for any reason, so does the other.
func (a *app) background(ctx context.Context, p paths) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	news, report, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = news.Close() }()
	watched, lifeline, err := os.Pipe()
	if err != nil {
		return errors.Join(err, report.Close())
	}
	defer func() { _ = lifeline.Close() }()
	cmd := exec.Command(self, serveName, "--name", p.name) //nolint:gosec // this program
	cmd.Dir = p.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.ExtraFiles = []*os.File{report, watched} // file descriptors 3 and 4
	err = cmd.Start()
	if err = errors.Join(err, report.Close(), watched.Close()); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	ready, text := a.relay(news)
	if ready && ctx.Err() == nil {
		return cmd.Process.Release()
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if text == "" {
		return fmt.Errorf("the background process ended: %w", err)
	}
	return errors.New(text)
}

// relay prints what the background process reports until it is ready or ends. text is its error.
func (a *app) relay(news *os.File) (ready bool, text string) {
	lines := bufio.NewScanner(news)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case reportReady:
			return true, ""
		case reportError:
			if err := json.Unmarshal([]byte(rest), &text); err != nil {
				text = rest
			}
		default:
			_, _ = fmt.Fprintln(a.out, lines.Text())
		}
	}
	return false, text
}

func (a *app) usage(p paths, s state) {
	const text = `
The dev stage is up at %[1]s. Its addresses are in build/%[6]s.json, its logs in %[2]s.

Send a listing, replay it, and list its versions and their outcomes:

  export REPLAYCTL_LOCAL=build/%[6]s.json
  echo '{"eventType":"ListingSold","occurredAt":"2026-11-23T00:00:00Z","listing":{"id":"L-1","agencyId":"A-1","priceUsd":675000,"livingAreaSqft":2820,"yearBuilt":1979,"waterfront":false,"address":{"zipcode":"98029"}}}' |
    go run ./cmd/replayctl ingest - --wait
  go run ./cmd/replayctl replay L-1 --reason "trying it out" --wait
  go run ./cmd/replayctl history L-1

See it in the browser: go run ./cmd/replayctl console

Or use the AWS CLI and the API directly:

  export AWS_ENDPOINT_URL=%[1]s AWS_DEFAULT_REGION=%[3]s AWS_REGION=%[3]s
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  aws stepfunctions list-executions --state-machine-arn %[4]s
  curl --aws-sigv4 "aws:amz:%[3]s:execute-api" --user test:test '%[5]s/versions?resourceId=L-1'

` + "docs/replays.md goes on from there. `make local-stop` ends it.\n"
	_, _ = fmt.Fprintf(a.out, text, s.EndpointURL, s.LogDir, s.Region, s.StateMachineARN, s.APIURL, p.name)
}
