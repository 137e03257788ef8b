package synth_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

// lintIgnored are rules of cfn-lint that are left out, each with its reason.
var lintIgnored = map[string]string{
	"W3005": "CDK lets a function or a state machine wait for its role and for the role's policies; that it waits for the role anyway does no harm",
}

// TestCfnLintFindsNothing runs cfn-lint over the template of every stage and of every variant. It brings its schemas, so
// it asks nobody.
func TestCfnLintFindsNothing(t *testing.T) {
	tools, err := toolchain.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for name := range stacks() {
		file := filepath.Join(dir, name+".template.json")
		if err := os.WriteFile(file, sharedTemplate(t, name), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	args := []string{"--format", "json", "--regions", "eu-west-1"}
	for rule := range lintIgnored {
		args = append(args, "--ignore-checks", rule)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(tools.Python), "cfn-lint"), append(append(args, "--template"), files...)...)
	out, err := cmd.Output() // its exit code says what kind of findings there are
	var findings []struct {
		Level, Message, Filename string
		Rule                     struct{ ID string }
		Location                 struct{ Path []any }
	}
	if jerr := json.Unmarshal(out, &findings); jerr != nil {
		t.Fatalf("%v, %v: %s", err, jerr, out)
	}
	for _, f := range findings {
		t.Errorf("%s: %s %s at %v: %s", filepath.Base(f.Filename), f.Level, f.Rule.ID, f.Location.Path, f.Message)
	}
	if err != nil && len(findings) == 0 {
		t.Error(err)
	}
}
