package replaydev

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/command"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

func TestUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		name, args string
		code       int
		out, diag  string
	}{
		{"help", "--help", command.ExitOK, "replaydev --stack Orders", ""},
		{"version", "--version", command.ExitOK, "replaydev ", ""},
		{"an unknown flag", "--nope", command.ExitUsage, "", "unknown flag: --nope"},
		{"a stack without its flag", "Orders", command.ExitUsage, "", "name a stack with --stack"},
		{"a context without a value", "--context stage", command.ExitUsage, "", `--context must be KEY=VALUE, got "stage"`},
		{"no app", "", command.ExitUsage, "", "has no cdk.json: change to the directory of your CDK app, or give its command with --app"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, diag bytes.Buffer
			code := Main(t.Context(), strings.Fields(tt.args), strings.NewReader(""), &out, &diag)
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(diag.String(), tt.diag) {
				t.Errorf("got code %d, out %q, diagnosis %q", code, out.String(), diag.String())
			}
		})
	}
}

func TestWhatIsMissingIsSaidBeforeAnythingStarts(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir())
	var out, diag bytes.Buffer
	code := Main(t.Context(), []string{"--app", "go run ."}, strings.NewReader(""), &out, &diag)
	if code != command.ExitFailure || out.Len() > 0 || !strings.Contains(diag.String(), "Node.js 18.0 or newer is needed") {
		t.Errorf("got code %d, out %q, diagnosis %q", code, out.String(), diag.String())
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v in the cache, want nothing", left, err)
	}
}

func TestChangesOfSourceAreSeen(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file("functions/score.py", "a")
	before := fingerprint(dir)
	for _, name := range []string{"cdk.out/manifest.json", "node_modules/x/index.js", ".git/HEAD", "functions/__pycache__/score.pyc"} {
		file(name, "b")
		if fingerprint(dir) != before {
			t.Errorf("%s counts as source", name)
		}
	}
	for _, name := range []string{"functions/score.py", "functions/new.py"} {
		file(name, "bb")
		if fingerprint(dir) == before {
			t.Errorf("a change of %s is not seen", name)
		}
		before = fingerprint(dir)
	}
}

// A run that was killed leaves its directory, and one that goes on keeps its own.
func TestWhatIsOldOrWasKilledIsRemoved(t *testing.T) {
	runs := t.TempDir()
	old := time.Now().Add(-time.Hour)
	make := func(name string, at time.Time) string {
		t.Helper()
		dir := filepath.Join(runs, name)
		if err := os.Mkdir(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir, at, at); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	if err := removeOld(filepath.Join(runs, "none"), old); err != nil {
		t.Errorf("got %v, want nothing to remove", err)
	}
	forgotten, kept := make("forgotten", old), make("kept", time.Now())
	if err := removeOld(runs, old.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(forgotten); !os.IsNotExist(err) {
		t.Errorf("got %v, want it gone", err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	killed, running := make("killed", old), make("running", old)
	beginning := make("beginning", time.Now())
	lock, err := toolchain.TryLock(filepath.Join(running, lockFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := os.Chtimes(running, old, old); err != nil {
		t.Fatal(err)
	}
	dir, release, err := place(runs)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{killed: false, running: true, beginning: true, dir: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: got %v, want it there: %v", filepath.Base(path), err, want)
		}
	}
	release()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("got %v, want the directory gone", err)
	}
}
