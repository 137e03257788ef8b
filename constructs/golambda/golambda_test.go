package golambda

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModuleDirFindsThisModule(t *testing.T) {
	if got, want := ThisModule(), "github.com/ce873799/replayable-ingestion"; got != want {
		t.Fatalf("got module %s, want %s", got, want)
	}
	dir, err := moduleDir(ThisModule())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "constructs", "golambda", "build.go")); err != nil {
		t.Errorf("%s is not this module's directory: %v", dir, err)
	}
}

func TestModuleDirNamesTheModuleItCannotFind(t *testing.T) {
	_, err := moduleDir("example.com/not/required")
	if err == nil || !strings.Contains(err.Error(), "example.com/not/required") || !strings.Contains(err.Error(), "prop Code") {
		t.Errorf("got %v, want an error that names the module and the remedy", err)
	}
}

// newModule writes a Go module whose only package is main in directory fn.
func newModule(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module example.com/app\n\ngo 1.26\n", "fn/main.go": source} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestBuildCompilesForTheArchitecture(t *testing.T) {
	for goarch, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64} {
		t.Run(goarch, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), Bootstrap)
			if err := build(newModule(t, hello), "./fn", goarch, out); err != nil {
				t.Fatal(err)
			}
			f, err := elf.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			if f.Machine != machine {
				t.Errorf("got %v, want %v", f.Machine, machine)
			}
		})
	}
}

func TestBuildIsTheSameFromAnyDirectory(t *testing.T) {
	var built [2][]byte
	for i := range built {
		out := filepath.Join(t.TempDir(), Bootstrap)
		if err := build(newModule(t, hello), "./fn", "arm64", out); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		built[i] = b
	}
	if !bytes.Equal(built[0], built[1]) {
		t.Error("equal source gave different bytes")
	}
}

func TestBuildWorksInAReadOnlyModule(t *testing.T) {
	dir := newModule(t, hello) // the module cache is read-only
	for _, d := range []string{filepath.Join(dir, "fn"), dir} {
		if err := os.Chmod(d, 0o500); err != nil { //nolint:gosec // a directory needs its x bit
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(d, 0o700) }) //nolint:gosec // so that TempDir can be removed
	}
	if err := build(dir, "./fn", "arm64", filepath.Join(t.TempDir(), Bootstrap)); err != nil {
		t.Error(err)
	}
}

func TestBuildReturnsTheCompilersMessage(t *testing.T) {
	dir := newModule(t, "package main\n\nfunc main() { undefinedThing() }\n")
	err := build(dir, "./fn", "arm64", filepath.Join(t.TempDir(), Bootstrap))
	if err == nil || !strings.Contains(err.Error(), "undefined: undefinedThing") || !strings.Contains(err.Error(), "./fn") {
		t.Errorf("got %v, want the compiler's message and the package", err)
	}
}

func TestGoarch(t *testing.T) {
	for lambda, want := range map[string]string{"arm64": "arm64", "x86_64": "amd64"} {
		if got := goarch(lambda); got != want {
			t.Errorf("%s: got %s, want %s", lambda, got, want)
		}
	}
}
