package local

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// ScheduleAutoReplay gives the deployed schedules of auto-replay another expression, such as rate(10 seconds), and returns
// the one that they had: that of the first, if there are several. Other schedules stay as they are.
func (s *Stack) ScheduleAutoReplay(ctx context.Context, expression string) (before string, err error) {
	client := scheduler.NewFromConfig(s.Config())
	for _, outputs := range s.Outputs {
		for _, value := range outputs {
			i, err := config.DecodeManifest(value)
			if err != nil {
				continue // another output
			}
			now, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &i.Schedule})
			if err == nil {
				before = cmp.Or(before, aws.ToString(now.ScheduleExpression))
				_, err = client.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
					Name: now.Name, GroupName: now.GroupName, State: now.State, Description: now.Description, Target: now.Target,
					FlexibleTimeWindow: now.FlexibleTimeWindow, ScheduleExpression: &expression,
				})
			}
			if err != nil {
				return before, fmt.Errorf("change how often auto-replay of %s runs: %w", i.Path, err)
			}
		}
	}
	return before, nil
}
