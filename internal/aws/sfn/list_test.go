package sfn_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
)

// history answers GetExecutionHistory in reverse order. The other calls are not made.
type history struct {
	sfn.API
	events []types.HistoryEvent
}

func (h history) GetExecutionHistory(_ context.Context, in *awssfn.GetExecutionHistoryInput, _ ...func(*awssfn.Options)) (*awssfn.GetExecutionHistoryOutput, error) {
	if !in.ReverseOrder || aws.ToBool(in.IncludeExecutionData) {
		panic("asked for more than the end of the history, or for data")
	}
	return &awssfn.GetExecutionHistoryOutput{Events: h.events}, nil
}

func entered(id, previous int64, kind types.HistoryEventType, name string) types.HistoryEvent {
	return types.HistoryEvent{
		Id: id, PreviousEventId: previous, Type: kind, StateEnteredEventDetails: &types.StateEnteredEventDetails{Name: &name},
	}
}

func event(id, previous int64, kind types.HistoryEventType) types.HistoryEvent {
	return types.HistoryEvent{Id: id, PreviousEventId: previous, Type: kind}
}

func TestFailedState(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events []types.HistoryEvent
		want   string
	}{
		{"a task failed", []types.HistoryEvent{
			event(5, 4, types.HistoryEventTypeExecutionFailed), event(4, 3, types.HistoryEventTypeTaskFailed),
			event(3, 2, types.HistoryEventTypeTaskStarted), entered(2, 1, types.HistoryEventTypeTaskStateEntered, "Enrich"),
		}, "Enrich"},
		// Branches run side by side: the last state that was entered, event 8, is that of the branch that did not fail.
		{"a branch of a Parallel failed", []types.HistoryEvent{
			event(12, 11, types.HistoryEventTypeExecutionFailed), event(11, 10, types.HistoryEventTypeParallelStateFailed),
			event(10, 9, types.HistoryEventTypeTaskFailed), event(9, 6, types.HistoryEventTypeTaskStarted),
			entered(8, 4, types.HistoryEventTypeTaskStateEntered, "Other"), event(6, 5, types.HistoryEventTypeTaskScheduled),
			entered(5, 4, types.HistoryEventTypeTaskStateEntered, "Inner"), event(4, 3, types.HistoryEventTypeParallelStateStarted),
		}, "Inner"},
		{"a Fail state", []types.HistoryEvent{
			event(8, 7, types.HistoryEventTypeExecutionFailed), entered(7, 6, types.HistoryEventTypeFailStateEntered, "Refuse"),
		}, "Refuse"},
		{"it timed out as a whole", []types.HistoryEvent{
			event(4, 3, types.HistoryEventTypeExecutionTimedOut), entered(3, 2, types.HistoryEventTypeTaskStateEntered, "Work"),
		}, ""},
		{"the state is too far back", []types.HistoryEvent{
			event(900, 899, types.HistoryEventTypeExecutionFailed), event(899, 898, types.HistoryEventTypeTaskFailed),
		}, ""},
		{"the history goes in a circle", []types.HistoryEvent{
			event(2, 1, types.HistoryEventTypeExecutionFailed), event(1, 2, types.HistoryEventTypeTaskFailed),
		}, ""},
		{"there is no history", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := sfn.New(history{events: tt.events}, "arn:aws:states:us-east-1:000000000000:stateMachine:m")
			if got, err := m.FailedState(t.Context(), "x"); err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
