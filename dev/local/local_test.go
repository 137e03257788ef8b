package local

import (
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// All subtests share one deployment, which takes longer than they do.
func TestStack(t *testing.T) {
	s, err := Start(t.Context(), Options{
		Progress: t.Output(),
		Env:      map[string]map[string]string{"Record": {"EXTRA": "1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	t.Run("describes every part", func(t *testing.T) { describesEveryPart(t, s) })
	t.Run("sends events to the hosted functions", func(t *testing.T) { hostsFunctions(t, s) })
	t.Run("gives queues the redrive policy of the template", func(t *testing.T) { appliesRedrive(t, s) })
	t.Run("has a failure reach the dead-letter queue", func(t *testing.T) { bridgesFailures(t, s) })
	t.Run("stops everything", func(t *testing.T) { stopsEverything(t, s) })
}

func describesEveryPart(t *testing.T, s *Stack) {
	b, err := json.Marshal(s.Result)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		if value == "" {
			t.Errorf("%s is empty", name)
		}
	}
	for _, name := range []string{"Record", "Publish", "Tracker", "AutoReplay", "ReplayHandler", "ReplayListener", "Enrich"} {
		if s.Functions[name] == "" {
			t.Errorf("no function %s in %v", name, s.Functions)
		}
	}
}

func hostsFunctions(t *testing.T, s *Stack) {
	client := lambda.NewFromConfig(s.Config())
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(s.Functions["Enrich"]), Payload: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	if out.FunctionError == nil || !strings.Contains(string(out.Payload), `"errorType": "InvalidListing"`) && !strings.Contains(string(out.Payload), `"errorType":"InvalidListing"`) {
		t.Errorf("got %s, want the function's own error", out.Payload)
	}
	if n, err := s.Host.Invocations("Enrich"); n != 1 || err != nil {
		t.Errorf("got %d invocations, %v, want 1", n, err)
	}
	config, err := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(s.Functions["Record"])})
	if err != nil {
		t.Fatal(err)
	}
	if env := config.Environment.Variables; env["LEDGER_TABLE"] != s.LedgerTable || env["EXTRA"] != "1" {
		t.Errorf("got environment %v, want the deployed one with the override", env)
	}
}

func appliesRedrive(t *testing.T, s *Stack) {
	for name, url := range map[string]string{"replay": s.ReplayQueueURL, "outcomes": s.OutcomesQueueURL} {
		out, err := sqs.NewFromConfig(s.Config()).GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameRedrivePolicy},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Attributes["RedrivePolicy"]; !strings.Contains(got, "DeadLetterQueue") || !strings.Contains(got, "maxReceiveCount") {
			t.Errorf("the %s queue has redrive policy %q", name, got)
		}
	}
}

// bridgesFailures tests the whole path: state machine, hosted function, status change, rule with its input transformer.
func bridgesFailures(t *testing.T, s *Stack) {
	started, err := sfn.NewFromConfig(s.Config()).StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: &s.StateMachineARN, Input: aws.String(`{}`), Name: aws.String("without-an-id"),
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := sqs.NewFromConfig(s.Config()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.DeadLetterQueueURL, WaitTimeSeconds: 20})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Messages) != 1 {
		t.Fatalf("got %d messages, want 1", len(out.Messages))
	}
	var got struct {
		ExecutionArn, Name, Status, Error string
		StopDate                          int64
	}
	if err := json.Unmarshal([]byte(*out.Messages[0].Body), &got); err != nil {
		t.Fatalf("%v in %s", err, *out.Messages[0].Body)
	}
	stopped := time.UnixMilli(got.StopDate)
	if got.ExecutionArn != *started.ExecutionArn || got.Status != "FAILED" || got.Error != "InvalidEvent" || time.Since(stopped).Abs() > time.Minute {
		t.Errorf("got %+v", got)
	}
	if stats := s.Bridge.Stats(); stats.Errors > 0 {
		t.Errorf("the bridge reports %+v", stats)
	}
}

func stopsEverything(t *testing.T, s *Stack) {
	s.Stop()
	s.Stop()
	if conn, err := net.Dial("tcp", strings.TrimPrefix(s.EndpointURL, "http://")); err == nil {
		_ = conn.Close()
		t.Error("the emulator still answers")
	}
	if _, err := os.Stat(s.runDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the run's directory gone", err)
	}
	if _, err := os.Stat(filepath.Join(s.LogDir, "Record.log")); err != nil {
		t.Errorf("got %v, want the logs kept", err)
	}
}

func TestFailedDeployNamesTheCauseAndLeavesNothing(t *testing.T) {
	_, err := Start(t.Context(), Options{App: "echo the app is broken >&2; exit 1"})
	if err == nil || !strings.Contains(err.Error(), "the app is broken") {
		t.Fatalf("got %v, want the app's output", err)
	}
	_, run, ok := strings.Cut(err.Error(), "build/logs/")
	if !ok {
		t.Fatalf("got %v, want it to say where the logs are", err)
	}
	if _, err := os.Stat(filepath.Join("..", "..", "build", run)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the run's directory gone", err)
	}
}
