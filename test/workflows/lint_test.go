package workflows_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/ce873799/replayable-ingestion/dev/toolchain"
	"github.com/ce873799/replayable-ingestion/test/workflows"
)

// deployedDefinition is a state machine as it was deployed: without placeholders and tokens.
func deployedDefinition(t *testing.T, arn string) string {
	t.Helper()
	out, err := sys.machines.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Definition
}

func TestDefinitionsAreValid(t *testing.T) {
	t.Parallel()
	tools, err := toolchain.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var args []string
	add := func(name, text string) {
		file := filepath.Join(dir, name+".asl.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--json-path", file)
	}
	lint := func(args ...string) (string, error) {
		cmd := exec.Command(filepath.Join(tools.NodeBin, "node"), append([]string{tools.ASL}, args...)...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, c := range workflows.Cases() {
		add(c.Name, deployedDefinition(t, sys.parts[c.Name].StateMachineARN))
		if arn := sys.bare[c.Name]; arn != "" {
			add(c.Name+"-bare", deployedDefinition(t, arn))
		}
	}
	files, err := filepath.Glob("testdata/*.asl.json")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		args = append(args, "--json-path", file)
	}
	if out, err := lint(args...); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	add("Broken", `{"StartAt":"A","States":{"A":{"Type":"Pass"}}}`)
	if out, err := lint(args[len(args)-2:]...); err == nil {
		t.Errorf("the linter finds nothing wrong with a state that leads nowhere: %s", out)
	}
}

func TestPublishIsBehindEveryOpenEnd(t *testing.T) {
	for _, c := range workflows.Cases() {
		var doc struct {
			StartAt string
			States  map[string]struct {
				Next string
				End  bool
			}
		}
		if err := json.Unmarshal([]byte(deployedDefinition(t, sys.parts[c.Name].StateMachineARN)), &doc); err != nil {
			t.Fatal(err)
		}
		var ends []string
		for _, name := range slices.Sorted(maps.Keys(doc.States)) {
			if doc.States[name].Next == "Publish" {
				ends = append(ends, name)
			}
		}
		if want := slices.Sorted(slices.Values(c.Ends)); doc.StartAt != "Record" || !slices.Equal(ends, want) || !doc.States["Publish"].End {
			t.Errorf("%s: starts at %s, publishes after %v, want %v", c.Name, doc.StartAt, ends, want)
		}
	}
}
