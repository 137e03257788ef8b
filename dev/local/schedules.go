package local

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// AutoReplayEvery gives the deployed schedules of auto-replay another interval, of seconds. Other schedules stay as they are.
func (s *Stack) AutoReplayEvery(ctx context.Context, interval time.Duration) error {
	client := scheduler.NewFromConfig(s.Config())
	for _, outputs := range s.Outputs {
		for _, value := range outputs {
			i, err := config.DecodeManifest(value)
			if err != nil {
				continue // another output
			}
			now, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &i.Schedule})
			if err == nil {
				_, err = client.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
					Name: now.Name, GroupName: now.GroupName, State: now.State, Description: now.Description, Target: now.Target,
					FlexibleTimeWindow: now.FlexibleTimeWindow,
					ScheduleExpression: aws.String(fmt.Sprintf("rate(%.0f seconds)", interval.Seconds())),
				})
			}
			if err != nil {
				return fmt.Errorf("change how often auto-replay of %s runs: %w", i.Path, err)
			}
		}
	}
	return nil
}
