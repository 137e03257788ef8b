package system

import (
	"context"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// Drain runs a number of listener instances on the Replay queue until a time, as an event source mapping with that
// MaximumConcurrency does: each instance takes a batch at a time.
func Drain(ctx context.Context, c *cloud.Cloud, instances int, until time.Time) error {
	group, gctx := errgroup.WithContext(ctx)
	for range instances {
		s, err := New(c)
		if err != nil {
			return err
		}
		group.Go(func() error {
			for time.Now().Before(until) {
				bodies := awstest.Bodies(c.Replays.Take(simtest.BatchSize))
				if len(bodies) == 0 {
					if err := smithytime.SleepWithContext(gctx, time.Millisecond); err != nil {
						return err
					}
					continue
				}
				if err := s.Listen(gctx, bodies...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
