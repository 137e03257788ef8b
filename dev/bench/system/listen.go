package system

import (
	"context"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
)

// Drain lets so many instances of the listener work off the Replay queue until a time, as an event source mapping with
// that MaximumConcurrency does: each instance takes a batch at a time.
func Drain(ctx context.Context, c *cloud.Cloud, instances int, until time.Time) error {
	group, gctx := errgroup.WithContext(ctx)
	for range instances {
		s, err := New(Options{Cloud: c})
		if err != nil {
			return err
		}
		group.Go(func() error {
			for time.Now().Before(until) {
				messages, _ := c.Replays.Take(batchSize)
				if len(messages) == 0 {
					if err := smithytime.SleepWithContext(gctx, time.Millisecond); err != nil {
						return err
					}
					continue
				}
				bodies := make([]string, len(messages))
				for i, m := range messages {
					bodies[i] = m.Body
				}
				answer, err := s.listen(gctx, batch(bodies))
				if err := accepted("listener", answer, err); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
