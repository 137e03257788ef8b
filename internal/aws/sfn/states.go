// Package sfn starts and describes executions of one Step Functions state machine.
package sfn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
)

// ErrNotFound means that Step Functions knows no such execution.
var ErrNotFound = errors.New("execution does not exist")

// API is the part of the Step Functions client that a machine uses.
type API interface {
	StartExecution(context.Context, *sfn.StartExecutionInput, ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
	RedriveExecution(context.Context, *sfn.RedriveExecutionInput, ...func(*sfn.Options)) (*sfn.RedriveExecutionOutput, error)
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
	ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error)
	GetExecutionHistory(context.Context, *sfn.GetExecutionHistoryInput, ...func(*sfn.Options)) (*sfn.GetExecutionHistoryOutput, error)
}

// Machine is one state machine.
type Machine struct {
	api API
	arn string
}

// New returns the machine with an ARN.
func New(api API, arn string) *Machine {
	return &Machine{api: api, arn: arn}
}

// ExecutionARN returns the ARN of an execution of this machine by its name.
func (m *Machine) ExecutionARN(name string) string {
	return strings.Replace(m.arn, ":stateMachine:", ":execution:", 1) + ":" + name
}

// Start starts an execution and returns its ARN. One that exists under this name is taken as started: names are
// deterministic, so an earlier delivery of the same message started it. A call that is throttled is not repeated at
// once: live producers need what the quota has.
func (m *Machine) Start(ctx context.Context, name string, input []byte) (string, error) {
	out, err := m.api.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &m.arn, Name: &name, Input: aws.String(string(input)),
	}, func(o *sfn.Options) { o.Retryer = yielding{o.Retryer} })
	var exists *types.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return m.ExecutionARN(name), nil
	}
	if err != nil {
		return "", fmt.Errorf("start execution %s: %w", name, err)
	}
	return aws.ToString(out.ExecutionArn), nil
}

// yielding repeats no call that was throttled.
type yielding struct{ aws.Retryer }

// IsErrorRetryable reports whether a call is repeated after an error.
func (r yielding) IsErrorRetryable(err error) bool {
	return !errs.Throttled(err) && r.Retryer.IsErrorRetryable(err)
}

// ErrNotRedrivable means that Step Functions does not redrive an execution, and never will as it stands.
var ErrNotRedrivable = errors.New("execution cannot be redriven")

// Redrive goes on with an execution that has not succeeded, from the states that failed. It returns ErrNotRedrivable if
// Step Functions refuses that, and ErrNotFound. A token that has redriven the execution within 15 minutes does so once.
func (m *Machine) Redrive(ctx context.Context, name, token string) error {
	arn := m.ExecutionARN(name)
	_, err := m.api.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: &arn, ClientToken: &token})
	var missing *types.ExecutionDoesNotExist
	var refused *types.ExecutionNotRedrivable
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("redrive execution %s: %w", name, ErrNotFound)
	case errors.As(err, &refused):
		return fmt.Errorf("redrive execution %s: %w: %s", name, ErrNotRedrivable, aws.ToString(refused.Message))
	case err != nil:
		return fmt.Errorf("redrive execution %s: %w", name, err)
	}
	return nil
}

// Description is what Step Functions knows about an execution.
type Description struct {
	domain.Ended
	StartedAt time.Time
	Input     []byte

	Unredrivable string // why it cannot be redriven; empty: it can
}

// Describe returns what Step Functions knows about an execution, or ErrNotFound.
func (m *Machine) Describe(ctx context.Context, name string) (Description, error) {
	arn := m.ExecutionARN(name)
	out, err := m.api.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	var missing *types.ExecutionDoesNotExist
	if errors.As(err, &missing) {
		return Description{}, fmt.Errorf("execution %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return Description{}, fmt.Errorf("describe execution %s: %w", name, err)
	}
	d := Description{
		Ended: domain.Ended{
			Name: name, ARN: arn, Status: domain.ExecutionStatus(out.Status),
			Error: aws.ToString(out.Error), Cause: aws.ToString(out.Cause),
			StoppedAt: aws.ToTime(out.StopDate), RedriveCount: int(aws.ToInt32(out.RedriveCount)),
		},
		StartedAt: aws.ToTime(out.StartDate),
		Input:     []byte(aws.ToString(out.Input)),
	}
	if out.RedriveStatus == types.ExecutionRedriveStatusNotRedrivable {
		d.Unredrivable = cmp.Or(aws.ToString(out.RedriveStatusReason), "Step Functions gives no reason")
	}
	if d.Status == domain.TimedOut && d.Error == "" {
		d.Error = "States.Timeout"
	}
	return d, nil
}
