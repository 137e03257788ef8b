package golambda

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/constructs/golambda/internal/binaries"
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

const name = "example.com/app" // of the module

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestBuildCompilesForTheArchitecture(t *testing.T) {
	for goarch, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64} {
		t.Run(goarch, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), Bootstrap)
			if err := build(name, newModule(t, hello), "./fn", goarch, out); err != nil {
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
		if err := build(name, newModule(t, hello), "./fn", "arm64", out); err != nil {
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
		if err := os.Chmod(d, 0o500); err != nil { // a directory needs its x bit
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(d, 0o700) }) // lets TempDir be removed
	}
	if err := build(name, dir, "./fn", "arm64", filepath.Join(t.TempDir(), Bootstrap)); err != nil {
		t.Error(err)
	}
}

func TestBuildReturnsTheCompilersMessage(t *testing.T) {
	dir := newModule(t, "package main\n\nfunc main() { undefinedThing() }\n")
	err := build(name, dir, "./fn", "arm64", filepath.Join(t.TempDir(), Bootstrap))
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

// keepHere keeps binaries in a directory of the test.
func keepHere(t *testing.T) {
	t.Helper()
	gocache, gopath := goEnv(t, "GOCACHE"), goEnv(t, "GOPATH")
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache) // of other systems' caches
	t.Setenv("GOCACHE", gocache)
	t.Setenv("GOPATH", gopath)
}

var goEnvs = map[string]string{}

func goEnv(t *testing.T, key string) string {
	t.Helper()
	if goEnvs[key] == "" {
		out, err := run("", nil, "env", key)
		if err != nil {
			t.Fatal(err)
		}
		goEnvs[key] = strings.TrimSpace(out)
	}
	return goEnvs[key]
}

func built(t *testing.T, dir string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), Bootstrap)
	if err := build(name, dir, "./fn", "arm64", out); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBuildLinksOnlyWhatHasChanged(t *testing.T) {
	keepHere(t)
	dir := newModule(t, hello)
	first := built(t, dir)
	kept := binaries.Kept(name, "./fn", "arm64")
	// The go command reads only the build id of the kept binary. Another change of it shows whether the binary was
	// used.
	if err := os.WriteFile(kept, bytes.ReplaceAll(first, []byte("hello"), []byte("HELLO")), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := built(t, dir); !bytes.Contains(again, []byte("HELLO")) {
		t.Error("equal source was linked again")
	}
	other := "package main\n\nfunc main() { println(\"changed\") }\n"
	if err := os.WriteFile(filepath.Join(dir, "fn", "main.go"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := built(t, dir); bytes.Equal(got, first) || !bytes.Contains(got, []byte("changed")) {
		t.Error("a kept binary was taken for that of changed source")
	}
}

func TestBuildDoesNotTrustWhatItKept(t *testing.T) {
	for what, broken := range map[string]func(program []byte) []byte{
		"no program":           func([]byte) []byte { return []byte("garbage") },
		"start of a program":   func(b []byte) []byte { return b[:7] },
		"quarter of a program": func(b []byte) []byte { return b[:len(b)/4] },
		"all but its end":      func(b []byte) []byte { return b[:len(b)-1] },
		"empty":                func([]byte) []byte { return nil },
	} {
		t.Run(what, func(t *testing.T) {
			keepHere(t)
			dir := newModule(t, hello)
			want := built(t, dir)
			if err := os.WriteFile(binaries.Kept(name, "./fn", "arm64"), broken(want), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := built(t, dir); !bytes.Equal(got, want) {
				t.Error("the binary is another one")
			}
			if kept, err := os.ReadFile(binaries.Kept(name, "./fn", "arm64")); err != nil || !bytes.Equal(kept, want) {
				t.Errorf("what was kept is still broken, %v", err)
			}
		})
	}
}

func TestBuildWorksWithoutACacheDirectory(t *testing.T) {
	gocache, gopath := goEnv(t, "GOCACHE"), goEnv(t, "GOPATH")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	t.Setenv("GOCACHE", gocache)
	t.Setenv("GOPATH", gopath)
	if kept := binaries.Kept(name, "./fn", "arm64"); kept != "" {
		t.Fatalf("without HOME and XDG_CACHE_HOME a binary is kept in %s, want nowhere", kept)
	}
	if len(built(t, newModule(t, hello))) == 0 {
		t.Error("nothing was built")
	}
}

func TestTheCacheOfBinariesCanBeSwitchedOff(t *testing.T) {
	kept := binaries.Kept("example.com/off", "./fn", "arm64")
	t.Setenv(binaries.Switch, "off")
	if err := build("example.com/off", newModule(t, hello), "./fn", "arm64", filepath.Join(t.TempDir(), Bootstrap)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); !os.IsNotExist(err) {
		t.Errorf("got %v for %s, want no such file", err, kept)
	}
}
