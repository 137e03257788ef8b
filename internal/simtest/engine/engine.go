// Package engine lets tests control a world over a table and a bucket in memory: which messages are redelivered, which
// executions fail, and which answers are lost.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/aws/cloudwatch"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Engine is a world whose services a test controls.
type Engine struct {
	*simtest.World
	t       testing.TB
	Book    *ledger.Ledger
	Log     *eventlog.Log
	Replays *Mailbox
	Dead    *Mailbox
	Policy  config.AutoReplay  // of Runner
	Ask     autoreplay.Request // of the next runs
	Ahead   time.Duration      // by which the clock of Runner is ahead

	Bucket *awstest.Bucket // of an engine in memory
	Table  *awstest.Table  // of an engine in memory

	OnPublish func(context.Context, *sns.PublishInput) // sees each message before it is published; may be nil
	OnInvoke  Function                                 // the function "fix" of the user; nil: it is gone
	Alarms    cloudwatch.API                           // of Runner, once it is configured to ask for one
	Plain     *ledger.Ledger                           // the ledger without faults
	PlainLog  *eventlog.Log                            // the event log without faults

	table     ledger.Client
	faults    *Faults
	services  simtest.Services
	telemetry boot.Telemetry
	mu        sync.Mutex
	Published []*sns.PublishInput

	metricsLog strings.Builder
}

// Mailbox is a queue, and the product's client of it.
type Mailbox struct {
	*awstest.Queue
	*client
}

type client = sqs.Queue

// New wires an engine whose functions log to the test's output.
func New(t testing.TB) *Engine {
	t.Helper()
	return inMemoryLogging(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour}, slog.New(slog.NewTextHandler(t.Output(), nil)))
}

// InMemory wires an engine to a table and a bucket in this process, whose calls break as the faults say. It is about a
// hundred times faster than an emulator.
func InMemory(t testing.TB, faults *Faults, clock Clock) *Engine {
	t.Helper()
	return inMemoryLogging(t, faults, clock, slog.New(slog.DiscardHandler))
}

func inMemoryLogging(t testing.TB, faults *Faults, clock Clock, logger *slog.Logger) *Engine {
	t.Helper()
	bucket := awstest.NewBucket()
	bucket.Now = clock.Now
	table := awstest.NewTable()
	e := wire(t, table, bucket, faults, clock, logger)
	e.Bucket, e.Table = bucket, table
	return e
}

// Clock has the clocks of an engine.
type Clock struct {
	Now         func() time.Time // of the listener
	SettleAfter time.Duration    // age at which auto-replay looks up open executions
	Publish     func() time.Time // of the gate in Publish; nil: the machine's
	Republish   func() time.Time // of the gate in the listener
}

func wire(t testing.TB, table ledger.Client, bucket eventlog.API, faults *Faults, clock Clock, logger *slog.Logger) *Engine {
	t.Helper()
	e := &Engine{t: t, table: table, faults: faults}
	e.telemetry = boot.Telemetry{Log: logger, Meter: emf.New(&e.metricsLog, "importer")}
	account := simtest.NewAccount()
	e.services = simtest.Services{
		Table: faultyTable{table, faults}, Bucket: faultyBucket{bucket, faults}, Topics: e,
		Lambda: userFunctions{e},
		Queues: faultyQueues{account.Queues(), faults}, States: faultyStates{account.States(), faults},
		Clocks: simtest.Clocks{
			Now: clock.Now, Publish: clock.Publish, Republish: clock.Republish,
			AutoReplay: func() time.Time { return time.Now().Add(e.Ahead) },
		},
	}
	e.Policy = config.AutoReplay{
		Enabled: true, SupersedeOlder: true, RetryOn: domain.DefaultRetryOn(), MaxAttempts: 3,
		BackoffBase: time.Millisecond, BackoffRate: 1, MaxBackoff: time.Millisecond, MaxAge: 24 * time.Hour,
		CanaryThreshold: 10, StartsPerSecond: 30, Interval: 5 * time.Minute, SettleAfter: clock.SettleAfter, UnaccountedAfter: time.Hour,
	}
	functions, err := simtest.Wire(e.config(), e.services, e.telemetry)
	if err != nil {
		t.Fatal(err)
	}
	e.World = simtest.New(functions, account)
	e.Invoke = func(ctx context.Context, function string, do func(context.Context) error) (err error) {
		if function != simtest.ReplaySeries {
			return do(ctx)
		}
		if died := faults.During(func() { err = do(ctx) }); died {
			return errors.Join(errDied, err)
		}
		return err
	}
	e.Replays = &Mailbox{account.Replays, sqs.New(e.services.Queues, simtest.ReplaysURL)}
	e.Dead = &Mailbox{account.Dead, sqs.New(e.services.Queues, simtest.DeadURL)}
	e.Book = ledger.New(e.services.Table, simtest.Table).Metered(e.telemetry.Meter)
	e.Log = eventlog.New(e.services.Bucket, simtest.Bucket)
	e.Plain, e.PlainLog = ledger.New(table, simtest.Table), eventlog.New(bucket, simtest.Bucket)
	return e
}

func (e *Engine) config() simtest.Config {
	return simtest.Config{ResourceIDPath: "$.id", OwnerIDPath: "$.owner", MaxEventBytes: 256_000, AutoReplay: e.Policy,
		Transforms: map[string]string{"fix": fixARN}}
}

// Publish makes the engine its own topic.
func (e *Engine) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return call(ctx, e.faults, "Publish", func() (*sns.PublishOutput, error) {
		if e.OnPublish != nil {
			e.OnPublish(ctx, in)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.Published = append(e.Published, in)
		return &sns.PublishOutput{MessageId: aws.String("m")}, nil
	})
}

// PublishedBy counts the messages of an execution.
func (e *Engine) PublishedBy(execution string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.Published {
		if *p.MessageAttributes["execution"].StringValue == execution {
			n++
		}
	}
	return n
}

// Metrics returns the metrics that the functions have written so far.
func (e *Engine) Metrics() []emftest.Datum {
	e.t.Helper()
	e.flush()
	data, err := emftest.Read(strings.NewReader(e.metricsLog.String()))
	if err != nil {
		e.t.Fatal(err)
	}
	return data
}

// flush ends an invocation for the metrics.
func (e *Engine) flush() {
	e.t.Helper()
	if err := e.telemetry.Meter.Flush(""); err != nil {
		e.t.Fatal(err)
	}
}

// Ingest starts a live execution and runs it to its end.
func (e *Engine) Ingest(name, event string) {
	e.t.Helper()
	if err := e.World.Ingest(name, event); err != nil {
		e.t.Fatal(err)
	}
	e.Machine.RunAll(e.t.Context())
}

// Report delivers ends of executions to the tracker, and failures to the dead-letter queue, as EventBridge does.
func (e *Engine) Report() {
	e.t.Helper()
	if err := e.World.Report(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

// Track hands one status message to the tracker.
func (e *Engine) Track(body string) {
	e.t.Helper()
	answer, err := e.Tracker.Handle(e.t.Context(), simtest.Batch(body))
	if err != nil || len(answer.BatchItemFailures) > 0 {
		e.t.Fatalf("tracker: %v, %+v", err, answer)
	}
}

// Schedule runs auto-replay once.
func (e *Engine) Schedule() autoreplay.Summary {
	e.t.Helper()
	sum, err := e.World.Schedule(e.t.Context(), e.Ask)
	if err != nil {
		e.t.Fatal(err)
	}
	e.flush()
	return sum
}

// Listen passes messages to the listener as one batch, and returns how many it refused.
func (e *Engine) Listen(bodies ...string) int {
	e.t.Helper()
	answer, err := e.Listener.Handle(e.t.Context(), simtest.Batch(bodies...))
	if err != nil {
		e.t.Fatal(err)
	}
	return len(answer.BatchItemFailures)
}

// Pump delivers the Replay queue, runs the started executions and reports them, until nothing is left.
func (e *Engine) Pump() {
	e.t.Helper()
	if err := e.Settle(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

// Call asks the replay API.
func (e *Engine) Call(method, resource, body string, path, query map[string]string) events.APIGatewayProxyResponse {
	e.t.Helper()
	return e.CallWith(method, resource, body, path, query, nil)
}

// CallWith asks the replay API with headers.
func (e *Engine) CallWith(method, resource, body string, path, query, headers map[string]string) events.APIGatewayProxyResponse {
	e.t.Helper()
	answer, err := e.World.Call(e.t.Context(), events.APIGatewayProxyRequest{
		HTTPMethod: method, Resource: resource, Body: body, PathParameters: path, QueryStringParameters: query, Headers: headers,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return answer
}

// Reconfigure creates Runner again, as a deployment does: with another configuration and an empty memory.
func (e *Engine) Reconfigure(change func(*config.AutoReplay)) {
	e.t.Helper()
	change(&e.Policy)
	e.services.Alarms = e.Alarms
	runner, err := simtest.WireRunner(e.config(), e.services, e.telemetry)
	if err != nil {
		e.t.Fatal(err)
	}
	e.Runner = runner
}
