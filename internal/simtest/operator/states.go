package operator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/fault"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/simtest/engine"
)

// serveStates answers a call of Step Functions, with the world's state machine.
func serveStates(w http.ResponseWriter, r *http.Request, m *engine.Machine) {
	var in struct{ Name, Input, ExecutionArn string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, err := states(r.Context(), m, op, in.Name, in.Input, in.ExecutionArn)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var api smithy.APIError
	if errors.As(err, &api) {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": api.ErrorCode(), "message": api.ErrorMessage()}
	}
	_ = json.NewEncoder(w).Encode(out) // the test fails without it
}

func states(ctx context.Context, m *engine.Machine, op, name, input, arn string) (map[string]any, error) {
	if op == "StartExecution" {
		out, err := m.StartExecution(ctx, &sfn.StartExecutionInput{Name: &name, Input: &input})
		if err != nil {
			return nil, err
		}
		return map[string]any{"executionArn": *out.ExecutionArn, "startDate": 1}, nil
	}
	out, err := m.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return nil, err
	}
	if op == "DescribeExecution" {
		return map[string]any{"executionArn": arn, "status": out.Status, "startDate": 1, "error": out.Error, "cause": out.Cause}, nil
	}
	history := []any{map[string]any{"id": 1, "timestamp": 1, "type": "ExecutionStarted"}}
	if aws.ToString(out.Error) != fault.InvalidEvent {
		history = append(history, map[string]any{
			"id": 2, "timestamp": 1, "type": "TaskStateExited", "stateExitedEventDetails": map[string]any{"name": schema.RecordState},
		})
	}
	return map[string]any{"events": history}, nil
}
