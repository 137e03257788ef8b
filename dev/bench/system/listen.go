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
	return drain(ctx, c, instances, until, c.Replays, func(s *System) handler { return s.Listen })
}

// DrainOutcomes runs a number of tracker instances on a queue of outcomes, as Drain does.
func DrainOutcomes(ctx context.Context, c *cloud.Cloud, instances int, until time.Time, outcomes *awstest.Queue) error {
	return drain(ctx, c, instances, until, outcomes, func(s *System) handler { return s.Track })
}

// handler hands messages to a function.
type handler func(ctx context.Context, bodies ...string) error

func drain(ctx context.Context, c *cloud.Cloud, instances int, until time.Time, queue *awstest.Queue, handlerOf func(*System) handler) error {
	group, gctx := errgroup.WithContext(ctx)
	for range instances {
		s, err := New(c)
		if err != nil {
			return err
		}
		handle := handlerOf(s)
		group.Go(func() error {
			for time.Now().Before(until) {
				bodies := awstest.Bodies(queue.Take(simtest.BatchSize))
				if len(bodies) == 0 {
					if err := smithytime.SleepWithContext(gctx, time.Millisecond); err != nil {
						return err
					}
					continue
				}
				if err := handle(gctx, bodies...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
