package engine

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// ListExecutions is Step Functions': those that started last first.
func (m *Machine) ListExecutions(_ context.Context, in *sfn.ListExecutionsInput, _ ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Lists++
	var all []types.ExecutionListItem
	for _, name := range slices.Backward(m.order) {
		x := m.executions[name]
		if x.status != in.StatusFilter {
			continue
		}
		item := types.ExecutionListItem{
			Name: &x.name, ExecutionArn: aws.String(executionARN(name)), Status: x.status, StartDate: &x.started,
			RedriveCount: aws.Int32(x.redrives),
		}
		if !x.stopped.IsZero() {
			item.StopDate = &x.stopped
		}
		all = append(all, item)
	}
	from := 0
	if in.NextToken != nil {
		var err error
		if from, err = strconv.Atoi(*in.NextToken); err != nil {
			return nil, &types.InvalidToken{Message: in.NextToken}
		}
	}
	size := min(int(in.MaxResults), m.pageSize())
	to := min(from+size, len(all))
	out := &sfn.ListExecutionsOutput{Executions: all[min(from, to):to]}
	if to < len(all) {
		out.NextToken = aws.String(strconv.Itoa(to))
	}
	return out, nil
}

func (m *Machine) pageSize() int {
	if m.PageSize > 0 {
		return m.PageSize
	}
	return 1000
}

// GetExecutionHistory is Step Functions', of an execution whose user's state failed.
func (m *Machine) GetExecutionHistory(_ context.Context, in *sfn.GetExecutionHistoryInput, _ ...func(*sfn.Options)) (*sfn.GetExecutionHistoryOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x, ok := m.executions[(*in.ExecutionArn)[strings.LastIndex(*in.ExecutionArn, ":")+1:]]
	if !ok {
		return nil, &types.ExecutionDoesNotExist{}
	}
	out := &sfn.GetExecutionHistoryOutput{}
	if x.status == types.ExecutionStatusFailed {
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

// ListExecutions is Step Functions'. Nobody lists series.
func (s *Series) ListExecutions(context.Context, *sfn.ListExecutionsInput, ...func(*sfn.Options)) (*sfn.ListExecutionsOutput, error) {
	return &sfn.ListExecutionsOutput{}, nil
}

// GetExecutionHistory is Step Functions'. Nobody asks for that of a series.
func (s *Series) GetExecutionHistory(context.Context, *sfn.GetExecutionHistoryInput, ...func(*sfn.Options)) (*sfn.GetExecutionHistoryOutput, error) {
	return &sfn.GetExecutionHistoryOutput{}, nil
}
