package observe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Execution is an execution as Step Functions lists it.
type Execution struct {
	Name    string
	Status  domain.ExecutionStatus
	Error   string // of a failed one; empty in lists
	Started time.Time
	Stopped time.Time // zero while it runs
}

// Failed reports whether the execution failed or timed out.
func (e Execution) Failed() bool { return e.Status == domain.Failed || e.Status == domain.TimedOut }

// Ended reports whether the execution has ended.
func (e Execution) Ended() bool { return e.Status != domain.Running }

// Automatic reports whether the execution is an automatic replay.
func (e Execution) Automatic() bool { return strings.HasPrefix(e.Name, domain.AutoPrefix) }

// Requested reports whether a person or a service asked for the execution through the replay API.
func (e Execution) Requested() bool { return strings.HasPrefix(e.Name, domain.APIPrefix) }

// Live reports whether a producer started the execution.
func (e Execution) Live() bool { return !e.Automatic() && !e.Requested() }

// Executions lists all executions of the ingestion state machine, newest first.
func (s *System) Executions(ctx context.Context) ([]Execution, error) {
	var all []Execution
	pages := sfn.NewListExecutionsPaginator(s.Watcher, &sfn.ListExecutionsInput{
		StateMachineArn: &s.StateMachineARN, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list executions: %w", err)
		}
		for _, e := range page.Executions {
			all = append(all, Execution{
				Name: aws.ToString(e.Name), Status: domain.ExecutionStatus(e.Status),
				Started: aws.ToTime(e.StartDate), Stopped: aws.ToTime(e.StopDate),
			})
		}
	}
	return all, nil
}

// StartExecution starts an execution with an event, as a producer does. The name is used only once. If it already
// exists, the answer to a first attempt was lost.
func (s *System) StartExecution(ctx context.Context, name, event string) error {
	_, err := s.Machine.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &s.StateMachineARN, Name: &name, Input: &event})
	var exists *types.ExecutionAlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("start execution %s: %w", name, err)
	}
	return nil
}

// Describe returns what Step Functions knows about an execution, nil if it does not exist.
func (s *System) Describe(ctx context.Context, name string) (*sfn.DescribeExecutionOutput, error) {
	out, err := s.Watcher.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(s.ExecutionARN(name))})
	var missing *types.ExecutionDoesNotExist
	if errors.As(err, &missing) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("describe execution %s: %w", name, err)
	}
	return out, nil
}

// History returns the events of an execution, oldest first.
func (s *System) History(ctx context.Context, execution string) ([]types.HistoryEvent, error) {
	var events []types.HistoryEvent
	pages := sfn.NewGetExecutionHistoryPaginator(s.Watcher, &sfn.GetExecutionHistoryInput{
		ExecutionArn: aws.String(s.ExecutionARN(execution)), MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("history of %s: %w", execution, err)
		}
		events = append(events, page.Events...)
	}
	return events, nil
}

// LastAttempt returns when the last attempt of a state of an execution began.
func (s *System) LastAttempt(ctx context.Context, execution, state string) (at time.Time, err error) {
	history, err := s.History(ctx, execution)
	if err != nil {
		return at, err
	}
	in := false
	for _, e := range history {
		if e.StateEnteredEventDetails != nil {
			in = aws.ToString(e.StateEnteredEventDetails.Name) == state
		}
		begins := e.StateEnteredEventDetails != nil || e.Type == types.HistoryEventTypeTaskScheduled ||
			e.Type == types.HistoryEventTypeLambdaFunctionScheduled
		if in && begins {
			at = aws.ToTime(e.Timestamp)
		}
	}
	if at.IsZero() {
		return at, fmt.Errorf("history of %s: it never entered %s", execution, state)
	}
	return at, nil
}
