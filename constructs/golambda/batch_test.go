package golambda

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/constructs/golambda/internal/binaries"
)

// says is a program that prints a string.
func says(text string) string { return "package main\n\nfunc main() { println(\"" + text + "\") }\n" }

// newFunctions writes a module with a function in each directory, and asks for them.
func newFunctions(t *testing.T, sources map[string]string) (s *batches, fn func(dir string) bundler) {
	t.Helper()
	keepHere(t)
	root := newModule(t, hello)
	for dir, source := range sources {
		write(t, filepath.Join(root, dir), source)
	}
	s = &batches{ready: map[bundler]*os.File{}, done: map[bundler]bool{}}
	fn = func(dir string) bundler { return bundler{module: name, root: root, pkg: "./" + dir, goarch: "arm64"} }
	for dir := range sources {
		s.ask(fn(dir))
	}
	return s, fn
}

func write(t *testing.T, dir, source string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
}

// bundle returns what CDK would get.
func bundle(t *testing.T, s *batches, b bundler) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), Bootstrap)
	if err := s.write(b, out); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("%v, %v: not executable", info, err)
	}
	binary, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// goCalls counts calls of the go command from now on.
func goCalls(t *testing.T) func() int {
	t.Helper()
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	script := "#!/bin/sh\necho \"$1\" >> " + calls + "\nPATH=" + os.Getenv("PATH") + " exec go \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() int {
		text, err := os.ReadFile(calls)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.Count(string(text), "build")
	}
}

func TestFunctionsOfAModuleAreCompiledTogether(t *testing.T) {
	s, fn := newFunctions(t, map[string]string{"a": says("this is a"), "b": says("this is b"), "c/d": says("this is d")})
	other := fn("a")
	other.goarch = "amd64"
	s.ask(other)
	calls := goCalls(t)
	for dir, text := range map[string]string{"b": "this is b", "a": "this is a", "c/d": "this is d"} {
		if got := bundle(t, s, fn(dir)); !bytes.Contains(got, []byte(text)) {
			t.Errorf("%s is another function", dir)
		}
	}
	if n := calls(); n != 1 {
		t.Errorf("the compiler was called %d times, want once", n)
	}
	alone := filepath.Join(t.TempDir(), Bootstrap)
	if err := build(name, fn("b").root, "./b", "arm64", alone); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(alone)
	if err != nil {
		t.Fatal(err)
	}
	again := batches{ready: map[bundler]*os.File{}, done: map[bundler]bool{}}
	again.ask(fn("a"))
	again.ask(fn("b"))
	if got := bundle(t, &again, fn("b")); !bytes.Equal(got, want) {
		t.Error("compiled together, a function has other bytes than alone")
	}
}

func TestFunctionsOfTheSameNameAreCompiledApart(t *testing.T) {
	dirs := []string{"a/handler", "b/handler", "v2", "b/v3", "handler"}
	sources := map[string]string{}
	for _, dir := range dirs {
		sources[dir] = says("old " + dir)
	}
	s, fn := newFunctions(t, sources)
	for _, state := range []string{"old ", "new "} { // the binaries of the old ones are kept when the new ones compile
		for _, dir := range dirs {
			write(t, filepath.Join(fn(dir).root, dir), says(state+dir))
			s.ask(fn(dir))
		}
		for _, dir := range dirs {
			if got := bundle(t, s, fn(dir)); !bytes.Contains(got, []byte(state+dir)) {
				t.Errorf("%s%s is another function", state, dir)
			}
		}
		s = &batches{ready: map[bundler]*os.File{}, done: map[bundler]bool{}}
	}
}

func TestAFunctionInTheRootOfItsModuleIsCompiledApart(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	s, fn := newFunctions(t, map[string]string{"a": says("this is a"), "b": says("this is b"), ".": says("this is the root")})
	for dir, text := range map[string]string{"a": "this is a", ".": "this is the root", "b": "this is b"} {
		if got := bundle(t, s, fn(dir)); !bytes.Contains(got, []byte(text)) {
			t.Errorf("%s is another function", dir)
		}
	}
	if _, err := os.Stat(temp); err != nil {
		t.Errorf("the directory for temporary files: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(temp, "golambda-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("%v, %v: left behind", left, err)
	}
}

func TestAFunctionThatDoesNotCompileHarmsNoOther(t *testing.T) {
	s, fn := newFunctions(t, map[string]string{"bad": "package main\n\nfunc main() { undefinedThing() }\n", "good": says("good"), "fine": says("fine")})
	for _, dir := range []string{"good", "fine"} {
		if got := bundle(t, s, fn(dir)); !bytes.Contains(got, []byte(dir)) {
			t.Errorf("%s is another function", dir)
		}
	}
	err := s.write(fn("bad"), filepath.Join(t.TempDir(), Bootstrap))
	if err == nil || !strings.Contains(err.Error(), "undefinedThing") || !strings.Contains(err.Error(), "./bad") {
		t.Errorf("got %v, want the compiler's message", err)
	}
}

func TestAFunctionThatIsAskedForAgainIsCompiledAnew(t *testing.T) {
	s, fn := newFunctions(t, map[string]string{"a": says("a"), "b": says("before")})
	bundle(t, s, fn("a")) // and b
	write(t, filepath.Join(fn("b").root, "b"), says("after"))
	s.ask(fn("b"))
	if got := bundle(t, s, fn("b")); !bytes.Contains(got, []byte("after")) {
		t.Error("the binary of changed source is the one from before")
	}
}

func TestABatchLinksOnlyWhatHasChanged(t *testing.T) {
	s, fn := newFunctions(t, map[string]string{"a": says("hello a"), "b": says("hello b")})
	first := bundle(t, s, fn("a"))
	bundle(t, s, fn("b"))
	if err := os.WriteFile(binaries.Kept(name, "./a", "arm64"), bytes.ReplaceAll(first, []byte("hello a"), []byte("HELLO A")), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(fn("b").root, "b"), says("other b"))
	again := &batches{ready: map[bundler]*os.File{}, done: map[bundler]bool{}}
	again.ask(fn("a"))
	again.ask(fn("b"))
	if got := bundle(t, again, fn("a")); !bytes.Contains(got, []byte("HELLO A")) {
		t.Error("equal source was linked again")
	}
	if got := bundle(t, again, fn("b")); !bytes.Contains(got, []byte("other b")) {
		t.Error("a kept binary was taken for that of changed source")
	}
	if err := os.WriteFile(binaries.Kept(name, "./a", "arm64"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	last := &batches{ready: map[bundler]*os.File{}, done: map[bundler]bool{}}
	last.ask(fn("a"))
	last.ask(fn("b"))
	for dir, text := range map[string]string{"a": "hello a", "b": "other b"} {
		if got := bundle(t, last, fn(dir)); !bytes.Contains(got, []byte(text)) {
			t.Errorf("%s: a kept file that is not a program was used", dir)
		}
	}
}
