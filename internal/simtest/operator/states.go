package operator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// called has the fields of the Step Functions calls.
type called struct{ StateMachineArn, Name, Input, ExecutionArn string }

// serveStates answers a call of Step Functions, with the world's state machine.
func serveStates(w http.ResponseWriter, r *http.Request, m sfn.API) {
	var in called
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	out, err := answer(r.Context(), m, op, in)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var api smithy.APIError
	if errors.As(err, &api) {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": api.ErrorCode(), "message": api.ErrorMessage()}
	}
	_ = json.NewEncoder(w).Encode(out) // the test fails without it
}

func answer(ctx context.Context, m sfn.API, op string, in called) (map[string]any, error) {
	if op == "StartExecution" {
		out, err := m.StartExecution(ctx, &awssfn.StartExecutionInput{StateMachineArn: &in.StateMachineArn, Name: &in.Name, Input: &in.Input})
		if err != nil {
			return nil, err
		}
		return map[string]any{"executionArn": *out.ExecutionArn, "startDate": 1}, nil
	}
	out, err := m.DescribeExecution(ctx, &awssfn.DescribeExecutionInput{ExecutionArn: &in.ExecutionArn})
	if err != nil {
		return nil, err
	}
	if op == "DescribeExecution" {
		return map[string]any{"executionArn": in.ExecutionArn, "status": out.Status, "startDate": 1, "error": out.Error, "cause": out.Cause}, nil
	}
	history := []any{map[string]any{"id": 1, "timestamp": 1, "type": "ExecutionStarted"}}
	if aws.ToString(out.Error) != errs.InvalidEvent {
		history = append(history, map[string]any{
			"id": 2, "timestamp": 1, "type": "TaskStateExited", "stateExitedEventDetails": map[string]any{"name": schema.RecordState},
		})
	}
	return map[string]any{"events": history}, nil
}
