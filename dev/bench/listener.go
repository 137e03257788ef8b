package bench

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/dev/bench/system"
	"github.com/ce873799/replayable-ingestion/dev/sales"
)

// startLimit is how many executions a second Step Functions starts here: the refill rate of a smaller Region's quota.
const startLimit = 150

// enough is a number of parallel instances at which the limit bounds the starts.
const enough = 12

// listener counts the starts per second, by the number of listener instances.
func (r *run) listener(ctx context.Context) ([]Row, error) {
	var slow atomic.Bool
	c := limited(&slow)
	defer c.Stop()
	window := r.Sizes.Window
	if err := r.fillLog(ctx, c, int(startLimit*(window.Seconds()+r.Sizes.Settling.Seconds()+2))); err != nil {
		return nil, err
	}
	slow.Store(true)
	rates := map[int]float64{}
	for _, instances := range []int{1, enough} {
		rate, err := r.starts(ctx, c, instances, window)
		if err != nil {
			return nil, err
		}
		rates[instances] = rate
		_, throttled := c.Starts()
		r.say("listener with %d instances: %.1f starts a second; %d throttled so far", instances, rate, throttled)
	}
	return []Row{
		least("Listener: starts per second, of the limit of "+number(startLimit), 100*rates[enough]/startLimit, 90),
		list("Listener: starts per second of one instance, 20 ms per call", rates[1], "starts/s"),
		list("Listener: transactions cancelled because they overlapped", float64(c.Cancelled()), "transactions"),
	}, nil
}

// limited is a cloud with quotas. Once they are to be slow, calls take 20 ms, those to SQS none, and transactions hold
// their items for 10 ms.
func limited(slow *atomic.Bool) *cloud.Cloud {
	return cloud.Start(cloud.Options{Quotas: true, Delay: func(call string) time.Duration {
		switch {
		case !slow.Load() || strings.HasPrefix(call, "sqs."):
			return 0
		case call == cloud.Transaction:
			return 10 * time.Millisecond
		}
		return 20 * time.Millisecond
	}})
}

func (r *run) starts(ctx context.Context, c *cloud.Cloud, instances int, window time.Duration) (float64, error) {
	s, err := system.New(c)
	if err != nil {
		return 0, err
	}
	if _, err := s.Ask(ctx, everything); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- system.Drain(ctx, c, instances, time.Now().Add(r.Sizes.Settling+window)) }()
	if err := smithytime.SleepWithContext(ctx, r.Sizes.Settling); err != nil {
		return 0, err
	}
	before, _ := c.Starts()
	began := time.Now()
	if err := smithytime.SleepWithContext(ctx, window-500*time.Millisecond); err != nil { // before the instances stop
		return 0, err
	}
	after, _ := c.Starts()
	rate := float64(after-before) / time.Since(began).Seconds()
	err = <-ended
	c.Replays.Clear()
	return rate, err
}

const everything = `{"select":{"all":true},"maxItems":1000000,"reason":"bench"}`

// fillLog records a number of sales without delays.
func (r *run) fillLog(ctx context.Context, c *cloud.Cloud, n int) error {
	events, err := sales.Read(n)
	if err != nil {
		return err
	}
	s, err := system.New(c)
	if err != nil {
		return err
	}
	for i, e := range events {
		if err := s.Record(ctx, name(i), e.Raw); err != nil {
			return err
		}
	}
	return nil
}

func name(i int) string { return fmt.Sprint("sale-", i) }
