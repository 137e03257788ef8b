package local

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"

	"github.com/ce873799/replayable-ingestion/internal/config"
)

// hurryAutoReplay gives the schedules of auto-replay the interval of the options. Others stay as they are.
func (r *run) hurryAutoReplay(ctx context.Context, d *deployed) error {
	if r.opts.AutoReplayInterval <= 0 {
		return nil
	}
	client := scheduler.NewFromConfig(r.stack.Config())
	for _, outputs := range d.outputs {
		for _, value := range outputs {
			i, err := config.DecodeManifest(value)
			if err != nil {
				continue // another output
			}
			s, err := client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: &i.Schedule})
			if err == nil {
				_, err = client.UpdateSchedule(ctx, &scheduler.UpdateScheduleInput{
					Name: s.Name, GroupName: s.GroupName, State: s.State, Description: s.Description, Target: s.Target,
					FlexibleTimeWindow: s.FlexibleTimeWindow,
					ScheduleExpression: aws.String(fmt.Sprintf("rate(%.0f seconds)", r.opts.AutoReplayInterval.Seconds())),
				})
			}
			if err != nil {
				return fmt.Errorf("run auto-replay of %s more often: %w", i.Path, err)
			}
		}
	}
	return nil
}
