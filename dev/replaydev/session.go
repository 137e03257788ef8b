package replaydev

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/local"
)

// session is an app on the emulator.
type session struct {
	*local.Stack
	file     string // of replayctl --local
	dir      string // of the app
	out      io.Writer
	watch    bool
	terminal bool // the input is a terminal, so Enter can be pressed

	written []byte // to the file; nil while nothing is deployed
}

// run starts the emulator and keeps the app on it until the context ends. A first deployment that fails ends it too, unless
// a person can mend the app.
func (s *session) run(ctx context.Context, opts local.Options, in io.Reader) error {
	s.say("deploying the app of %s", s.dir)
	w := newWatcher(s.dir)
	var err error
	if s.Stack, err = local.Open(ctx, opts); err != nil {
		return err
	}
	defer s.Stop()
	defer s.forget()
	if err := s.deploy(ctx, s.Deploy); err != nil {
		if ctx.Err() != nil || !s.terminal && !s.watch {
			return err
		}
		s.failed(err)
	}
	return s.stay(ctx, w, in)
}

func (s *session) say(format string, args ...any) { _, _ = fmt.Fprintf(s.out, format+"\n", args...) }

// deploy runs a deployment, and says how to use what it deployed first.
func (s *session) deploy(ctx context.Context, how func(context.Context) error) error {
	if err := how(ctx); err != nil {
		return err
	}
	first := s.written == nil
	if err := s.write(); err != nil {
		return err
	}
	if first {
		s.usage()
	}
	return nil
}

func (s *session) failed(err error) {
	s.say("error: %v", err)
	state := "Nothing is deployed yet, and the emulator waits."
	if s.written != nil {
		state = "What was deployed before goes on."
	}
	s.say("%s %s", state, s.next())
}

// next says how to deploy again and how to end.
func (s *session) next() string {
	switch {
	case s.watch:
		return "A change of the app is deployed. Ctrl-C ends it."
	case s.terminal:
		return "Enter deploys again. Ctrl-C ends it."
	}
	return "Ctrl-C ends it. Without a terminal, only --watch deploys again."
}

func (s *session) write() error {
	b, err := json.MarshalIndent(s.Result, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o750); err != nil {
		return fmt.Errorf("write --local: %w", err)
	}
	s.written = append(b, '\n')
	if err := os.WriteFile(s.file, s.written, 0o600); err != nil {
		return fmt.Errorf("write --local: %w", err)
	}
	return nil
}

// forget removes the file, unless another run of the same directory has written it since.
func (s *session) forget() {
	if b, err := os.ReadFile(s.file); err == nil && bytes.Equal(b, s.written) {
		_ = os.Remove(s.file)
	}
}

func (s *session) usage() {
	s.say("\nYour app is up at %s.", s.EndpointURL)
	if len(s.Ingestions) == 0 {
		s.say("It has no ReplayableIngestion.")
	}
	for _, i := range s.Ingestions {
		s.say("  %-30s %s", i.Path, i.StateMachineARN)
	}
	const text = `
In another terminal, send an event and see what became of it:

  export REPLAYCTL_LOCAL=%[1]s
  replayctl ingest event.json --wait
  replayctl history ID

In the directory of the app, --local does the same. replayctl failures lists a failure within half a minute.

For the AWS CLI:

  export AWS_ENDPOINT_URL=%[2]s AWS_REGION=%[3]s AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test

Logs: %[4]s, with a file per function. They stay for a week.

%[5]s`
	s.say(text, s.file, s.EndpointURL, s.Region, s.LogDir, s.next())
}

// stay deploys again when it is asked to, until the context ends.
func (s *session) stay(ctx context.Context, w *watcher, in io.Reader) error {
	changed := make(<-chan time.Time)
	if s.watch {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		changed = ticker.C
	}
	enter := lines(in)
	for {
		select {
		case <-ctx.Done():
			s.say("stopping")
			return nil
		case <-s.Done():
			return fmt.Errorf("the emulator ended; its log is %s", filepath.Join(s.LogDir, "emulator.log"))
		case _, open := <-enter:
			if !open { // input has ended: only --watch deploys
				enter = nil
				continue
			}
			s.again(ctx)
		case <-changed:
			if w.changed() {
				s.follow(ctx, w)
			}
		}
	}
}

// follow deploys changed files. A file that changes meanwhile is followed next, unless the app is as it was: then it is the
// synthesis that writes files.
func (s *session) follow(ctx context.Context, w *watcher) {
	s.say("files have changed")
	w.seen = w.last
	same := false
	err := s.deploy(ctx, func(ctx context.Context) error {
		changed, err := s.DeployChanges(ctx)
		same = err == nil && !changed
		return err
	})
	switch {
	case same:
		w.seen = fingerprint(w.dir)
		s.say("the app is the same: nothing to deploy")
	default:
		s.ended(ctx, err)
	}
}

// again deploys the app as it is.
func (s *session) again(ctx context.Context) {
	s.say("deploying again")
	s.ended(ctx, s.deploy(ctx, s.Deploy))
}

func (s *session) ended(ctx context.Context, err error) {
	switch {
	case err == nil:
		s.say("deployed")
	case ctx.Err() == nil:
		s.failed(err)
	}
}
