package awstest

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// ListExecutions is Step Functions': newest start first.
func (s States) ListExecutions(_ context.Context, in *sfn.ListExecutionsInput, _ ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error) {
	m, err := s.machine(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Lists++
	from := 0
	if in.NextToken != nil {
		if from, err = strconv.Atoi(*in.NextToken); err != nil {
			return nil, &types.InvalidToken{Message: in.NextToken}
		}
	}
	size := int(in.MaxResults)
	if m.PageSize > 0 {
		size = min(size, m.PageSize)
	}
	out := &sfn.ListExecutionsOutput{}
	matched := 0
	for _, name := range slices.Backward(m.order) {
		if m.executions[name].Status != in.StatusFilter {
			continue
		}
		if matched++; matched <= from {
			continue
		}
		if len(out.Executions) == size {
			out.NextToken = aws.String(strconv.Itoa(from + size))
			break
		}
		x := *m.executions[name]
		item := types.ExecutionListItem{
			Name: &x.Name, ExecutionArn: aws.String(x.ARN()), StateMachineArn: &x.Machine, Status: x.Status,
			StartDate: &x.Started, RedriveCount: aws.Int32(x.Redrives),
		}
		if !x.Stopped.IsZero() {
			item.StopDate = &x.Stopped
		}
		out.Executions = append(out.Executions, item)
	}
	return out, nil
}

// GetExecutionHistory is Step Functions', for an execution in which a state of the user failed.
func (s States) GetExecutionHistory(_ context.Context, in *sfn.GetExecutionHistoryInput, _ ...func(*sfn.Options)) (*sfn.GetExecutionHistoryOutput, error) {
	_, x, err := s.execution(in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	out := &sfn.GetExecutionHistoryOutput{}
	if x.Status == types.ExecutionStatusFailed {
		out.Events = []types.HistoryEvent{
			{Id: 4, PreviousEventId: 3, Type: types.HistoryEventTypeExecutionFailed},
			{Id: 3, PreviousEventId: 2, Type: types.HistoryEventTypeTaskFailed},
			{
				Id: 2, PreviousEventId: 1, Type: types.HistoryEventTypeTaskStateEntered,
				StateEnteredEventDetails: &types.StateEnteredEventDetails{Name: aws.String("Work")},
			},
		}
	}
	return out, nil
}
