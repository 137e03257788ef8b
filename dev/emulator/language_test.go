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

// TestStatesLanguage holds the interpreter to the Step Functions Developer Guide and the language's specification.
// test/workflows runs whole workflows.
func TestStatesLanguage(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	missing := func(field string) string {
		return `{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:` + emulator.Account + `:function:nobody",` + field + `"End":true}`
	}
	for i, tt := range []struct {
		name, states, input, want string
	}{
		{"a path that leads to nothing fails", `{"Type":"Pass","InputPath":"$.a","End":true}`, `{}`, "States.Runtime"},
		{"a parameter that leads to nothing fails", `{"Type":"Pass","Parameters":{"a.$":"$.a"},"End":true}`, `{}`, "States.ParameterPathFailure"},
		{"a Choice on what is not there fails", `{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}],"Default":"A"}`, `{}`, "States.Runtime"},
		{"a Choice without a match fails", `{"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"A"}]}`, `{"a":1}`, "States.NoChoiceMatched"},
		{"a null is present", `{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"Z"}]}`, `{"a":null}`, `{"a": null}`},
		{"a truth value is no number", `{"Type":"Choice","Choices":[{"Variable":"$.a","IsNumeric":true,"Next":"A"}],"Default":"Z"}`, `{"a":true}`, `{"a": true}`},
		{"a star matches, an escaped one is itself", `{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","StringMatches":"a*c"},
			{"Variable":"$.b","StringMatches":"x\\*"},{"Not":{"Variable":"$.a","StringMatches":"x\\*"}}],"Next":"Z"}]}`, `{"a":"abc","b":"x*"}`, `{"a": "abc", "b": "x*"}`},
		{"a result goes to a place that did not exist", `{"Type":"Pass","Result":1,"ResultPath":"$.a.b","End":true}`, `{"c":2}`, `{"c": 2, "a": {"b": 1}}`},
		{"a variable without a value fails", `{"Type":"Pass","Parameters":{"a.$":"$nobody"},"End":true}`, `{}`, "States.Runtime"},
		{"variables change together", `{"Type":"Pass","Assign":{"a":1,"b":2},"Next":"B"},
			"B":{"Type":"Pass","Assign":{"a.$":"$b","b.$":"$a"},"Next":"C"},"C":{"Type":"Pass","Parameters":{"a.$":"$a","b.$":"$b"},"End":true}`, `{}`, `{"a": 2, "b": 1}`},
		{"a variable of a branch stays in it", `{"Type":"Parallel","Branches":[{"StartAt":"I","States":{"I":{"Type":"Pass","Assign":{"a":1},"End":true}}}],"Next":"B"},
			"B":{"Type":"Pass","Parameters":{"a.$":"$a"},"End":true}`, `{}`, "States.Runtime"},
		{"a Catch of States.ALL gets the error", missing(`"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"B"}],`) +
			`,"B":{"Type":"Pass","InputPath":"$.e.Error","End":true}`, `{}`, `"Lambda.ResourceNotFoundException"`},
		{"a Parallel is retried and caught", `{"Type":"Parallel","Branches":[{"StartAt":"I","States":{"I":{"Type":"Fail","Error":"No"}}}],
			"Retry":[{"ErrorEquals":["No"],"IntervalSeconds":1,"MaxAttempts":1,"MaxDelaySeconds":1,"JitterStrategy":"FULL"}],
			"Catch":[{"ErrorEquals":["No"],"Next":"Z"}],"End":true}`, `{}`, `{"Error": "No", "Cause": ""}`},
		{"a Fail takes error and cause from the input", `{"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('{}!',$.e)"}`, `{"e":"Own"}`, "Own"},
		{"an expression fails with its own error", `{"Type":"Pass","QueryLanguage":"JSONata","Output":"{% $number('x') %}","End":true}`, `{}`, "States.QueryEvaluationError"},
		{"a batch has its input beside its items", `{"Type":"Map","ItemsPath":"$.a","ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"b.$":"$.b"}},
			"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}`, `{"a":[1,2,3],"b":4}`,
			`[{"BatchInput": {"b": 4}, "Items": [1, 2]}, {"BatchInput": {"b": 4}, "Items": [3]}]`},
		{"a Wait until what is no time fails", `{"Type":"Wait","TimestampPath":"$.at","End":true}`, `{"at":"soon"}`, "States.Runtime"},
		{"a Map of nothing is nothing", `{"Type":"Map","Iterator":{"StartAt":"I","States":{"I":{"Type":"Fail"}}},"End":true}`, `[]`, `[]`},
		{"a Map of no list fails", `{"Type":"Map","Iterator":{"StartAt":"I","States":{"I":{"Type":"Fail"}}},"End":true}`, `{}`, "States.Runtime"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
				Name:       aws.String(fmt.Sprintf("language-%d", i)),
				RoleArn:    aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
				Definition: aws.String(`{"StartAt":"A","States":{"A":` + tt.states + `,"Z":{"Type":"Succeed"}}}`),
			})
			if err != nil {
				t.Fatal(err)
			}
			out := execute(t, client, *machine.StateMachineArn, tt.input)
			got := aws.ToString(out.Output)
			if out.Status == sfntypes.ExecutionStatusFailed {
				got = aws.ToString(out.Error)
			}
			if got != tt.want {
				t.Errorf("got %s (%s), want %s", got, aws.ToString(out.Cause), tt.want)
			}
		})
	}
}

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
