// Package system wires the functions' own handlers to a cloud.Cloud, and plays Step Functions, EventBridge and the event
// source mappings for them: what AWS does between the functions.
package system

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/internal/api"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/classify"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/publish"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/settle"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
	"github.com/ce873799/replayable-ingestion/internal/topic"
	"github.com/ce873799/replayable-ingestion/internal/tracker"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

// Paths of the ids in the events, as the example has them.
const (
	ResourceIDPath = "$.listing.id"
	OwnerIDPath    = "$.listing.agencyId"
	maxEventBytes  = 256_000
)

// Options say how the system behaves.
type Options struct {
	// Cloud is what the functions talk to.
	Cloud *cloud.Cloud
	// Work plays the user's states: it returns the name of an error, or "" for success. Nil: they succeed.
	Work func(execution string) string
}

// System is a deployed ingestion.
type System struct {
	opts  Options
	cloud *cloud.Cloud
	said  atomic.Int64 // bytes that the functions wrote to their logs

	record  func(context.Context, workflow.RecordInput) (workflow.RecordOutput, error)
	publish func(context.Context, workflow.PublishInput) (struct{}, error)
	track   func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)
	listen  func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)
	answer  func(context.Context, events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error)
	heal    func(context.Context, string) (autoreplay.Summary, error)

	ahead atomic.Int64 // how far the clock of auto-replay is ahead
	runs  int

	mu    sync.Mutex
	ends  []string // status messages that the tracker does not have yet
	calls map[string]int
	took  map[string]time.Duration
}

// New wires the functions as their main packages do.
func New(opts Options) (*System, error) {
	s := &System{opts: opts, cloud: opts.Cloud, calls: map[string]int{}, took: map[string]time.Duration{}}
	reader, err := record.NewReader(ResourceIDPath, OwnerIDPath, maxEventBytes)
	if err != nil {
		return nil, fmt.Errorf("wire the functions: %w", err)
	}
	telemetry := boot.NewTelemetry(counter{&s.said}, config.Telemetry{Ingestion: "Stack/Ingestion"})
	cfg := opts.Cloud.Config()
	book := ledger.New(dynamodb.NewFromConfig(cfg), cloud.Table).Metered(telemetry.Meter)
	objects := eventlog.New(s3.NewFromConfig(cfg), cloud.Bucket)
	judge := supersede.New(objects, book.Executions)
	queues := sqs.NewFromConfig(cfg)
	replays := queue.New(queues, opts.Cloud.ReplaysURL())
	board := progress.New(book.Items, book.Replays, replays)
	settler := settle.New(book.Executions, book.Failures, board, telemetry.Log)
	machines := sfn.NewFromConfig(cfg)
	machine, series := states.New(machines, cloud.Machine), states.New(machines, cloud.SeriesMachine)
	outputs := topic.New(sns.NewFromConfig(cfg), cloud.Topic)

	s.record = boot.Flushed(telemetry, record.New(objects, book.Executions, book.Owners, reader, telemetry.Log, telemetry.Meter).Handle)
	gate := supersede.NewGate(book.Publications, telemetry.Log)
	options := publish.Options{StoreOutputs: true, SupersedeOlder: true}
	publisher := publish.New(outputs, objects, book.Executions, gate, options, telemetry.Log, telemetry.Meter)
	s.publish = boot.Flushed(telemetry, func(ctx context.Context, in workflow.PublishInput) (none struct{}, err error) {
		return none, publisher.Handle(ctx, in)
	})
	ends := tracker.New(settler, replays, cloud.Machine, cloud.SeriesMachine, telemetry.Log).Metered(telemetry.Meter)
	s.track = boot.Flushed(telemetry, ends.Handle)
	l := listener.New(listener.Deps{
		Book: book, Log: objects, Machine: machine, Series: series, Queue: replays, Board: board, Judge: judge,
		Topic: outputs, Gate: gate, Reader: reader, Logger: telemetry.Log, Meter: telemetry.Meter, SupersedeOlder: true,
	})
	s.listen = boot.Flushed(telemetry, l.Handle)
	s.answer = boot.Flushed(telemetry, api.New(book, objects, replays, telemetry.Log).Handle)
	job := autoreplay.New(autoreplay.Deps{
		Book: book, Log: objects, Machine: machine, Series: series, DeadLetters: queue.New(queues, opts.Cloud.DeadURL()),
		Replays: replays, Settler: settler, Board: board, Judge: judge, Reader: reader,
		Logger: telemetry.Log, Meter: telemetry.Meter, Now: s.later, Random: func() float64 { return 0.5 },
	}, autoreplay.Policy{
		Enabled: true, Errors: classify.Policy{RetryOn: classify.DefaultRetryOn()}, MaxAttempts: 3,
		BackoffBase: time.Second, BackoffRate: 1, MaxBackoff: time.Second, MaxAge: 24 * time.Hour,
		CanaryThreshold: 1_000_000, StartsPerSecond: 1_000_000, Interval: 5 * time.Minute,
		SettleAfter: time.Hour, UnaccountedAfter: 2 * time.Hour,
	})
	s.heal = boot.Flushed(telemetry, func(ctx context.Context, holder string) (autoreplay.Summary, error) {
		return job.Run(ctx, holder, autoreplay.Request{})
	})
	return s, nil
}

// later is the clock of auto-replay: backoffs are over once the clock is put ahead.
func (s *System) later() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// Logged is how many bytes the functions wrote to their logs.
func (s *System) Logged() int64 { return s.said.Load() }

// counter counts what is written to it.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}
