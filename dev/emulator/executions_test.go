package emulator_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
)

func newMachine(t *testing.T, client *sfn.Client, name, definition string) (arn *string) {
	t.Helper()
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: &name, RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"), Definition: &definition,
	})
	if err != nil {
		t.Fatal(err)
	}
	return machine.StateMachineArn
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestStartsAreRefusedAsOnAWS(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	machine := newMachine(t, client, "starts", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":60,"End":true}}}`)
	if _, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: machine, Name: aws.String("taken"), Input: aws.String(`{"a":1}`),
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, execution, input, want string }{
		{"the name and the input of one that runs", "taken", `{"a":1}`, ""},
		{"the name of one that runs with another input", "taken", `{"a":2}`, "ExecutionAlreadyExists"},
		{"the longest input", "longest", `"` + strings.Repeat("x", 262_142) + `"`, ""},
		{"an input with a byte more", "longer", `"` + strings.Repeat("x", 262_143) + `"`, "ValidationException"},
		{"an input that is too long in UTF-8", "utf8", `"` + strings.Repeat("é", 131_072) + `"`, "ValidationException"},
		{"an input that is not JSON", "json", `{`, "InvalidExecutionInput"},
		{"an input with what JSON lacks", "nan", `[NaN]`, "InvalidExecutionInput"},
		{"the longest name", strings.Repeat("n", 80), `{}`, ""},
		{"a name with a character more", strings.Repeat("n", 81), `{}`, "ValidationException"},
		{"a name with a slash", "a/b", `{}`, "InvalidName"},
		{"a name with a space", "a b", `{}`, "InvalidName"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{
				StateMachineArn: machine, Name: &tt.execution, Input: &tt.input,
			})
			if got := code(err); got != tt.want || err != nil && got == "" {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// A nested execution whose name is in use fails its task, with an error that a Catch can name.
func TestNestedExecutions(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	child := newMachine(t, client, "child", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`)
	parent := newMachine(t, client, "parent", `{"StartAt":"N","States":{"N":{"Type":"Task",
		"Resource":"arn:aws:states:::states:startExecution.sync:2","OutputPath":"$.Output",
		"Parameters":{"StateMachineArn":"`+*child+`","Name":"one","Input.$":"$"},"End":true}}}`)
	if got := execute(t, client, *parent, `{"a":1}`); aws.ToString(got.Output) != `{"a":1}` {
		t.Errorf("got %s, %s, want the child's output", got.Status, aws.ToString(got.Cause))
	}
	got := execute(t, client, *parent, `{"a":1}`)
	if want := "StepFunctions.ExecutionAlreadyExistsException"; aws.ToString(got.Error) != want {
		t.Errorf("got %s, %s, want %s", got.Status, aws.ToString(got.Error), want)
	}
	if got.Status != sfntypes.ExecutionStatusFailed {
		t.Errorf("got %s, want it to fail", got.Status)
	}
}
