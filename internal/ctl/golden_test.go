package ctl_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

var update = flag.Bool("update", false, "rewrite the golden files, docs/replayctl.md included")

// golden compares a text with a file, or rewrites the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: write it with go test ./internal/ctl -update", err)
	}
	if got == string(want) {
		return
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Errorf("%s differs in line %d: got %q: review it with go test ./internal/ctl -update && git diff", file, i+1, line)
			return
		}
	}
	t.Errorf("%s is longer: review it with go test ./internal/ctl -update && git diff", file)
}

func TestTheReferenceIsUpToDate(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "replayctl.md"), ctl.Reference())
}

func TestHelp(t *testing.T) {
	w := operator.New(t)
	for _, line := range []string{"--help", "replay --help", "status --help", "history --help", "show --help", "diff --help", "failures --help", "failures replay --help", "doctor --help", "console --help", "list --help", "items --help", "cancel --help", "report --help", "resources --help", "executions --help", "tail --help", "redrive --help", "republish --help", "correct --help", "ingest --help", "dev --help"} {
		got := w.Run(line)
		got.Wants(t, exit.OK, []string{"Usage:", "Flags:"}, nil)
		if got.Err != "" {
			t.Errorf("%s: standard error has %q", line, got.Err)
		}
		name := strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(line, "--help", "")), " ", "-")
		if name == "" {
			name = "replayctl"
		}
		golden(t, filepath.Join("testdata", "help", name+".golden.txt"), got.Out)
	}
	if got := w.Run(""); got.Code != exit.OK || !strings.Contains(got.Out, "Follow replays:") {
		t.Errorf("without a command: got %d, %s", got.Code, got.Out)
	}
	if got := w.Run("--version"); got.Code != exit.OK || got.Out != "replayctl "+factory.Version()+"\n" {
		t.Errorf("got %d, %q", got.Code, got.Out)
	}
}

// Whoever reads a help text at night wants an example to change.
func TestEveryCommandHasAnExample(t *testing.T) {
	for _, section := range strings.Split(ctl.Reference(), "\n## replayctl ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		if !strings.HasPrefix(name, "completion") && !strings.Contains(text, "```sh\nreplayctl ") {
			t.Errorf("replayctl %s has no example", name)
		}
	}
}
