package toolchain

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sample is a part whose installation writes a file and counts its runs.
func sample(t *testing.T, script string) (root string, p part) {
	t.Helper()
	root = t.TempDir()
	write(t, filepath.Join(root, "lock"), "v1")
	if err := os.Mkdir(filepath.Join(root, "out"), 0o750); err != nil {
		t.Fatal(err)
	}
	return root, part{
		name:  "sample",
		files: []string{filepath.Join(root, "out", "tool")},
		locks: []string{"lock"},
		stamp: filepath.Join(root, "out", ".stamp"),
		steps: []step{{argv: []string{"sh", "-c", script}}},
	}
}

const installs = "echo x >> runs; touch out/tool"

func TestInstallRunsOnlyWhenNeeded(t *testing.T) {
	root, p := sample(t, installs)
	runs := func() int { return strings.Count(read(t, filepath.Join(root, "runs")), "x") }
	install := func(want int, why string) {
		t.Helper()
		if err := p.install(t.Context(), root, t.Output()); err != nil {
			t.Fatal(err)
		}
		if got := runs(); got != want {
			t.Errorf("%s: got %d runs, want %d", why, got, want)
		}
	}
	install(1, "first")
	install(1, "nothing changed")
	write(t, filepath.Join(root, "lock"), "v2")
	install(2, "another version")
	if err := os.Remove(p.files[0]); err != nil {
		t.Fatal(err)
	}
	install(3, "the tool was deleted")
}

func TestParallelInstallsRunOnce(t *testing.T) {
	root, p := sample(t, "sleep 0.3; "+installs)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := p.install(t.Context(), root, t.Output()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := read(t, filepath.Join(root, "runs")); got != "x\n" {
		t.Errorf("got runs %q, want one", got)
	}
}

func TestFailedInstallIsNotTakenForAnInstallation(t *testing.T) {
	root, p := sample(t, "touch out/tool; exit 1")
	if err := p.install(t.Context(), root, t.Output()); err == nil {
		t.Error("got no error, want one")
	}
	if p.current() {
		t.Error("the part counts as installed")
	}
}

func TestInstallStopsWhileWaitingForTheLock(t *testing.T) {
	root, p := sample(t, installs)
	held, err := TryLock(filepath.Join(root, "build", "tools.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.install(ctx, root, t.Output()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestFindNamesTheCommandWhenToolsAreMissing(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module x")
	write(t, filepath.Join(root, "package-lock.json"), "{}")
	_, err := Find(root)
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("got %v, want ErrMissing with the command", err)
	}
}

func TestLockFilesNameNoHost(t *testing.T) {
	root, err := Root(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"package-lock.json", "requirements.txt", "dev/toolchain/emulator.txt", "dev/toolchain/cdk/package-lock.json"} {
		if strings.Contains(read(t, filepath.Join(root, name)), "://") {
			t.Errorf("%s holds a URL: a registry of one machine would be everybody's", name)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
