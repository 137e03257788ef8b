package smoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

func eventSize(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("size")
	fits, err := sized(id, owner, replay.MaxEventBytes)
	if err != nil {
		return "", err
	}
	if _, err := e.ingest(ctx, fits, types.ExecutionStatusSucceeded); err != nil {
		return "", err
	}
	if _, err := e.replayOf(ctx, id); err != nil {
		return "", err
	}
	over, err := sized(id+"-over", owner, tooLarge)
	if err != nil {
		return "", err
	}
	got, err := e.ingest(ctx, over, types.ExecutionStatusFailed)
	if err != nil {
		return "", err
	}
	if aws.ToString(got.Error) != errs.EventTooLarge {
		return "", fmt.Errorf("%d bytes fail with %s, want %s", tooLarge, aws.ToString(got.Error), errs.EventTooLarge)
	}
	return fmt.Sprintf("%d bytes pass, %d do not", replay.MaxEventBytes, tooLarge), nil
}

func inputLimit(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("limit")
	event, err := sized(id, owner, replay.MaxExecutionInputBytes+1)
	if err != nil {
		return "", err
	}
	name, err := e.start(ctx, event)
	if err == nil {
		return "", fmt.Errorf("an input of %d bytes was accepted as execution %s", len(event), name)
	}
	if !errs.HasCode(err, "InvalidExecutionInput") && !errs.HasCode(err, "ValidationException") {
		return "", err
	}
	return shorten(err.Error()), nil
}

func wholeNumbers(ctx context.Context, e *env) (string, error) {
	return e.digits(ctx, "whole", "123456789012345678901234567890", "9007199254740993")
}

func decimals(ctx context.Context, e *env) (string, error) {
	return e.digits(ctx, "decimal", "1.10", "0.1234567890123456789012345", "12345678901234567890.5")
}

// digits ingests numbers and searches for their spelling in the event log, then in the input of a replay.
func (e *env) digits(ctx context.Context, check string, numbers ...string) (string, error) {
	id, owner := e.resource(check)
	raw := json.RawMessage("[" + strings.Join(numbers, ",") + "]")
	if _, err := e.ingest(ctx, listing(id, owner, map[string]json.RawMessage{"digits": raw}), types.ExecutionStatusSucceeded); err != nil {
		return "", err
	}
	stored, err := e.events(ctx, id)
	if err != nil {
		return "", err
	}
	item, err := e.replayOf(ctx, id)
	if err != nil {
		return "", err
	}
	run, err := e.Machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &item.ExecutionARN})
	if err != nil {
		return "", fmt.Errorf("describe replay: %w", err)
	}
	var faults []error
	for _, place := range []struct{ name, text string }{
		{"event log", string(stored[0])}, {"input of the replay", aws.ToString(run.Input)},
	} {
		if !strings.Contains(place.text, `"digits":`+string(raw)) {
			faults = append(faults, fmt.Errorf("the %s does not contain %s: %s", place.name, raw, shorten(place.text)))
		}
	}
	return strings.Join(numbers, " "), errors.Join(faults...)
}

// events returns every event of a resource that S3 holds, newest first, copies of one execution included.
func (e *env) events(ctx context.Context, resourceID string) ([][]byte, error) {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return nil, err
	}
	bucket := e.EventLogBucket
	list, err := e.Bucket.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &key})
	if err != nil {
		return nil, fmt.Errorf("list versions of %s: %w", key, err)
	}
	log := eventlog.New(e.Bucket, bucket)
	var events [][]byte
	for _, v := range list.Versions {
		if aws.ToString(v.Key) != key {
			continue
		}
		event, err := log.Event(ctx, resourceID, aws.ToString(v.VersionId))
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("the event log has no %s", key)
	}
	return events, nil
}

func ingestionVariable(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("variable")
	run, err := e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusSucceeded)
	if err != nil {
		return "", err
	}
	history, err := e.History(ctx, *run.Name)
	if err != nil {
		return "", err
	}
	for _, h := range history {
		exit := h.StateExitedEventDetails
		if exit == nil || aws.ToString(exit.Name) != schema.RecordState {
			continue
		}
		var v struct{ ResourceID, OwnerID, VersionID string }
		if err := json.Unmarshal([]byte(exit.AssignedVariables["ingestion"]), &v); err != nil {
			return "", fmt.Errorf("variables of state %s: got %v: %w", schema.RecordState, exit.AssignedVariables, err)
		}
		if v.ResourceID != id || v.OwnerID != owner || v.VersionID == "" {
			return "", fmt.Errorf("$ingestion is %s", exit.AssignedVariables["ingestion"])
		}
		return "$ingestion is " + exit.AssignedVariables["ingestion"], nil
	}
	return "", fmt.Errorf("the history of %s has no end of state %s", *run.Name, schema.RecordState)
}

func attemptContext(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("context")
	run, err := e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusSucceeded)
	if err != nil {
		return "", err
	}
	a, err := e.attempt(ctx, *run.Name, schema.RecordState)
	if err != nil {
		return "", err
	}
	if *a.RetryCount != 0 || *a.Execution.RedriveCount != 0 || a.Execution.Name != *run.Name {
		return "", fmt.Errorf("got retryCount %d, redriveCount %d, name %s; want 0, 0, %s", *a.RetryCount,
			*a.Execution.RedriveCount, a.Execution.Name, *run.Name)
	}
	return "retryCount 0, redriveCount 0", nil
}

// attempt is the payload that tells a state's function about the attempt. A nil number was absent.
type attempt struct {
	RetryCount *int
	Execution  struct {
		Name         string
		RedriveCount *int
	}
}

// attempt reads the payload of the last attempt of a state from the history.
func (e *env) attempt(ctx context.Context, execution, state string) (attempt, error) {
	var a attempt
	history, err := e.History(ctx, execution)
	if err != nil {
		return a, err
	}
	entered, payload := "", ""
	for _, h := range history {
		if d := h.StateEnteredEventDetails; d != nil {
			entered = aws.ToString(d.Name)
		}
		if d := h.LambdaFunctionScheduledEventDetails; d != nil && entered == state {
			payload = aws.ToString(d.Input)
		}
	}
	if err := json.Unmarshal([]byte(payload), &a); err != nil {
		return a, fmt.Errorf("payload of state %s: %w: %q", state, err, shorten(payload))
	}
	if a.RetryCount == nil || a.Execution.RedriveCount == nil {
		return a, fmt.Errorf("payload of state %s has no retryCount or no redriveCount: %s", state, shorten(payload))
	}
	return a, nil
}
