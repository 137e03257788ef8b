// Package terminal_test has an operator type at replayctl on a terminal.
package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

// program builds the program once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "replayctl-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "replayctl")
	out, err := exec.Command("go", "build", "-o", file, "../../cmd/replayctl").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if file, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

// command is the program as a process, which calls the world's API with credentials from its environment.
func command(w *operator.World, args ...string) *exec.Cmd {
	w.T.Helper()
	file, err := program()
	if err != nil {
		w.T.Fatal(err)
	}
	cmd := exec.CommandContext(w.T.Context(), file, args...)
	cmd.Env = []string{
		"HOME=" + w.T.TempDir(), "TERM=xterm-256color", "TZ=UTC", "REPLAYCTL_API_URL=" + w.Gateway.URL,
		"AWS_REGION=" + gateway.Region, "AWS_ACCESS_KEY_ID=" + gateway.AccessKey, "AWS_SECRET_ACCESS_KEY=" + gateway.SecretKey,
	}
	return cmd
}

// terminal is a terminal of 100 columns with the program on it.
type terminal struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File

	mu   sync.Mutex
	seen bytes.Buffer
	gone chan struct{} // closed when there is nothing more to see
}

func newTerminal(t *testing.T, w *operator.World, args ...string) *terminal {
	t.Helper()
	s := &terminal{t: t, cmd: command(w, args...), gone: make(chan struct{})}
	file, err := pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 100})
	if err != nil {
		t.Fatal(err)
	}
	s.file = file
	t.Cleanup(func() { _ = file.Close() })
	go func() {
		defer close(s.gone)
		b := make([]byte, 4096)
		for {
			n, err := file.Read(b)
			s.mu.Lock()
			s.seen.Write(b[:n])
			s.mu.Unlock()
			if err != nil { // EIO: the program has ended
				return
			}
		}
	}()
	return s
}

func (s *terminal) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

// wait waits until something is on the screen.
func (s *terminal) wait(text string) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(s.screen(), text) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%q did not appear:\n%q", text, s.screen())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (s *terminal) types(text string) {
	s.t.Helper()
	if _, err := s.file.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// ended waits for the end of the program and returns its exit code.
func (s *terminal) ended() exit.Code {
	s.t.Helper()
	<-s.gone
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return s.cmd.ProcessState.ExitCode()
}

// pump has what is in the queues happen, again and again.
func pump(t *testing.T, w *operator.World) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			w.Engine.Pump()
			time.Sleep(20 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

var escape = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")

func TestATerminalShowsABar(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2", "r3")
	s := newTerminal(t, w, "replay", "r1", "r2", "r3", "--reason", "x", "--wait")
	s.wait("replaying [")
	pump(t, w)
	if code := s.ended(); code != exit.OK {
		t.Errorf("got exit code %d", code)
	}
	screen := escape.ReplaceAllString(s.screen(), "")
	for _, want := range []string{"replay 01", "PENDING: 0 items found", "] COMPLETED: 3 of 3 items, 3 succeeded", "status     COMPLETED"} {
		if !strings.Contains(screen, want) {
			t.Errorf("%q is not on the screen", want)
		}
	}
	if !strings.Contains(s.screen(), "\x1b[32mCOMPLETED\x1b[0m") {
		t.Error("there are no colors")
	}
	for line := range strings.Lines(strings.ReplaceAll(screen, "\r", "\n")) {
		if n := len([]rune(strings.TrimSpace(line))); n > 100 {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	if t.Failed() {
		t.Logf("%q", s.screen())
	}
}

func TestATerminalIsAskedForAYes(t *testing.T) {
	w := operator.New(t)
	w.Crowd(101)
	pump(t, w)
	for answer, want := range map[string]exit.Code{"n\r": exit.General, "y\r": exit.OK, "\x04": exit.General, "\x03": exit.Interrupted} {
		s := newTerminal(t, w, "replay", "--owner", "o1")
		s.wait("Why?")
		s.types("because\r")
		s.wait("Start 101 items? [y/N]")
		s.types(answer)
		if code := s.ended(); code != want {
			t.Errorf("%q: got exit code %d, want %d:\n%s", answer, code, want, s.screen())
		}
		if stays := strings.Contains(s.screen(), "nothing was started"); stays != (want != exit.OK) {
			t.Errorf("%q: got\n%s", answer, s.screen())
		}
	}
}

func TestCtrlCOnATerminalDetaches(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	s := newTerminal(t, w, "replay", "r1", "--reason", "x", "--wait")
	s.wait("PENDING")
	s.types("\x03")
	if code := s.ended(); code != exit.Interrupted {
		t.Errorf("got exit code %d, want %d", code, exit.Interrupted)
	}
	id := w.Requested().ReplayID
	for _, want := range []string{"detached", "replayctl status " + id + " --wait", "replayctl cancel " + id} {
		if !strings.Contains(s.screen(), want) {
			t.Errorf("%q is not on the screen:\n%q", want, s.screen())
		}
	}
	pump(t, w)
	w.Process.Sleep = nil
	w.Run("status "+id+" --wait").Wants(t, exit.OK, []string{"COMPLETED"}, nil)
	if r := w.Requested(); r.Status != replay.Completed || r.Counts.Succeeded != 1 {
		t.Errorf("got %+v, want it completed all the same", r.Summary)
	}
}

func TestAPipeGetsNoEscapeCodes(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2")
	pump(t, w)
	for _, args := range [][]string{
		{"replay", "r1", "r2", "gone", "--reason", "x", "--wait"}, {"list"}, {"status"}, {"replay", "r1", "--dry-run"},
	} {
		var out, errs bytes.Buffer
		cmd := command(w, args...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, errs.String())
		}
		if strings.ContainsAny(out.String()+errs.String(), "\x1b\r") || out.Len() == 0 {
			t.Errorf("%v: got %q and %q", args, out.String(), errs.String())
		}
	}
	s := newTerminal(t, w, "list", "--no-color")
	if code := s.ended(); code != exit.OK || strings.Contains(s.screen(), "\x1b") {
		t.Errorf("got %d, %q, want no colors", code, s.screen())
	}
}

// A reader that has seen enough, such as head, ends the program, and not with a complaint.
func TestAClosedPipeEndsAList(t *testing.T) {
	w := operator.New(t)
	w.Process.In = strings.NewReader(operator.Lines(1_000))
	w.Run("replay -f - --reason x --wait").Wants(t, exit.OK, nil, nil)
	var errs bytes.Buffer
	cmd := command(w, "items", w.Requested().ReplayID, "-o", "jsonl")
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || errs.Len() > 0 {
		t.Errorf("got %v, %q, want an end by the signal", err, errs.String())
	}
}
