package consumer_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/local"
)

// TestAForeignAppIsDeployed has the CDK CLI synthesize and deploy another module's app, of which the functions come from
// the module cache, and sends an event through each of its three ingestions. See shops.
func TestAForeignAppIsDeployed(t *testing.T) {
	a := newApp(t, read(t, "shops", "main.go"))
	write(t, a.dir, map[string]string{"cdk.json": `{"app": "go run ."}`})
	arch := "arm64"
	if runtime.GOARCH == "amd64" { // the functions run here
		arch = "x86_64"
	}
	assembly := a.cdkSynth(t, a.dir, "--context", "architecture="+arch)
	if got := len(programs(t, assembly)); got != functions {
		t.Errorf("got %d different programs, want %d, which the stacks share", got, functions)
	}
	stack, err := local.Start(t.Context(), local.Options{
		Dir: root, App: assembly, Stacks: []string{"Shared", "Shops-EU", "Shops-US"}, Progress: t.Output(), MaxProcesses: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Stop()

	machines := map[string]string{} // by the path of their scopes
	for name, outputs := range stack.Outputs {
		for id, value := range outputs {
			if strings.Contains(id, "Machine") {
				scope := name
				if strings.Contains(id, "Outlet") {
					scope += "/Outlet"
				}
				machines[scope] = value
			}
		}
	}
	if len(machines) != 3 {
		t.Fatalf("got machines %v in outputs %v, want 3", machines, stack.Outputs)
	}
	for scope, machine := range machines {
		_, err := sfn.NewFromConfig(stack.Config()).StartExecution(t.Context(), &sfn.StartExecutionInput{
			StateMachineArn: &machine, Input: aws.String(`{"order":{"id":"` + scope + `"}}`),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"Shops-EU": "Shops-EU", "Shops-EU/Outlet": "Shops-EU", "Shops-US": "Shops-US"}
	for scope, got := range publications(t, stack, len(want)) {
		if got.stack != want[scope] || got.acceptedBy != scope || got.isReplay != "false" {
			t.Errorf("of %s: got %+v, want it in the queue of %s", scope, got, want[scope])
		}
	}
	t.Run("the event is in the bucket of the other stack", func(t *testing.T) {
		out, err := s3.NewFromConfig(stack.Config()).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{
			Bucket: aws.String(stack.Outputs["Shared"]["Bucket"]), Prefix: aws.String("events/"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Contents) != 1 || *out.Contents[0].Key != "events/Shops-US" {
			t.Errorf("got %d objects, want events/Shops-US", len(out.Contents))
		}
	})
}

// publication is what a subscriber got of one event.
type publication struct {
	stack, acceptedBy, isReplay string
}

// publications waits for as many events in the queues of the two stacks, and returns them by resource id.
func publications(t *testing.T, stack *local.Stack, count int) map[string]publication {
	t.Helper()
	client := sqs.NewFromConfig(stack.Config())
	got := map[string]publication{}
	for deadline := time.Now().Add(time.Minute); len(got) < count; {
		if time.Now().After(deadline) {
			t.Fatalf("got %v after a minute, want %d publications; logs: %s", got, count, stack.LogDir)
		}
		for _, name := range []string{"Shops-EU", "Shops-US"} {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: aws.String(stack.Outputs[name]["Queue"]), MessageAttributeNames: []string{"All"},
				MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range out.Messages {
				var event struct{ AcceptedBy string }
				if err := json.Unmarshal([]byte(*m.Body), &event); err != nil {
					t.Fatal(err)
				}
				got[aws.ToString(m.MessageAttributes["resourceId"].StringValue)] = publication{
					name, event.AcceptedBy, aws.ToString(m.MessageAttributes["isReplay"].StringValue),
				}
			}
		}
	}
	return got
}
