package emulator_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Developer Guide "Restarting state machine executions with redrive": successful states do not run again, the
// definition and the input remain the same, and the context object counts redrives.
func TestRedriveGoesOnFromTheFailedState(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	machine := newMachine(t, client, "redrive", `{"StartAt":"Once","States":{
		"Once":{"Type":"Pass","Assign":{"kept.$":"$.a"},"Next":"Both"},
		"Both":{"Type":"Parallel","Next":"Done","Branches":[
			{"StartAt":"Good","States":{"Good":{"Type":"Pass","Result":"good","End":true}}},
			{"StartAt":"Before","States":{"Before":{"Type":"Wait","Seconds":1,"Next":"Try"},
				"Try":{"Type":"Choice","Default":"Bad",
					"Choices":[{"Variable":"$$.Execution.RedriveCount","NumericEquals":2,"Next":"Well"}]},
				"Bad":{"Type":"Fail","Error":"NotYet"},"Well":{"Type":"Pass","Result":"well","End":true}}}]},
		"Done":{"Type":"Pass","Parameters":{"kept.$":"$kept","both.$":"$"},"End":true}}}`)
	failed := execute(t, client, *machine, `{"a":1}`)
	if failed.RedriveStatus != sfntypes.ExecutionRedriveStatusRedrivable || aws.ToInt32(failed.RedriveCount) != 0 {
		t.Fatalf("got %s, %s after %d redrives, want it REDRIVABLE", failed.Status, failed.RedriveStatus,
			aws.ToInt32(failed.RedriveCount))
	}
	if _, err := client.UpdateStateMachine(t.Context(), &sfn.UpdateStateMachineInput{
		StateMachineArn: machine, Definition: aws.String(`{"StartAt":"New","States":{"New":{"Type":"Succeed"}}}`),
	}); err != nil {
		t.Fatal(err)
	}
	// Bad always fails, so the redrive restarts this state.
	for range 2 {
		redrive(t, client, failed.ExecutionArn)
		if out := ended(t, client, *failed.ExecutionArn); aws.ToString(out.Error) != "NotYet" || out.RedriveDate == nil {
			t.Fatalf("got %s %s, want it to fail again", out.Status, aws.ToString(out.Error))
		}
	}
	got := entries(t, client, *failed.ExecutionArn)
	if got["Once"] != 1 || got["Good"] != 1 || got["Before"] != 1 || got["Bad"] != 3 {
		t.Errorf("got %v, want only Both and Bad entered again", got)
	}
}

func TestRedriveEndsWellOnceItCan(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	machine := newMachine(t, client, "again", `{"StartAt":"Each","States":{
		"Each":{"Type":"Map","MaxConcurrency":1,"Next":"Done","ItemProcessor":{"StartAt":"Item","States":{
			"Item":{"Type":"Pass","Parameters":{"n.$":"$","redrives.$":"$$.Execution.RedriveCount"},"Next":"Try"},
			"Try":{"Type":"Choice","Choices":[
				{"And":[{"Variable":"$.n","NumericEquals":2},{"Variable":"$$.Execution.RedriveCount","NumericEquals":0}],
					"Next":"Again"}],"Default":"Good"},
			"Again":{"Type":"Choice","Choices":[{"Variable":"$$.Execution.RedriveCount","NumericGreaterThan":0,"Next":"Good"}]},
			"Good":{"Type":"Succeed"}}}},
		"Done":{"Type":"Succeed"}}}`)
	failed := execute(t, client, *machine, `[1,2,3]`)
	if aws.ToString(failed.Error) != "States.Runtime" {
		t.Fatalf("got %s %s, want no choice to match", failed.Status, aws.ToString(failed.Error))
	}
	redrive(t, client, failed.ExecutionArn)
	out := ended(t, client, *failed.ExecutionArn)
	want := `[{"n":1,"redrives":0},{"n":2,"redrives":0},{"n":3,"redrives":1}]`
	if aws.ToString(out.Output) != want || aws.ToInt32(out.RedriveCount) != 1 {
		t.Errorf("got %s (%s) after %d redrives, want %s", aws.ToString(out.Output), aws.ToString(out.Cause),
			aws.ToInt32(out.RedriveCount), want)
	}
	_, err := client.RedriveExecution(t.Context(), &sfn.RedriveExecutionInput{ExecutionArn: failed.ExecutionArn})
	if code(err) != "ExecutionNotRedrivable" {
		t.Errorf("got %v, want ExecutionNotRedrivable", err)
	}
}

// A Distributed Map's children that have ended are not run again, and the context object tells when the redrive was.
func TestRedriveOfADistributedMapRunsTheFailedChildren(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	machine := newMachine(t, client, "distributed", `{"StartAt":"Each","States":{
		"Each":{"Type":"Map","MaxConcurrency":1,"End":true,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},
			"StartAt":"Item","States":{
			"Item":{"Type":"Pass","Parameters":{"n.$":"$","redrives.$":"$$.Execution.RedriveCount"},"Next":"Try"},
			"Try":{"Type":"Choice","Default":"Good","Choices":[{"And":[{"Variable":"$.n","NumericEquals":2},
				{"Variable":"$$.Execution.RedriveTime","IsPresent":false}],"Next":"Again"}]},
			"Again":{"Type":"Choice","Choices":[{"Variable":"$$.Execution.RedriveTime","IsPresent":true,"Next":"Good"}]},
			"Good":{"Type":"Succeed"}}}}}}`)
	failed := execute(t, client, *machine, `[1,3,2]`)
	if failed.Status != sfntypes.ExecutionStatusFailed {
		t.Fatalf("got %s, want it failed", failed.Status)
	}
	redrive(t, client, failed.ExecutionArn)
	out := ended(t, client, *failed.ExecutionArn)
	want := `[{"n":1,"redrives":0},{"n":3,"redrives":0},{"n":2,"redrives":0}]`
	if aws.ToString(out.Output) != want {
		t.Errorf("got %s (%s), want every item entered once: %s", aws.ToString(out.Output), aws.ToString(out.Cause), want)
	}
}

func TestATokenRedrivesOnce(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	machine := newMachine(t, client, "token", `{"StartAt":"Bad","States":{"Bad":{"Type":"Fail","Error":"NotYet"}}}`)
	failed := execute(t, client, *machine, `{}`)
	in := &sfn.RedriveExecutionInput{ExecutionArn: failed.ExecutionArn, ClientToken: aws.String("once")}
	var dates []time.Time
	for range 2 {
		out, err := client.RedriveExecution(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		dates = append(dates, *out.RedriveDate)
		ended(t, client, *failed.ExecutionArn)
	}
	if out := ended(t, client, *failed.ExecutionArn); aws.ToInt32(out.RedriveCount) != 1 || !dates[0].Equal(dates[1]) {
		t.Errorf("got %d redrives, answered %v; want one, and its answer twice", aws.ToInt32(out.RedriveCount), dates)
	}
	in.ClientToken = aws.String("again")
	if _, err := client.RedriveExecution(t.Context(), in); err != nil {
		t.Errorf("got %v for another token, want it redriven", err)
	}
}

func redrive(t *testing.T, client *sfn.Client, execution *string) {
	t.Helper()
	if _, err := client.RedriveExecution(t.Context(), &sfn.RedriveExecutionInput{ExecutionArn: execution}); err != nil {
		t.Fatal(err)
	}
}

// entries counts how often each state was entered.
func entries(t *testing.T, client *sfn.Client, execution string) map[string]int {
	t.Helper()
	history, err := client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &execution})
	if err != nil {
		t.Fatal(err)
	}
	entered := map[string]int{}
	for _, e := range history.Events {
		if e.StateEnteredEventDetails != nil {
			entered[*e.StateEnteredEventDetails.Name]++
		}
	}
	return entered
}
