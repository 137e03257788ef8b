package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/proc"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// build compiles the command once for a test.
func build(t *testing.T) (program, root string) {
	t.Helper()
	root, err := toolchain.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := toolchain.Find(root); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(t.TempDir(), "dev")
	if out, err := exec.Command("go", "build", "-o", program, "../cmd/dev").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program, root
}

// An interrupt at any moment leaves no process behind: while the emulator starts, while the app compiles, while the CLI
// deploys.
func TestInterruptLeavesNoProcess(t *testing.T) {
	program, root := build(t)
	for _, after := range []time.Duration{0, 1500 * time.Millisecond, 6 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			cmd := exec.Command(program, "demo")
			cmd.Dir = root
			said := filepath.Join(t.TempDir(), "out")
			out, err := os.Create(said)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = out.Close() }()
			cmd.Stdout, cmd.Stderr = out, out
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // its descendants are those of its session
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the first line", func() bool { return strings.Contains(text(said), "deploying") })
			time.Sleep(after)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // the exit code says how it went
			if code := cmd.ProcessState.ExitCode(); code != command.ExitInterrupted {
				t.Errorf("got exit code %d, want %d:\n%s", code, command.ExitInterrupted, text(said))
			}
			if left := session(t, cmd.Process.Pid); len(left) > 0 {
				t.Errorf("these are left: %v", left)
			}
		})
	}
}

func TestInterruptedLocalLeavesNoBackgroundProcess(t *testing.T) {
	program, root := build(t)
	p := paths{root: root, name: "test-interrupted"}
	cmd := exec.Command(program, "local", "--name", p.name)
	cmd.Dir = root
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	eventually(t, "the background process", func() bool {
		var err error
		pid, err = owner(p)
		return err == nil
	})
	time.Sleep(time.Second)
	if err := cmd.Process.Kill(); err != nil { // not even asked: the background process must notice
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "its end", func() bool { return len(session(t, pid)) == 0 })
	cleanUp(t, p)
}

func TestLocalRunsUntilItIsStopped(t *testing.T) {
	program, root := build(t)
	p := paths{root: root, name: "test-local"}
	dev := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(program, append(args, "--name", p.name)...)
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
		return string(out)
	}
	t.Cleanup(func() { dev("local-stop"); cleanUp(t, p) })

	if out := dev("local"); !strings.Contains(out, "export AWS_ENDPOINT_URL=http://127.0.0.1:") {
		t.Errorf("got %q, want how to use it", out)
	}
	first := read(t, p)
	checkState(t, first)
	if out := dev("local"); !strings.Contains(out, "running already") || read(t, p).PID != first.PID {
		t.Errorf("got %q, want the same stack", out)
	}
	if out := dev("local-stop"); out != "the local stack is stopped\n" {
		t.Errorf("got %q", out)
	}
	if left := session(t, first.PID); len(left) > 0 {
		t.Errorf("these are left: %v", left)
	}
	if _, err := os.Stat(p.state()); !os.IsNotExist(err) {
		t.Errorf("got %v, want %s gone", err, p.state())
	}
}

func text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func checkState(t *testing.T, s state) {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		if value == "" || value == nil {
			t.Errorf("%s is empty", name)
		}
	}
	resp, err := http.Get(s.APIURL + "/replays/none")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned call got %d, want %d", resp.StatusCode, http.StatusForbidden)
	}
}

func read(t *testing.T, p paths) state {
	t.Helper()
	s, err := readState(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func cleanUp(t *testing.T, p paths) {
	t.Helper()
	if err := os.Remove(p.lock()); err != nil {
		t.Error(err)
	}
}

func session(t *testing.T, leader int) []string {
	t.Helper()
	members, err := proc.Session(leader)
	if err != nil {
		t.Fatal(err)
	}
	return members
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come in 20 s", what)
		}
	}
}
