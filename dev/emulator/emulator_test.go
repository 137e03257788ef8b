package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/dev/toolchain"
)

func start(t *testing.T) *emulator.Emulator {
	t.Helper()
	tools, err := toolchain.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	e, err := emulator.Start(t.Context(), emulator.Options{Tools: tools, Dir: t.TempDir(), LogDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

func TestStopLeavesNoListener(t *testing.T) {
	e := start(t)
	e.Stop()
	select {
	case <-e.Done():
	default:
		t.Error("the emulator still runs")
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL(), "http://"))
	if err == nil {
		_ = conn.Close()
		t.Errorf("%s still answers", e.URL())
	}
}

func TestStartStopsWithItsContext(t *testing.T) {
	tools, err := toolchain.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = emulator.Start(ctx, emulator.Options{Tools: tools, Dir: t.TempDir(), LogDir: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// The error of a hosted function must be the error of the execution, because the classification of failures needs it.
func TestFunctionErrorIsTheExecutionsError(t *testing.T) {
	e := start(t)
	arn := hostFunction(t, e)
	client := sfn.NewFromConfig(e.Config())
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name:       aws.String("one"),
		RoleArn:    aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
		Definition: aws.String(`{"StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"` + arn + `","End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, input string
		status      sfntypes.ExecutionStatus
		err         string
	}{
		{"succeeds", `{"big":12345678901234567890}`, sfntypes.ExecutionStatusSucceeded, ""},
		{"fails", `{"fail":true}`, sfntypes.ExecutionStatusFailed, "InvalidEvent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := execute(t, client, *machine.StateMachineArn, tt.input)
			if got.Status != tt.status || aws.ToString(got.Error) != tt.err {
				t.Fatalf("got %s, error %q, cause %s", got.Status, aws.ToString(got.Error), aws.ToString(got.Cause))
			}
			if tt.err == "" {
				return
			}
			var cause struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal([]byte(*got.Cause), &cause); err != nil || cause.ErrorType != tt.err || len(cause.ErrorMessage) < 1000 {
				t.Errorf("got cause %s, %v, want the function's whole error", *got.Cause, err)
			}
		})
	}
}

// Record relies on it: only a retry looks for the result of an earlier attempt.
func TestAttemptsAreCountedInTheContextObject(t *testing.T) {
	e := start(t)
	arn := hostFunction(t, e)
	client := sfn.NewFromConfig(e.Config())
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name:    aws.String("again"),
		RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/again"),
		Definition: aws.String(`{"StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"` + arn + `",
			"Parameters":{"until":2,"retryCount.$":"$$.State.RetryCount"},
			"Retry":[{"ErrorEquals":["InvalidEvent"],"IntervalSeconds":1,"BackoffRate":1,"MaxAttempts":2}],"End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	// The function fails until the event shows the second retry, which is the last.
	if got := execute(t, client, *machine.StateMachineArn, `{}`); got.Status != sfntypes.ExecutionStatusSucceeded {
		t.Errorf("got %s, error %q, want it to succeed", got.Status, aws.ToString(got.Error))
	}
}

// The bridge relies on it: the list is sorted by start, and its token counts the executions before the page.
func TestExecutionsAreListedFromAnOffset(t *testing.T) {
	client := sfn.NewFromConfig(start(t).Config())
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: aws.String("pass"), RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
		Definition: aws.String(`{"StartAt":"Pass","States":{"Pass":{"Type":"Pass","End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"c", "a", "d", "b"} {
		_, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine.StateMachineArn, Name: &name})
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{
		StateMachineArn: machine.StateMachineArn, MaxResults: 2, NextToken: aws.String("1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Executions) != 2 || *page.Executions[0].Name != "a" || *page.Executions[1].Name != "d" || aws.ToString(page.NextToken) != "3" {
		t.Errorf("got %+v, token %s, want a and d, then 3", page.Executions, aws.ToString(page.NextToken))
	}
}

func hostFunction(t *testing.T, e *emulator.Emulator) (arn string) {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.Command("go", "build", "-o", bootstrap, "./testdata/fails").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	host, err := lambdahost.Start(lambdahost.Options{LogDir: t.TempDir(), EndpointURL: e.URL(), Region: emulator.Region})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(host.Stop)
	if err := host.Add(lambdahost.Function{Name: "Fails", Bootstrap: bootstrap, Timeout: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	return createFunction(t, e, host.URL("Fails"))
}

// createFunction creates a function whose events are posted to a URL.
func createFunction(t *testing.T, e *emulator.Emulator, url string) (arn string) {
	t.Helper()
	created, err := lambda.NewFromConfig(e.Config()).CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("fails"),
		Role:         aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
		Runtime:      lambdatypes.RuntimeProvidedal2023,
		Handler:      aws.String("bootstrap"),
		Code:         &lambdatypes.FunctionCode{ZipFile: []byte("not used")},
		Environment:  &lambdatypes.Environment{Variables: map[string]string{"MINISTACK_LAMBDA_PROXY_URL": url}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *created.FunctionArn
}

// As on AWS, an event that the account's concurrency has no room for fails the task under Lambda's name for it.
func TestARefusedEventIsAThrottledTask(t *testing.T) {
	e := start(t)
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, lambdahost.ErrTooManyRequests.Error(), http.StatusTooManyRequests)
	}))
	t.Cleanup(full.Close)
	arn := createFunction(t, e, full.URL)
	client := sfn.NewFromConfig(e.Config())
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name:       aws.String("throttled"),
		RoleArn:    aws.String("arn:aws:iam::" + emulator.Account + ":role/one"),
		Definition: aws.String(`{"StartAt":"Call","States":{"Call":{"Type":"Task","Resource":"` + arn + `","End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := execute(t, client, *machine.StateMachineArn, `{}`); aws.ToString(got.Error) != "Lambda.TooManyRequestsException" {
		t.Errorf("got %s, error %q, cause %s", got.Status, aws.ToString(got.Error), aws.ToString(got.Cause))
	}
}

func execute(t *testing.T, client *sfn.Client, machine, input string) *sfn.DescribeExecutionOutput {
	t.Helper()
	started, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Input: &input})
	if err != nil {
		t.Fatal(err)
	}
	return ended(t, client, *started.ExecutionArn)
}

// A null list of failures is a success on AWS; the emulator's poller would choke on it and keep the messages.
func TestNullListOfFailedMessagesIsSuccess(t *testing.T) {
	e := start(t)
	arn := hostFunction(t, e)
	queues, functions := sqs.NewFromConfig(e.Config()), lambda.NewFromConfig(e.Config())
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("in")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = functions.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName: &arn, EventSourceArn: aws.String("arn:aws:sqs:" + emulator.Region + ":" + emulator.Account + ":in"),
		FunctionResponseTypes: []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("x")}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		if out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the message is still there: %v", out.Attributes)
		}
	}
}

func TestInputTransformerMakesValidJSON(t *testing.T) {
	e := start(t)
	queues, events := sqs.NewFromConfig(e.Config()), eventbridge.NewFromConfig(e.Config())
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("out")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["aws.states"]}`)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []eventtypes.Target{{
		Id: aws.String("t"), Arn: aws.String("arn:aws:sqs:" + emulator.Region + ":" + emulator.Account + ":out"),
		InputTransformer: &eventtypes.InputTransformer{
			InputPathsMap: map[string]string{"name": "$.detail.name", "stop": "$.detail.stopDate", "none": "$.detail.none"},
			InputTemplate: aws.String(`{"name":<name>,"text":"<name> at <stop>","stop":<stop>,"none":<none>,"v":1}`),
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = events.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{
		Source: aws.String("aws.states"), DetailType: aws.String("x"), Detail: aws.String(`{"name":"a\"b<c","stopDate":1795420000123}`),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"a\"b<c","text":"a"b<c at 1795420000123","stop":1795420000123,"none":"","v":1}`
	if got := receive(t, queues, *queue.QueueUrl); *got.Body != want {
		t.Errorf("got %s, want %s", *got.Body, want)
	}
}

func receive(t *testing.T, client *sqs.Client, url string) sqstypes.Message {
	t.Helper()
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Messages) != 1 {
		t.Fatalf("got %d messages, want 1", len(out.Messages))
	}
	return out.Messages[0]
}

func TestAMapStartsNothingAfterAFailedItem(t *testing.T) {
	e := start(t)
	client := sfn.NewFromConfig(e.Config())
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name:    aws.String("each"),
		RoleArn: aws.String("arn:aws:iam::" + emulator.Account + ":role/each"),
		Definition: aws.String(`{"StartAt":"Each","States":{"Each":{"Type":"Map","MaxConcurrency":1,"ItemProcessor":{
			"StartAt":"Bad","States":{
				"Bad":{"Type":"Choice","Choices":[
					{"Variable":"$","NumericEquals":2,"Next":"Fail"},{"Variable":"$","NumericEquals":3,"Next":"Late"}],"Default":"Good"},
				"Fail":{"Type":"Fail","Error":"Two"},"Late":{"Type":"Wait","Seconds":60,"Next":"Good"},"Good":{"Type":"Succeed"}}},
			"End":true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	run, err := client.StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: machine.StateMachineArn, Name: aws.String("one"), Input: aws.String("[1,2,3]"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: run.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status == sfntypes.ExecutionStatusFailed && aws.ToString(out.Error) == "Two" {
			return
		}
		if out.Status != sfntypes.ExecutionStatusRunning || time.Now().After(deadline) {
			t.Fatalf("got %s %s, want it FAILED before the item that waits", out.Status, aws.ToString(out.Error))
		}
	}
}
