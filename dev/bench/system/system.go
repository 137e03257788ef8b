// Package system is a world of internal/simtest whose functions talk to a cloud.Cloud with their own AWS clients. It
// measures their invocations, their duration and the size of their logs.
package system

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// Config is the configuration of the functions. The paths are those of the example's events.
func Config() simtest.Config {
	return simtest.Config{
		ResourceIDPath: "$.listing.id", OwnerIDPath: "$.listing.agencyId", MaxEventBytes: 256_000,
		AutoReplay: config.AutoReplay{
			Enabled: true, SupersedeOlder: true, RetryOn: domain.DefaultRetryOn(), MaxAttempts: 3,
			BackoffBase: time.Second, BackoffRate: 1, MaxBackoff: time.Second, MaxAge: 24 * time.Hour,
			CanaryThreshold: 1_000_000, StartsPerSecond: 1_000_000, Interval: 5 * time.Minute,
			SettleAfter: time.Hour, UnaccountedAfter: 2 * time.Hour,
		},
	}
}

// System is a deployed ingestion.
type System struct {
	*simtest.World
	said  atomic.Int64 // bytes that the functions wrote to their logs
	ahead atomic.Int64 // how far the clock of auto-replay is ahead

	mu    sync.Mutex
	calls map[string]int
	took  map[string]time.Duration
}

// New returns a system whose functions talk to a cloud.
func New(c *cloud.Cloud) (*System, error) {
	s := &System{calls: map[string]int{}, took: map[string]time.Duration{}}
	telemetry := boot.NewTelemetry(counter{&s.said}, config.Telemetry{Ingestion: "Stack/Ingestion"})
	cfg := c.Config()
	functions, err := simtest.Wire(Config(), simtest.Services{
		Table: dynamodb.NewFromConfig(cfg), Bucket: s3.NewFromConfig(cfg), Queues: sqs.NewFromConfig(cfg),
		States: sfn.NewFromConfig(cfg), Topics: sns.NewFromConfig(cfg),
		Clocks: simtest.Clocks{AutoReplay: s.later, Random: func() float64 { return 0.5 }},
	}, telemetry)
	if err != nil {
		return nil, fmt.Errorf("wire the functions: %w", err)
	}
	s.World = simtest.New(functions, c.Account)
	s.Invoke = func(ctx context.Context, function string, do func(context.Context) error) error {
		began := time.Now()
		_, err := boot.Flushed(telemetry, func(ctx context.Context, _ struct{}) (none struct{}, err error) {
			return none, do(ctx)
		})(ctx, struct{}{})
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[function]++
		s.took[function] += time.Since(began)
		return err
	}
	return s, nil
}

// later is the clock of auto-replay. Backoffs end when the clock is set ahead.
func (s *System) later() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// Logged is how many bytes the functions wrote to their logs.
func (s *System) Logged() int64 { return s.said.Load() }

// Invocations returns how often each function was called.
func (s *System) Invocations() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Seconds returns how long the calls of each function took in all.
func (s *System) Seconds() map[string]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.took)
}

// counter counts what is written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
