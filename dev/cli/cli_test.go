package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/command"
)

func TestExitCodes(t *testing.T) {
	tests := []struct {
		name, args string
		code       int
		out, diag  string
	}{
		{"no command", "", command.ExitUsage, "", "--help"},
		{"an unknown flag", "local --nope", command.ExitUsage, "", "see dev local --help"},
		{"a name that leaves the directory", "local --name ../x", command.ExitUsage, "", "cannot be the name"},
		{"help", "--help", command.ExitOK, "local-stop", ""},
		{"nothing to stop", "local-stop --name none", command.ExitOK, "no local stack is running\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, diag bytes.Buffer
			code := Main(t.Context(), strings.Fields(tt.args), &out, &diag)
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(diag.String(), tt.diag) {
				t.Errorf("got code %d, out %q, diagnosis %q", code, out.String(), diag.String())
			}
		})
	}
}

func TestStopClearsWhatAKilledOwnerLeft(t *testing.T) {
	p := paths{root: t.TempDir(), name: "gone"}
	if err := os.MkdirAll(filepath.Dir(p.state()), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{p.state(), p.lock()} {
		if err := os.WriteFile(f, []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stopped, err := stopLocal(t.Context(), p)
	if stopped || err != nil {
		t.Errorf("got stopped %t, %v, want nothing to stop: process 1 is not ours", stopped, err)
	}
	if _, err := os.Stat(p.state()); !os.IsNotExist(err) {
		t.Errorf("got %v, want the file of the dead stack gone", err)
	}
}
