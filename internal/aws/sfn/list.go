package sfn

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// Listed is what a list tells about an execution.
type Listed struct {
	Name         string
	Status       domain.ExecutionStatus
	StartedAt    time.Time
	StoppedAt    time.Time // zero while it runs
	RedriveCount int
}

// PageSize is the most executions that one call of List returns.
const PageSize = 1000

// List returns a page of the executions with a status, those that started last first, and the token of the next page,
// empty after the last. The list is eventually consistent: what changed within the last seconds may be missing.
func (m *Machine) List(ctx context.Context, status domain.ExecutionStatus, token string) ([]Listed, string, error) {
	in := &sfn.ListExecutionsInput{
		StateMachineArn: &m.arn, StatusFilter: types.ExecutionStatus(status), MaxResults: PageSize,
	}
	if token != "" {
		in.NextToken = &token
	}
	out, err := m.api.ListExecutions(ctx, in)
	if err != nil {
		return nil, "", fmt.Errorf("list executions: %w", err)
	}
	page := make([]Listed, len(out.Executions))
	for i, e := range out.Executions {
		page[i] = Listed{
			Name: aws.ToString(e.Name), Status: domain.ExecutionStatus(e.Status), StartedAt: aws.ToTime(e.StartDate),
			StoppedAt: aws.ToTime(e.StopDate), RedriveCount: int(aws.ToInt32(e.RedriveCount)),
		}
	}
	return page, aws.ToString(out.NextToken), nil
}

// lastEvents is how far back from its end the failing state of an execution is looked for. A state that fails is a few
// events away; one more for each level of nesting.
const lastEvents = 100

// FailedState returns the name of the state in which an execution failed, the innermost one; "" where none is known, as
// of an execution that timed out as a whole.
func (m *Machine) FailedState(ctx context.Context, name string) (string, error) {
	arn := m.ExecutionARN(name)
	out, err := m.api.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &arn, ReverseOrder: true, MaxResults: lastEvents, IncludeExecutionData: aws.Bool(false),
	})
	if err != nil {
		return "", fmt.Errorf("get history of execution %s: %w", name, err)
	}
	if len(out.Events) == 0 || out.Events[0].Type != types.HistoryEventTypeExecutionFailed {
		return "", nil
	}
	// Each event names the one that led to it, so that the parallel branches of others are passed over.
	byID := make(map[int64]types.HistoryEvent, len(out.Events))
	for _, e := range out.Events {
		byID[e.Id] = e
	}
	for e, ok := out.Events[0], true; ok; e, ok = byID[e.PreviousEventId] {
		if strings.HasSuffix(string(e.Type), "StateEntered") && e.StateEnteredEventDetails != nil {
			return aws.ToString(e.StateEnteredEventDetails.Name), nil
		}
		delete(byID, e.Id)
	}
	return "", nil
}
