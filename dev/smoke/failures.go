package smoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// settled runs auto-replay until the failure of an execution's first run is no longer open.
func (e *env) settled(ctx context.Context, execution string) (domain.Failure, error) {
	var f domain.Failure
	err := eventually(ctx, "failure of "+execution+" is decided on", func() (done bool, err error) {
		f, err = e.Book.Failures.Get(ctx, domain.FailureID(execution, 0))
		switch {
		case err == nil && !f.Status.Open():
			return true, nil
		case err != nil && !errors.Is(err, ledger.ErrNotFound):
			return false, err
		}
		return false, e.nudge(ctx)
	})
	if err != nil {
		return f, fmt.Errorf("%w (its row: status %q, decision %q)", err, f.Status, f.Decision)
	}
	return f, nil
}

// decided is settled for a failure that is to get a status.
func (e *env) decided(ctx context.Context, execution string, want domain.FailureStatus) (domain.Failure, error) {
	f, err := e.settled(ctx, execution)
	if err == nil && f.Status != want {
		err = fmt.Errorf("the failure of %s is %s: %s, want %s", execution, f.Status, f.Decision, want)
	}
	return f, err
}

// nudge runs auto-replay on the emulator. On an account the schedule runs it, in about a minute.
func (e *env) nudge(ctx context.Context) error {
	if !e.Emulator {
		return smithytime.SleepWithContext(ctx, 2*time.Second)
	}
	if _, err := e.AutoReplay(ctx, e.ingestion.Functions["AutoReplay"]); err != nil {
		return fmt.Errorf("auto-replay failed: %w", err)
	}
	return nil
}

func failurePointer(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("pointer")
	const secret = "nobody but the workflow may read this"
	run, err := e.ingest(ctx, badListing(id, owner, secret), types.ExecutionStatusFailed)
	if err != nil {
		return "", err
	}
	body, err := e.deadLetter(ctx, *run.Name)
	if err != nil {
		return "", err
	}
	seen := "the schedule took the message before it could be read"
	if body != "" {
		if err := checkPointer(body, secret); err != nil {
			return "", err
		}
		seen = "pointer " + body
	}
	f, err := e.settled(ctx, *run.Name)
	if err != nil {
		return "", err
	}
	if f.Status != domain.Quarantined || f.Error != "InvalidListing" || f.Cause == "" || f.ResourceID != id {
		return "", fmt.Errorf("the failure is %s of %q with error %q and cause %q, want QUARANTINED of %q with InvalidListing",
			f.Status, f.ResourceID, f.Error, f.Cause, id)
	}
	return seen, nil
}

func outcome(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("outcome")
	run, err := e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusSucceeded)
	if err != nil {
		return "", err
	}
	var row domain.Execution
	err = eventually(ctx, "the tracker settles "+*run.Name, func() (bool, error) {
		row, err = e.Book.Executions.Get(ctx, *run.Name)
		return err == nil && !row.StoppedAt.IsZero(), err
	})
	if err != nil {
		return "", err
	}
	if row.Status != domain.Succeeded || row.Error != "" || !row.StoppedAt.Equal(domain.At(*run.StopDate).Time) {
		return "", fmt.Errorf("settled as %s with error %q at %s, want SUCCEEDED at %s", row.Status, row.Error, row.StoppedAt, run.StopDate)
	}
	return "settled at " + row.StoppedAt.String(), nil
}

// deadLetter returns the dead letter of an execution and leaves it in the queue; empty if auto-replay was faster.
func (e *env) deadLetter(ctx context.Context, execution string) (body string, err error) {
	queue := e.DeadLetterQueueURL
	err = eventually(ctx, "dead letter of "+execution, func() (bool, error) {
		out, err := e.Queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 1,
		})
		if err != nil {
			return false, err
		}
		for _, m := range out.Messages {
			if strings.Contains(aws.ToString(m.Body), execution) {
				body = aws.ToString(m.Body)
				return true, nil
			}
		}
		_, err = e.Book.Failures.Get(ctx, domain.FailureID(execution, 0))
		if errors.Is(err, ledger.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	})
	return body, err
}

// checkPointer reports errors in a message that a rule created.
func checkPointer(body, secret string) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		return fmt.Errorf("the dead letter is not JSON: %w: %s", err, shorten(body))
	}
	if strings.Contains(body, secret) {
		return fmt.Errorf("the dead letter carries the execution's input: %s", shorten(body))
	}
	m, err := protocol.DecodeStatusMessage(body)
	if err != nil {
		return fmt.Errorf("%w: %s", err, shorten(body))
	}
	if m.Status != "FAILED" || m.StopDate.IsZero() || m.StartDate.IsZero() || m.Error == "" {
		return fmt.Errorf("the dead letter lacks status, error or times: %s", shorten(body))
	}
	return nil
}

// failIn ingests an event while the geocoder is in a mode, and waits until its execution has failed.
func (e *env) failIn(ctx context.Context, mode, check string) (*sfn.DescribeExecutionOutput, string, error) {
	id, owner := e.resource(check)
	var run *sfn.DescribeExecutionOutput
	err := e.during(ctx, mode, func() (err error) {
		run, err = e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusFailed)
		return err
	})
	return run, id, err
}

func autoReplay(ctx context.Context, e *env) (string, error) {
	run, id, err := e.failIn(ctx, "unavailable", "outage")
	if err != nil {
		return "", err
	}
	f, err := e.decided(ctx, *run.Name, domain.Healed)
	if err == nil && f.ResourceID != id {
		err = fmt.Errorf("the failure is of %q, want %q", f.ResourceID, id)
	}
	return fmt.Sprintf("error %s, healed by %s", f.Error, f.HealedBy), err
}

func functionTimeout(ctx context.Context, e *env) (string, error) {
	run, _, err := e.failIn(ctx, "hang", "hang")
	if err != nil {
		return "", err
	}
	name := aws.ToString(run.Error)
	if !(domain.RetryPolicy{RetryOn: domain.DefaultRetryOn()}).Retriable(name) {
		return "", fmt.Errorf("error %s is not retried by default; its cause is %s", name, shorten(aws.ToString(run.Cause)))
	}
	f, err := e.decided(ctx, *run.Name, domain.Healed)
	return "error " + name + ", healed by " + f.HealedBy, err
}

func expiredVersion(ctx context.Context, e *env) (string, error) {
	var run *sfn.DescribeExecutionOutput
	id, owner := e.resource("expired")
	err := e.during(ctx, "unavailable", func() (err error) {
		if run, err = e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusFailed); err != nil {
			return err
		}
		return e.deleteVersions(ctx, id)
	})
	if err != nil {
		return "", err
	}
	f, err := e.decided(ctx, *run.Name, domain.Quarantined)
	return f.Decision, err
}

// deleteVersions deletes the versions of a resource as a lifecycle rule would: for good, without a delete marker.
func (e *env) deleteVersions(ctx context.Context, resourceID string) error {
	key, err := replay.EventKey(resourceID)
	if err != nil {
		return err
	}
	bucket := e.EventLogBucket
	for v, err := range eventlog.New(e.Bucket, bucket).Versions(ctx, resourceID, "") {
		if err != nil {
			return err
		}
		if _, err := e.Bucket.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key, VersionId: &v.ID}); err != nil {
			return fmt.Errorf("delete version of %s: %w", key, err)
		}
	}
	return nil
}

func redrive(ctx context.Context, e *env) (string, error) {
	run, _, err := e.failIn(ctx, "unavailable", "redrive")
	if err != nil {
		return "", err
	}
	if _, err := e.Machine.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: run.ExecutionArn}); err != nil {
		return "", fmt.Errorf("redrive %s: %w", *run.Name, err)
	}
	if _, err := e.ended(ctx, *run.Name, types.ExecutionStatusSucceeded); err != nil {
		return "", err
	}
	a, err := e.attempt(ctx, *run.Name, schema.PublishState)
	if err != nil {
		return "", err
	}
	if *a.Execution.RedriveCount != 1 {
		return "", fmt.Errorf("the %s state got redriveCount %d, want 1", schema.PublishState, *a.Execution.RedriveCount)
	}
	f, err := e.settled(ctx, *run.Name)
	if err != nil {
		return "", err
	}
	// Auto-replay may have sent its replay before the redrive. Then the replay closed the failure.
	if !slices.Contains([]domain.FailureStatus{domain.Closed, domain.Healed}, f.Status) {
		return "", fmt.Errorf("the failure is %s: %s; want %s", f.Status, f.Decision, domain.Closed)
	}
	return fmt.Sprintf("failure %s: %s", f.Status, f.Decision), nil
}

func timedOut(ctx context.Context, e *env) (string, error) {
	m, err := e.Machine.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &e.StateMachineARN})
	if err != nil {
		return "", fmt.Errorf("describe state machine: %w", err)
	}
	var definition struct{ TimeoutSeconds int }
	if err := json.Unmarshal([]byte(aws.ToString(m.Definition)), &definition); err != nil {
		return "", fmt.Errorf("definition of the state machine: %w", err)
	}
	// The enrich function's own timeout of 3 seconds would come first.
	if definition.TimeoutSeconds < 1 || definition.TimeoutSeconds > 2 {
		return "", skipped{"the workflow has no Timeout of 1 or 2 seconds; deploy the stage with one to run this check"}
	}
	id, owner := e.resource("timeout")
	var run *sfn.DescribeExecutionOutput
	err = e.during(ctx, "hang", func() (err error) {
		run, err = e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusTimedOut)
		return err
	})
	if err != nil {
		return "", err
	}
	f, err := e.settled(ctx, *run.Name)
	if err != nil {
		return "", err
	}
	if f.Error != "States.Timeout" {
		return "", fmt.Errorf("the failure's error is %q, want States.Timeout", f.Error)
	}
	return fmt.Sprintf("failure %s: %s", f.Status, f.Decision), nil
}
