package emulator_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
)

// languageCase is a state, its input and its result on AWS. A string @<n><letter> stands for n such letters.
type languageCase struct {
	Name   string         `json:"name"`
	State  any            `json:"state"`
	States map[string]any `json:"states"` // further ones, besides Z, which succeeds
	Input  any            `json:"input"`
	Want   any            `json:"want"`   // the output, or "!" and the name of the error
	Cause  string         `json:"cause"`  // a part of the failure's cause
	Never  string         `json:"never"`  // a type of event that the history must not have
	Source string         `json:"source"` // the AWS documentation, or a recording of AWS
}

// TestStatesLanguageAsRecorded compares the interpreter with the AWS documentation, and with recordings of AWS by
// others.
func TestStatesLanguageAsRecorded(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	files, err := filepath.Glob(filepath.Join("testdata", "language", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d files, %v, want the cases", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) { checkCases(t, client, file) })
	}
}

func checkCases(t *testing.T, client *sfn.Client, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []languageCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	started := make([]string, len(cases)) // all at once: each takes a moment
	for i, c := range cases {
		if c.Source == "" {
			t.Errorf("%s: got no source of the right value", c.Name)
		}
		started[i] = startCase(t, client, fmt.Sprintf("%s-%d", strings.TrimSuffix(filepath.Base(file), ".json"), i), c)
	}
	for i, c := range cases {
		t.Run(c.Name, func(t *testing.T) { checkCase(t, client, started[i], c) })
	}
}

func startCase(t *testing.T, client *sfn.Client, name string, c languageCase) (execution string) {
	t.Helper()
	states := map[string]any{"A": spelledOut(c.State), "Z": map[string]any{"Type": "Succeed"}}
	for name, state := range c.States {
		states[name] = state
	}
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: &name, RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
		Definition: aws.String(encode(t, map[string]any{"StartAt": "A", "States": states})),
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: machine.StateMachineArn, Input: aws.String(encode(t, spelledOut(c.Input))),
	})
	if err != nil {
		t.Fatal(err)
	}
	return *run.ExecutionArn
}

func checkCase(t *testing.T, client *sfn.Client, execution string, c languageCase) {
	out := ended(t, client, execution)
	var got any = "!" + aws.ToString(out.Error)
	if out.Status == sfntypes.ExecutionStatusSucceeded {
		if err := json.Unmarshal([]byte(*out.Output), &got); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got, c.Want) || !strings.Contains(aws.ToString(out.Cause), c.Cause) {
		t.Errorf("got %.300v (%s), want %v, as in %s", got, aws.ToString(out.Cause), c.Want, c.Source)
	}
	if c.Want == "!" && (out.Error != nil || out.Cause != nil) {
		t.Errorf("got error %q and cause %q, want neither", aws.ToString(out.Error), aws.ToString(out.Cause))
	}
	if c.Never == "" {
		return
	}
	history, err := client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &execution})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range history.Events {
		if string(e.Type) == c.Never {
			t.Errorf("got event %d of type %s, want none", e.Id, e.Type)
		}
	}
}

func ended(t *testing.T, client *sfn.Client, execution string) *sfn.DescribeExecutionOutput {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &execution})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != sfntypes.ExecutionStatusRunning {
			return out
		}
		if time.Now().After(deadline) {
			t.Fatal("the execution still runs after 20 s")
		}
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// spelledOut replaces the strings that stand for long ones.
func spelledOut(value any) any {
	switch v := value.(type) {
	case string:
		if digits := strings.TrimLeft(strings.TrimPrefix(v, "@"), "0123456789"); strings.HasPrefix(v, "@") && digits != "" {
			if n, err := strconv.Atoi(v[1 : len(v)-len(digits)]); err == nil {
				return strings.Repeat(digits, n)
			}
		}
	case []any:
		for i := range v {
			v[i] = spelledOut(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = spelledOut(v[name])
		}
	}
	return value
}
