package system

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// Record records an event with an execution that Step Functions does not have.
func (s *System) Record(ctx context.Context, name, event string) error {
	return s.Invoke(ctx, simtest.Record, func(ctx context.Context) error {
		x := awstest.Execution{Name: name, Machine: simtest.MachineARN, Input: event, Started: time.Now()}
		_, err := s.Recorder.Handle(ctx, simtest.RecordInput(x))
		return err
	})
}

// Heal runs auto-replay once, and what it starts.
func (s *System) Heal(ctx context.Context, ahead time.Duration) error {
	s.ahead.Add(int64(ahead))
	if _, err := s.Schedule(ctx, autoreplay.Request{}); err != nil {
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
	answer, err := s.Call(ctx, req)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %d %s: %w", req.HTTPMethod, req.Resource, answer.StatusCode,
			strings.TrimSpace(answer.Body), simtest.ErrRefused)
	}
	return body, json.Unmarshal([]byte(answer.Body), &body)
}
