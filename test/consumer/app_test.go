package consumer_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// app is a module of a user that requires this one.
type app struct {
	dir string
	env []string
}

// newApp makes the module from a program, as its author would: go get, go mod tidy.
func newApp(t *testing.T, program string) app {
	t.Helper()
	a := emptyApp(t, program)
	a.mustGo(t, "get", golambda.ThisModule()+"@"+version)
	a.mustGo(t, "mod", "tidy")
	return a
}

// emptyApp is a module with a program that requires nothing yet.
func emptyApp(t *testing.T, program string) app {
	t.Helper()
	a := app{dir: filepath.Join(tempDir(t), "app"), env: environ(t, published.cache)}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum")) // or the checksum database would be asked for each
	if err != nil {
		t.Fatal(err)
	}
	write(t, a.dir, map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26.0\n", "go.sum": string(sums), "main.go": program})
	return a
}

// environ is the environment of an app: nothing of this module, and the given module cache.
func environ(t *testing.T, cache string) []string {
	t.Helper()
	tools, err := toolchain.Find(root)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := goEnv("GOPROXY")
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(),
		"PATH="+tools.NodeBin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"GOMODCACHE="+cache, "GOPROXY=file://"+published.proxy+","+proxy,
		"GONOSUMDB="+golambda.ThisModule(), "GOWORK=",
		// So that packages are compiled once, wherever their module cache is, and linked without what only debuggers read.
		"GOFLAGS=-trimpath -ldflags=-w",
		"CDK_DISABLE_VERSION_CHECK=true", "CDK_DISABLE_CLI_TELEMETRY=true")
}

func (a app) with(env ...string) app {
	return app{dir: a.dir, env: append(a.env[:len(a.env):len(a.env)], env...)}
}

func (a app) run(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, a.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (a app) mustGo(t *testing.T, args ...string) {
	t.Helper()
	if out, err := a.run(a.dir, "go", args...); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// synth runs a command that synthesizes, in a directory, and returns the checksums of the functions' programs.
func (a app) synth(t *testing.T, dir string, command ...string) map[[sha256.Size]byte]bool {
	t.Helper()
	assembly := tempDir(t)
	if out, err := a.with("CDK_OUTDIR="+assembly).run(dir, command[0], command[1:]...); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return programs(t, assembly)
}

// programs returns the checksums of the functions' programs in a cloud assembly.
func programs(t *testing.T, assembly string) map[[sha256.Size]byte]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(assembly, "asset.*", golambda.Bootstrap))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[[sha256.Size]byte]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sums[sha256.Sum256(b)] = true
	}
	return sums
}

// same fails unless an app has the programs that it has when it is built in the plainest way.
func same(t *testing.T, got map[[sha256.Size]byte]bool) {
	t.Helper()
	want := plain(t).programs
	if len(want) != functions {
		t.Fatalf("the plain app has %d different programs, want %d", len(want), functions)
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %d programs, which are not the %d of the plain app", len(got), len(want))
	}
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tempDir is a directory that is removed after all tests, read-only files in it included.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(published.dir, "") //nolint:usetesting // t.TempDir cannot remove what is read-only
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// programOf returns the Go program in README.
func programOf(t *testing.T) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, root, "README.md"), "\n```go\npackage main\n")
	program, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("README.md has no Go program")
	}
	return fmt.Sprint("package main\n", program)
}
