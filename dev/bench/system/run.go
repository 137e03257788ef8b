package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

const batchSize = 10 // of the event source mappings

// ErrRefused means that a function refused what it must take.
var ErrRefused = errors.New("refused by a function")

// call counts a call of a function, and what follows until the result is called as its time.
func (s *System) call(function string) (done func()) {
	began := time.Now()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[function]++
		s.took[function] += time.Since(began)
	}
}

// Invocations returns how often each function was called.
func (s *System) Invocations() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Seconds returns how long the calls of each function took in all.
func (s *System) Seconds() map[string]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.took)
}

// Ingest starts an execution for an event, as a producer does.
func (s *System) Ingest(name, event string) error {
	return s.cloud.States.Start(cloud.Machine, name, event)
}

// Settle runs what was started, one after the other, tells the tracker how it ended, and delivers the messages of the
// Replay queue, until nothing is left to do.
func (s *System) Settle(ctx context.Context) error {
	for {
		started := s.cloud.States.Take()
		for _, x := range started {
			s.run(ctx, x)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.report(ctx); err != nil {
			return err
		}
		delivered, left, err := s.deliver(ctx)
		if err != nil {
			return err
		}
		if len(started) == 0 && delivered == 0 {
			if left == 0 {
				return nil
			}
			if err := smithytime.SleepWithContext(ctx, 10*time.Millisecond); err != nil { // they are held back
				return err
			}
		}
	}
}

// Begin returns an execution for Record that Step Functions does not have.
func (s *System) Begin(name, event string) *cloud.Execution {
	return &cloud.Execution{Name: name, Machine: cloud.Machine, Input: event, Started: time.Now()}
}

func executionOf(x *cloud.Execution) workflow.Execution {
	return workflow.Execution{ARN: x.ARN(), Name: x.Name, StartTime: x.Started}
}

// Record calls the function of the Record state, and returns the event that it hands on.
func (s *System) Record(ctx context.Context, x *cloud.Execution) (json.RawMessage, error) {
	done := s.call("Record")
	out, err := s.record(ctx, workflow.RecordInput{Input: json.RawMessage(x.Input), Execution: executionOf(x)})
	done()
	return out.Event, err
}

func (s *System) callPublish(ctx context.Context, x *cloud.Execution, output json.RawMessage) error {
	done := s.call("Publish")
	_, err := s.publish(ctx, workflow.PublishInput{Output: output, Execution: executionOf(x)})
	done()
	return err
}

// run is the ingestion's state machine: Record, the user's states, Publish.
func (s *System) run(ctx context.Context, x *cloud.Execution) {
	event, err := s.Record(ctx, x)
	if err != nil {
		s.fail(x, err)
		return
	}
	if s.opts.Work != nil {
		if fault := s.opts.Work(x.Name); fault != "" {
			s.end(x, fault, "the user's state failed")
			return
		}
	}
	if err := s.callPublish(ctx, x, event); err != nil {
		s.fail(x, err)
		return
	}
	s.end(x, "", "")
}

func (s *System) fail(x *cloud.Execution, err error) {
	var named messages.InvokeResponse_Error
	if errors.As(err, &named) {
		s.end(x, named.Type, named.Message)
		return
	}
	s.end(x, "Lambda.Unknown", err.Error())
}

// end ends an execution, and has EventBridge make its pointer of it.
func (s *System) end(x *cloud.Execution, fault, cause string) {
	s.cloud.States.End(x, fault, cause)
	named := "null"
	if fault != "" {
		named = fmt.Sprintf("%q", fault)
	}
	pointer := fmt.Sprintf(`{"v":1,"kind":"status","executionArn":%q,"name":%q,"stateMachineArn":%q,"status":%q,`+
		`"error":%s,"startDate":%d,"stopDate":%d,"redriveCount":0}`, x.ARN(), x.Name, x.Machine, x.Status, named,
		x.Started.UnixMilli(), x.Stopped.UnixMilli())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, pointer)
	if fault != "" && x.Machine == cloud.Machine {
		s.cloud.Dead.Put(pointer)
	}
}

// report hands the tracker how executions ended, in batches.
func (s *System) report(ctx context.Context) error {
	s.mu.Lock()
	ends := s.ends
	s.ends = nil
	s.mu.Unlock()
	for len(ends) > 0 {
		n := min(batchSize, len(ends))
		done := s.call("Tracker")
		answer, err := s.track(ctx, batch(ends[:n]))
		done()
		if err := accepted("tracker", answer, err); err != nil {
			return err
		}
		ends = ends[n:]
	}
	return nil
}

// deliver hands the listener what is due in the Replay queue, in batches.
func (s *System) deliver(ctx context.Context) (delivered, left int, err error) {
	for {
		messages, rest := s.cloud.Replays.Take(batchSize)
		if len(messages) == 0 {
			return delivered, rest, nil
		}
		delivered += len(messages)
		bodies := make([]string, len(messages))
		for i, m := range messages {
			bodies[i] = m.Body
		}
		done := s.call("ReplayListener")
		answer, err := s.listen(ctx, batch(bodies))
		done()
		if err := accepted("listener", answer, err); err != nil {
			return delivered, rest, err
		}
	}
}

func accepted(who string, answer events.SQSEventResponse, err error) error {
	if err == nil && len(answer.BatchItemFailures) > 0 {
		err = fmt.Errorf("%s: %d messages: %w", who, len(answer.BatchItemFailures), ErrRefused)
	}
	return err
}

func batch(bodies []string) (b events.SQSEvent) {
	for i, body := range bodies {
		b.Records = append(b.Records, events.SQSMessage{MessageId: fmt.Sprint("m", i), Body: body})
	}
	return b
}

// Heal runs auto-replay once, and what it starts.
func (s *System) Heal(ctx context.Context, ahead time.Duration) error {
	s.ahead.Add(int64(ahead))
	s.runs++
	done := s.call("AutoReplay")
	sum, err := s.heal(ctx, fmt.Sprint("run-", s.runs))
	done()
	if err == nil && sum.Errors > 0 {
		err = fmt.Errorf("auto-replay: %d errors: %w", sum.Errors, ErrRefused)
	}
	if err != nil {
		return err
	}
	return s.Settle(ctx)
}

// Replay asks the API for a replay, waits for its end and returns it as the API shows it.
func (s *System) Replay(ctx context.Context, request string) (map[string]any, error) {
	id, err := s.Ask(ctx, request)
	if err != nil {
		return nil, err
	}
	if err := s.Settle(ctx); err != nil {
		return nil, err
	}
	return s.ask(ctx, events.APIGatewayProxyRequest{
		HTTPMethod: "GET", Resource: "/replays/{replayId}", PathParameters: map[string]string{"replayId": id},
	})
}

// Ask asks the API for a replay, and returns its id.
func (s *System) Ask(ctx context.Context, request string) (id string, err error) {
	accepted, err := s.ask(ctx, events.APIGatewayProxyRequest{HTTPMethod: "POST", Resource: "/replays", Body: request})
	if err != nil {
		return "", err
	}
	id, _ = accepted["replayId"].(string)
	return id, nil
}

func (s *System) ask(ctx context.Context, req events.APIGatewayProxyRequest) (body map[string]any, err error) {
	req.RequestContext = events.APIGatewayProxyRequestContext{Stage: "v1", RequestID: "request"}
	done := s.call("ReplayHandler")
	answer, err := s.answer(ctx, req)
	done()
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %d %s: %w", req.HTTPMethod, req.Resource, answer.StatusCode,
			strings.TrimSpace(answer.Body), ErrRefused)
	}
	return body, json.Unmarshal([]byte(answer.Body), &body)
}
