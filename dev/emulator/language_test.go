package emulator_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
)

// The history has a function's own events, with its input.
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
	if scheduled == nil || aws.ToString(scheduled.Input) != `{"a":1,"tries":0}` || aws.ToString(scheduled.Resource) != nobody {
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

// Causes are read from histories. States within a Map or a Parallel are in them, too.
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
	want := "1<0 ExecutionStarted 2<0 ParallelStateEntered 3<2 PassStateEntered 4<3 PassStateExited 5<4 SucceedStateEntered " +
		"6<5 SucceedStateExited 7<2 ParallelStateExited 8<7 ExecutionSucceeded"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("\n got %s\nwant %s", text, want)
	}
}

// What a worker sends back, or does not.
func TestTasksThatWaitForAToken(t *testing.T) {
	e := start(t)
	client, queues := sfn.NewFromConfig(e.Config()), sqs.NewFromConfig(e.Config())
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("work")})
	if err != nil {
		t.Fatal(err)
	}
	wait := func(fields string) string {
		return `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken",
			"Parameters":{"QueueUrl":"` + *queue.QueueUrl + `","MessageBody.$":"$$.Task.Token"},` + fields + `"End":true},
			"Z":{"Type":"Succeed"}}}`
	}
	caught := func(by string) string { return `"Catch":[{"ErrorEquals":["` + by + `"],"Next":"Z"}],` }
	timeout := `{"Error":"States.Timeout","Cause":""}`
	for _, tt := range []struct {
		name, fields string
		beats        int // every half second, then the answer
		want         string
	}{
		{"no heartbeat fails as States.Timeout", `"HeartbeatSeconds":1,`, 0, "States.Timeout"},
		{"no heartbeat is caught by name", `"HeartbeatSeconds":1,` + caught("States.HeartbeatTimeout"), 0, timeout},
		{"no heartbeat is caught as a timeout", `"HeartbeatSeconds":1,` + caught("States.Timeout"), 0, timeout},
		{"heartbeats keep a task alive", `"HeartbeatSeconds":1,`, 3, `"done"`},
		{"heartbeats do not prolong the timeout", `"HeartbeatSeconds":1,"TimeoutSeconds":2,`, 6, "States.Timeout"},
		{"a timeout is not a heartbeat's", `"TimeoutSeconds":1,` + caught("States.HeartbeatTimeout"), 0, "States.Timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			arn := run(t, client, wait(tt.fields), `{}`)
			token := receive(t, queues, *queue.QueueUrl)
			for range tt.beats {
				<-time.After(500 * time.Millisecond)
				_, err := client.SendTaskHeartbeat(t.Context(), &sfn.SendTaskHeartbeatInput{TaskToken: token.Body})
				if err != nil && tt.want == `"done"` {
					t.Fatal(err)
				}
			}
			if tt.want == `"done"` {
				if _, err := client.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{
					TaskToken: token.Body, Output: aws.String(`"done"`),
				}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := queues.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
				QueueUrl: queue.QueueUrl, ReceiptHandle: token.ReceiptHandle,
			}); err != nil {
				t.Fatal(err)
			}
			out := ended(t, client, arn)
			got := aws.ToString(out.Output)
			if out.Status == sfntypes.ExecutionStatusFailed {
				got = aws.ToString(out.Error)
			}
			if got != tt.want || out.Cause != nil {
				t.Errorf("got %s with cause %v, want %s without one", got, out.Cause, tt.want)
			}
		})
	}
}

// A recording shows that States.ALL catches it, although the Developer Guide says otherwise: localstack
// v2/error_handling/test_states_errors::test_task_lambda_catch_state_all_data_limit_exceeded_on_large_utf8_response.
func TestAllCatchesATasksResultThatIsTooLarge(t *testing.T) {
	e := start(t)
	arn, client := hostFunction(t, e), sfn.NewFromConfig(e.Config())
	for name, tt := range map[string]struct{ fields, want string }{
		"function": {`"Resource":"` + arn + `",`, arn},
		"integration": {`"Resource":"arn:aws:states:::lambda:invoke",
			"Parameters":{"FunctionName":"` + arn + `","Payload.$":"$"},`, "lambda"},
	} {
		t.Run(name, func(t *testing.T) {
			out := ended(t, client, run(t, client, `{"StartAt":"A","States":{"A":{"Type":"Task",`+tt.fields+`
				"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Z"}],"End":true},"Z":{"Type":"Succeed"}}}`, `{"size":262144}`))
			var got struct{ Error, Cause string }
			if err := json.Unmarshal([]byte(aws.ToString(out.Output)), &got); err != nil {
				t.Fatal(err)
			}
			cause := "The state/task '" + tt.want +
				"' returned a result with a size exceeding the maximum number of bytes service limit."
			if got.Error != "States.DataLimitExceeded" || got.Cause != cause {
				t.Errorf("got %+v, want States.DataLimitExceeded and %s", got, cause)
			}
		})
	}
}

func run(t *testing.T, client *sfn.Client, definition, input string) (execution string) {
	t.Helper()
	machine := newMachine(t, client, strings.NewReplacer("/", "-", "'", "").Replace(t.Name()), definition)
	started, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine, Input: &input})
	if err != nil {
		t.Fatal(err)
	}
	return *started.ExecutionArn
}

// An expression that fails is reported with its field, once per attempt.
func TestHistoryTellsOfFailedEvaluations(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	arn := run(t, client, `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Parallel",
		"Arguments":{"a":["{% $states.input.none %}"]},"Branches":[{"StartAt":"B","States":{"B":{"Type":"Succeed"}}}],
		"Retry":[{"ErrorEquals":["States.QueryEvaluationError"],"MaxAttempts":1,"IntervalSeconds":1}],"End":true}}}`, `{}`)
	out := ended(t, client, arn)
	history, err := client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range history.Events {
		if d := e.EvaluationFailedEventDetails; d != nil {
			told = append(told, *d.State+" "+*d.Location+" "+*d.Error)
		}
	}
	want := strings.Repeat("A Arguments/a[0] States.QueryEvaluationError,", 2)
	if got := strings.Join(told, ",") + ","; got != want {
		t.Errorf("got %s after %s, want %s", got, aws.ToString(out.Cause), want)
	}
}
