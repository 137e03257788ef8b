package observe

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// scheduledEvent is what EventBridge Scheduler sends to a function whose schedule gives no input.
const scheduledEvent = `{"version":"0","id":"0d3f1a5e-7f3c-4d0b-9a55-3a8f6c1d2b4e","detail-type":"Scheduled Event",` +
	`"source":"aws.scheduler","account":"000000000000","time":"2026-01-01T00:00:00Z","region":"us-east-1",` +
	`"resources":["arn:aws:scheduler:us-east-1:000000000000:schedule/default/auto-replay"],"detail":"{}"}`

// AutoReplaySummary is what a run of auto-replay returns.
type AutoReplaySummary struct {
	Skipped bool // the run met another one, and did nothing
	Errors  int
}

// FunctionError means that a function was invoked and failed. Its text is the function's answer.
type FunctionError []byte

func (e FunctionError) Error() string { return string(e) }

// AutoReplay runs auto-replay once, as its schedule does. The error is a FunctionError if the function failed.
func (s *System) AutoReplay(ctx context.Context, function string) (summary AutoReplaySummary, err error) {
	out, err := s.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: []byte(scheduledEvent)})
	if err != nil {
		return summary, fmt.Errorf("invoke %s: %w", function, err)
	}
	if out.FunctionError != nil {
		return summary, FunctionError(out.Payload)
	}
	return summary, json.Unmarshal(out.Payload, &summary)
}
