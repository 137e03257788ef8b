package emulator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
)

// The history has a function's own events, with what it was given.
func TestHistoryTellsOfFunctions(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	nobody := "arn:aws:lambda:us-east-1:" + emulator.Account + ":function:nobody"
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: aws.String("history"), RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
		Definition: aws.String(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"` + nobody + `",
			"Parameters":{"a.$":"$.b","tries.$":"$$.State.RetryCount"},"End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	out := execute(t, client, *machine.StateMachineArn, `{"b":1}`)
	history, err := client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: out.ExecutionArn})
	if err != nil {
		t.Fatal(err)
	}
	told := map[sfntypes.HistoryEventType]sfntypes.HistoryEvent{}
	for _, e := range history.Events {
		told[e.Type] = e
	}
	scheduled := told[sfntypes.HistoryEventTypeLambdaFunctionScheduled].LambdaFunctionScheduledEventDetails
	if scheduled == nil || aws.ToString(scheduled.Input) != `{"a": 1, "tries": 0}` || aws.ToString(scheduled.Resource) != nobody {
		t.Errorf("got %+v, want the function and its input", scheduled)
	}
	failed := told[sfntypes.HistoryEventTypeLambdaFunctionFailed].LambdaFunctionFailedEventDetails
	if failed == nil || aws.ToString(failed.Error) != aws.ToString(out.Error) || failed.Error == nil {
		t.Errorf("got %+v, want the error %s", failed, aws.ToString(out.Error))
	}
}

func TestATimeoutEndsAnExecution(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	for name, state := range map[string]string{
		"wait": `{"Type":"Wait","Seconds":600,"End":true}`,
		"map":  `{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Wait","Seconds":600,"End":true}}},"End":true}`,
		"loop": `{"Type":"Pass","Next":"A"}`,
	} {
		machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
			Name: aws.String("timeout-" + name), RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
			Definition: aws.String(`{"TimeoutSeconds":1,"StartAt":"A","States":{"A":` + state + `}}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		out := execute(t, client, *machine.StateMachineArn, `[1]`)
		if out.Status != sfntypes.ExecutionStatusTimedOut || out.Error != nil || out.StopDate == nil {
			t.Errorf("%s: got %s with %s, want TIMED_OUT", name, out.Status, aws.ToString(out.Error))
		}
	}
}

// What led to what is read from histories; states within a Map or a Parallel are in them, too.
func TestNestedStatesAreInTheHistory(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: aws.String("nested"), RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
		Definition: aws.String(`{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},
			"B":{"Type":"Succeed"}}}],"End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	out := execute(t, client, *machine.StateMachineArn, `{}`)
	history, err := client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: out.ExecutionArn})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range history.Events {
		got = append(got, fmt.Sprintf("%d<%d %s", e.Id, e.PreviousEventId, e.Type))
	}
	want := "1<0 ExecutionStarted 2<1 ParallelStateEntered 3<2 PassStateEntered 4<3 PassStateExited 5<4 SucceedStateEntered " +
		"6<5 SucceedStateExited 7<2 ParallelStateExited 8<7 ExecutionSucceeded"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("\n got %s\nwant %s", text, want)
	}
}
