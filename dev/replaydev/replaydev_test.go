package replaydev

import (
	"bytes"
	"errors"
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
		{"an unknown flag", "--nope", command.ExitUsage, "", "unknown flag: --nope: see replaydev --help"},
		{"a stack without its flag", "Orders", command.ExitUsage, "", "name a stack with --stack"},
		{"a context without a value", "--context stage", command.ExitUsage, "", `--context must be KEY=VALUE, got "stage"`},
		{"a flag with a letter missing", "--wach", command.ExitUsage, "", "did you mean --watch?"},
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

// What is wrong with an app's directory is said before the emulator starts, or a tool is installed.
func TestABrokenAppIsRefused(t *testing.T) {
	for _, tt := range []struct{ name, cdk, args, want string }{
		{"cdk.json is not JSON", `{"app": "go run ."`, "", "cdk.json is not valid: unexpected end of JSON input"},
		{"cdk.json has no app", `{"context": {}}`, "", "cdk.json has no app: set it to the command that synthesizes"},
		{"app is not text", `{"app": 7}`, "", "cdk.json is not valid"},
		{"there is no module", `{"app": "go run ."}`, "", "there is no go.mod in "},
		{"no go.mod for --app", `{}`, "--app 'go run ./infra'", "there is no go.mod in "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			t.Setenv("PATH", t.TempDir())
			t.Chdir(dir)
			if err := os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(tt.cdk), 0o600); err != nil {
				t.Fatal(err)
			}
			var args []string
			if flag, value, ok := strings.Cut(tt.args, " "); ok {
				args = []string{flag, strings.Trim(value, "'")}
			}
			var out, diag bytes.Buffer
			code := Main(t.Context(), args, strings.NewReader(""), &out, &diag)
			if code != command.ExitUsage || out.Len() > 0 || !strings.Contains(diag.String(), tt.want) {
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
	code := Main(t.Context(), []string{"--app", "python3 app.py"}, strings.NewReader(""), &out, &diag)
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
	for _, name := range []string{"cdk.out/manifest.json", "node_modules/x/index.js", ".git/HEAD", "functions/__pycache__/score.pyc", "functions/.score.py.swp", "main.go~"} {
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

// Several files that change together are one change, and what was seen is not.
func TestAChangeCountsOnceFilesAreCalm(t *testing.T) {
	dir := t.TempDir()
	w := newWatcher(dir)
	file := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range []struct {
		write string
		want  bool
	}{{"", false}, {"one.go", false}, {"two.go", false}, {"", true}, {"", true}} {
		if step.write != "" {
			file(step.write)
		}
		if got := w.changed(); got != step.want {
			t.Errorf("step %d: got %v, want %v", i, got, step.want)
		}
	}
	w.seen = w.last
	if w.changed() {
		t.Error("what was seen is a change")
	}
}

// Two runs that write the same file would hide one from replayctl.
func TestARunIsAloneWithItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "apps", "x.json")
	release, err := onlyOne(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := onlyOne(file); !errors.Is(err, command.ErrUsage) || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want the file and that replaydev runs already", err)
	}
	release()
	if release, err = onlyOne(file); err != nil {
		t.Fatal(err)
	}
	release()
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
	justKilled := make("just-killed", time.Now())
	lock, err := toolchain.TryLock(filepath.Join(running, lockFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := os.Chtimes(running, old, old); err != nil {
		t.Fatal(err)
	}
	dir, release, err := place(t.Context(), runs)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{killed: false, running: true, justKilled: false, dir: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: got %v, want it there: %v", filepath.Base(path), err, want)
		}
	}
	release()
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("got %v, want the directory gone", err)
	}
}
