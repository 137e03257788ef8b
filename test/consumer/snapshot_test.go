package consumer_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// blocks returns the Go files in a document: code blocks that begin with their name.
func blocks(t *testing.T, doc string) map[string]string {
	t.Helper()
	files := map[string]string{}
	_, rest, found := strings.Cut(read(t, root, "docs", doc), "\n```go\n// ")
	for found {
		var file string
		file, rest, _ = strings.Cut(rest, "\n```\n")
		name, body, _ := strings.Cut(file, "\n")
		files[name] = body + "\n"
		_, rest, found = strings.Cut(rest, "\n```go\n// ")
	}
	return files
}

// TestTheSnapshotTestInTheDocumentation is what docs/testing.md has users do.
func TestTheSnapshotTestInTheDocumentation(t *testing.T) {
	files := blocks(t, "testing.md")
	if files["orders.go"] == "" || files["orders_test.go"] == "" {
		t.Fatalf("docs/testing.md has only %d files", len(files))
	}
	a := newApp(t, files["orders.go"])
	write(t, a.dir, files)
	write(t, a.dir, map[string]string{"main.go": "package main\n"}) // orders.go has it all
	a.mustGo(t, "mod", "tidy")
	if out, err := a.run(a.dir, "go", "test", "."); err == nil || !strings.Contains(out, "go test -update") {
		t.Fatalf("without a snapshot: got %v, want a word on how to write it\n%s", err, out)
	}
	a.mustGo(t, "test", ".", "-update")
	snapshot := read(t, a.dir, "testdata", "orders.golden.json")
	a.mustGo(t, "test", "-count=1", ".")
	if n := strings.Count(snapshot, `"S3Key": "<asset>.zip"`); n != functions {
		t.Errorf("the snapshot has %d functions without the hash of their code, want %d", n, functions)
	}
	if strings.Contains(snapshot, filepath.ToSlash(published.dir)) {
		t.Error("the snapshot has a path of this machine in it")
	}

	changed := strings.Replace(files["orders.go"], "jsii.Number(3)", "jsii.Number(4)", 1)
	write(t, a.dir, map[string]string{"orders.go": changed})
	out, err := a.run(a.dir, "go", "test", ".")
	for _, want := range []string{"orders.golden.json differs", "0 functions have MAX_ATTEMPTS 3"} {
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("after a change: got %v, want %q in\n%s", err, want, out)
		}
	}
}
