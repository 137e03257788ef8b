package bench

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/dev/bench/system"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// largeStartLimit is how many executions a second Step Functions starts in its large Regions, and so how many end.
const largeStartLimit = 300

// tracker counts the ends that the tracker records per second, with as many instances as its queue has by default.
func (r *run) tracker(ctx context.Context) ([]Row, error) {
	var slow atomic.Bool
	c := limited(&slow)
	defer c.Stop()
	window := r.Sizes.Window
	n := int(2 * largeStartLimit * window.Seconds())
	if err := r.fillLog(ctx, c, n); err != nil {
		return nil, err
	}
	outcomes := &awstest.Queue{}
	for i := range n {
		outcomes.Put(simtest.Pointer(awstest.Execution{
			Name: name(i), Machine: simtest.MachineARN, Status: types.ExecutionStatusSucceeded, Started: time.Now(), Stopped: time.Now(),
		}))
	}
	slow.Store(true)
	began := time.Now()
	if err := system.DrainOutcomes(ctx, c, config.OutcomesConcurrency, began.Add(window), outcomes); err != nil {
		return nil, err
	}
	took := time.Since(began)
	rate := float64(n-len(outcomes.Take(n))) / took.Seconds()
	r.say("tracker with %d instances: %.1f ends a second", config.OutcomesConcurrency, rate)
	return []Row{
		least("Tracker: ends recorded per second, 20 ms per call, of the "+number(largeStartLimit)+" that may start", 100*rate/largeStartLimit, 100),
	}, nil
}
