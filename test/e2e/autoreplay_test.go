package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
)

// How the example's geocoder behaves, as its parameter says.
const (
	geocoderOK          = "ok"
	geocoderUnavailable = "unavailable"
	geocoderHang        = "hang"
)

// geocoder changes how the geocoder behaves, for every test: whoever breaks it mends it. The functions believe a mode
// for a second, so those that run are replaced by new ones, which have to ask.
func (y *system) geocoder(t *testing.T, mode string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	_, err := y.params.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &y.GeocoderParameter, Value: &mode, Overwrite: aws.Bool(true), Type: ssmtypes.ParameterTypeString,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := y.Host.Kill("Enrich"); err != nil {
		t.Fatal(err)
	}
}

// outage breaks the geocoder until it is mended or the test ends.
func (y *system) outage(t *testing.T, mode string) {
	t.Helper()
	t.Cleanup(func() { y.geocoder(t, geocoderOK) })
	y.geocoder(t, mode)
}

// scheduledEvent is what EventBridge Scheduler sends to a function whose schedule gives no input.
const scheduledEvent = `{"version":"0","id":"0d3f1a5e-7f3c-4d0b-9a55-3a8f6c1d2b4e","detail-type":"Scheduled Event",` +
	`"source":"aws.scheduler","account":"000000000000","time":"2026-01-01T00:00:00Z","region":"us-east-1",` +
	`"resources":["arn:aws:scheduler:us-east-1:000000000000:schedule/default/auto-replay"],"detail":"{}"}`

// autoReplay runs the job once, instead of waiting for its schedule. A run that meets another one does nothing.
func (y *system) autoReplay(t *testing.T) {
	t.Helper()
	out, err := y.lambdas.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String(y.Functions["AutoReplay"]), Payload: []byte(scheduledEvent),
	})
	if err != nil {
		t.Fatal(err)
	}
	var summary struct{ Errors int }
	if err := json.Unmarshal(out.Payload, &summary); err != nil || out.FunctionError != nil || summary.Errors > 0 {
		t.Fatalf("auto-replay failed: %s", out.Payload)
	}
}

// failure returns the failure of an execution, the zero value if the ledger has none.
func (y *system) failure(t *testing.T, execution string) ledger.Failure {
	t.Helper()
	f, err := y.book.Failure(t.Context(), ledger.FailurePartition(execution, 0))
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		t.Fatal(err)
	}
	return f
}

// decided runs auto-replay until a failure has come to a status that is final, and wants it to be this one.
func (y *system) decided(t *testing.T, execution string, want ledger.FailureStatus) ledger.Failure {
	t.Helper()
	var f ledger.Failure
	eventually(t, patience, "the failure of "+execution+" is "+string(want), func(context.Context) (bool, error) {
		if f = y.failure(t, execution); f.Status == want {
			return true, nil
		}
		if f.Status != "" && !f.Status.Open() {
			return false, fmt.Errorf("it is %s: %s", f.Status, f.Decision)
		}
		y.autoReplay(t)
		return false, nil
	})
	return f
}

// pause keeps auto-replay, scheduled or not, from running.
func (y *system) pause(t *testing.T, function string) (resume func()) {
	t.Helper()
	resume, err := y.Host.Pause(function)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(resume)
	return resume
}

// deadLetter waits for the dead letter of an execution, and leaves it and all others in the queue.
func (y *system) deadLetter(t *testing.T, execution string) string {
	t.Helper()
	body := ""
	eventually(t, patience, "the dead letter of "+execution, func(ctx context.Context) (bool, error) {
		out, err := y.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &y.DeadLetterQueueURL, MaxNumberOfMessages: 10, VisibilityTimeout: 30,
		})
		if err != nil {
			return false, err
		}
		for _, m := range out.Messages {
			if status, err := message.DecodeStatus(aws.ToString(m.Body)); err == nil && status.Name == execution {
				body = aws.ToString(m.Body)
			}
			_, err := y.queues.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &y.DeadLetterQueueURL, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
			})
			if err != nil {
				return false, err
			}
		}
		return body != "", nil
	})
	return body
}

// ways are the statuses of a resource's executions, in order of start.
func ways(h ledger.History) []string {
	var all []string
	for _, e := range slices.SortedFunc(slices.Values(h.Executions), func(a, b ledger.Execution) int {
		return a.StartedAt.Compare(b.StartedAt.Time)
	}) {
		all = append(all, string(e.Mode)+" "+string(e.Status))
	}
	return all
}

// scheduleLimit is how long the schedule of the dev stage may take to come round twice: it fires every minute, at a tick
// of ten seconds, and the first time may find the failure not due yet.
const scheduleLimit = 150 * time.Second
