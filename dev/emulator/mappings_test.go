package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/emulator"
)

// A function has as many batches at once as its mapping allows, and never more.
func TestAMappingHasItsMaximumConcurrency(t *testing.T) {
	e := start(t)
	const allowed, messages = 3, 9
	var mu sync.Mutex
	running, most := 0, 0
	handled := make(chan struct{}, messages)
	enough := make(chan struct{})
	release := sync.OnceFunc(func() { close(enough) })
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		running++
		most = max(most, running)
		if running == allowed {
			release()
		}
		mu.Unlock()
		select { // the first ones wait for each other
		case <-enough:
		case <-r.Context().Done():
		}
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		running--
		mu.Unlock()
		_, _ = w.Write([]byte(`{}`))
		handled <- struct{}{}
	}))
	t.Cleanup(func() { function.CloseClientConnections(); function.Close() })
	queues := sqs.NewFromConfig(e.Config())
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("in")})
	if err != nil {
		t.Fatal(err)
	}
	arn := createFunction(t, e, function.URL)
	_, err = lambda.NewFromConfig(e.Config()).CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{
		FunctionName: &arn, EventSourceArn: aws.String("arn:aws:sqs:" + emulator.Region + ":" + emulator.Account + ":in"),
		BatchSize: aws.Int32(1), ScalingConfig: &lambdatypes.ScalingConfig{MaximumConcurrency: aws.Int32(allowed)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range messages {
		if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("x")}); err != nil {
			t.Fatal(err)
		}
	}
	late := time.After(30 * time.Second)
	for i := range messages {
		select {
		case <-handled:
		case <-late:
			t.Fatalf("%d of %d messages were handled, %d at once", i, messages, most)
		}
	}
	if most != allowed {
		t.Errorf("%d batches at once, want %d", most, allowed)
	}
}
