package ctl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// A value after a space is one, also of a flag that may be without.
func TestTheFileOfLocalMayStandAfterASpace(t *testing.T) {
	w := operator.New(t)
	w.Process.Env = operator.Environment(nil)
	dir := t.TempDir()
	t.Chdir(dir)
	file := filepath.Join(dir, "my stack")
	b, err := json.Marshal(map[string]any{
		"endpointUrl": "http://127.0.0.1:1", "region": "us-east-1", "ingestions": []config.Manifest{w.In("dev", "Listings")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, filepath.Join(dir, "local.json")} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The gateway of the test refuses the credentials of a local stack, and names it thereby.
	for _, words := range [][]string{
		{"list", "--local", file}, {"--local", file, "list"}, {"list", "--local", "local.json", "--limit", "1"}, {"history", "--local", "local.json", "r1"},
		{"history", "r1", "--local=local.json"},
	} {
		w.RunWords(words...).Wants(t, exit.Refused, nil, []string{"does not know these credentials"})
	}
	w.RunWords("list", "--local", "gone.json").Wants(t, exit.Usage, nil, []string{"gone.json"})
	w.RunWords("history", "--local", "r1").Wants(t, exit.Usage, nil, []string{"build/local.json", "in a checkout, `make local` does"})
	w.RunWords("list", "--no-color", "true").Wants(t, exit.Usage, nil, []string{"--no-color takes a value after = only", "write --no-color=true"})
	w.RunWords("list", "--", "--local", "x.json").Wants(t, exit.Usage, nil, []string{`unexpected argument "--local"`})
}
