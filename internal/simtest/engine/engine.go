// Package engine wires the product's own handlers to a table and a bucket in memory, and to queues and a Step
// Functions of its own that a test steers: what is delivered again, which execution fails, which answer is lost.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/internal/api"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/classify"
	"github.com/ce873799/replayable-ingestion/internal/emf"
	"github.com/ce873799/replayable-ingestion/internal/emftest"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/publish"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/settle"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
	"github.com/ce873799/replayable-ingestion/internal/topic"
	"github.com/ce873799/replayable-ingestion/internal/tracker"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

// MachineARN is the state machine of the engine.
const MachineARN = "arn:aws:states:us-east-1:000000000000:stateMachine:importer"

// Engine is everything but Step Functions, Lambda and API Gateway.
type Engine struct {
	t        testing.TB
	Book     *ledger.Ledger
	Log      *eventlog.Log
	Replays  *Mailbox
	Dead     *Mailbox
	Machine  *Machine
	Series   *Series
	Listener *listener.Listener
	Tracker  *tracker.Tracker
	API      *api.API
	Job      *autoreplay.Job
	Policy   autoreplay.Policy  // of Job
	Ask      autoreplay.Request // of the next runs
	Ahead    time.Duration      // by which the clock of Job is ahead

	Gates [2]*supersede.Gate // of Publish and of the listener

	Bucket *awstest.Bucket // of an engine in memory
	Table  *awstest.Table  // of an engine in memory

	OnPublish func(context.Context, *sns.PublishInput) // sees each message before it is published; may be nil
	Plain     *ledger.Ledger                           // the ledger without faults
	PlainLog  *eventlog.Log                            // the event log without faults

	table     ledger.Client
	faults    *Faults
	deps      autoreplay.Deps
	meter     *emf.Meter
	mu        sync.Mutex
	Published []*sns.PublishInput

	metricsLog strings.Builder
}

// New wires an engine whose functions log to the test's output.
func New(t testing.TB) *Engine {
	t.Helper()
	return inMemoryLogging(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour}, slog.New(slog.NewTextHandler(t.Output(), nil)))
}

// InMemory wires an engine to a table and a bucket in this process, whose calls break as the faults say. It is some
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

// Clock is how time passes for an engine.
type Clock struct {
	Now         func() time.Time // of the listener
	SettleAfter time.Duration    // how long something must be open until auto-replay looks after it
}

func wire(t testing.TB, table ledger.Client, bucket eventlog.API, faults *Faults, clock Clock, logger *slog.Logger) *Engine {
	t.Helper()
	e := &Engine{t: t, table: table, faults: faults}
	e.meter = emf.New(&e.metricsLog, "importer")
	e.Book = ledger.New(faultyTable{table, faults}, awstest.TableName).Metered(e.meter)
	e.Log = eventlog.New(faultyBucket{bucket, faults}, awstest.BucketName)
	e.Plain, e.PlainLog = ledger.New(table, awstest.TableName), eventlog.New(bucket, awstest.BucketName)
	e.Replays, e.Dead = &Mailbox{faults: faults}, &Mailbox{faults: faults}

	reader, err := record.NewReader("$.id", "$.owner", 256_000)
	if err != nil {
		t.Fatal(err)
	}
	judge := supersede.New(e.Log, e.Book.Executions)
	sns := topic.New(e, "arn:aws:sns:us-east-1:000000000000:topic")
	e.Gates = [2]*supersede.Gate{supersede.NewGate(e.Book.Publications, logger), supersede.NewGate(e.Book.Publications, logger)}
	publisher := publish.New(sns, e.Log, e.Book.Executions, e.Gates[0], publish.Options{StoreOutputs: true, SupersedeOlder: true}, logger, e.meter)
	e.Machine = newMachine(record.New(e.Log, e.Book.Executions, e.Book.Owners, reader, logger, e.meter), publisher)
	machine := states.New(faultyStates{e.Machine, faults}, MachineARN)
	e.Series = &Series{
		machine: e.Machine, executions: map[string]*execution{}, Before: func(string, int) bool { return true },
		Sleep: time.Sleep, faults: faults,
	}
	series := states.New(faultyStates{e.Series, faults}, SeriesMachineARN)
	e.Series.Await = func(ctx context.Context, _ string) { e.Machine.RunAll(ctx) }
	board := progress.New(e.Book.Items, e.Book.Replays, e.Replays)
	settler := settle.New(e.Book.Executions, e.Book.Failures, board, logger)
	e.Listener = listener.New(listener.Deps{
		Book: e.Book, Log: e.Log, Machine: machine, Series: series, Queue: e.Replays, Board: board, Judge: judge,
		Topic: sns, Gate: e.Gates[1], Reader: reader, SupersedeOlder: true, Now: clock.Now, Logger: logger, Meter: e.meter,
	})
	e.Series.bind = e.Listener.BindVersion
	e.Tracker = tracker.New(settler.Metered(e.meter), e.Replays, MachineARN, SeriesMachineARN, logger).Metered(e.meter)
	e.API = api.New(e.Book, e.Log, e.Replays, logger)
	e.Policy = autoreplay.Policy{
		Enabled: true, Errors: classify.Policy{RetryOn: classify.DefaultRetryOn()}, MaxAttempts: 3,
		BackoffBase: time.Millisecond, BackoffRate: 1, MaxBackoff: time.Millisecond, MaxAge: 24 * time.Hour,
		CanaryThreshold: 10, StartsPerSecond: 30, Interval: 5 * time.Minute, SettleAfter: clock.SettleAfter, UnaccountedAfter: time.Hour,
	}
	e.deps = autoreplay.Deps{
		Book: e.Book, Log: e.Log, Machine: machine, Series: series, DeadLetters: e.Dead, Replays: e.Replays, Settler: settler,
		Board: board, Judge: judge, Reader: reader, Now: func() time.Time { return time.Now().Add(e.Ahead) },
		Logger: logger, Meter: e.meter,
	}
	e.Job = autoreplay.New(e.deps, e.Policy)
	return e
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

// Metrics returns the metrics that the functions have written up to now.
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
	if err := e.meter.Flush(""); err != nil {
		e.t.Fatal(err)
	}
}

// Ingest starts a live execution and runs it to its end.
func (e *Engine) Ingest(name, event string) {
	e.t.Helper()
	if err := e.Machine.start(name, event); err != nil {
		e.t.Fatal(err)
	}
	e.Machine.RunAll(e.t.Context())
}

// Report tells the tracker, and for failures the dead-letter queue, how executions ended: what EventBridge does.
func (e *Engine) Report() {
	e.t.Helper()
	for _, body := range e.Series.takeEnds() {
		e.Track(body)
	}
	for _, body := range e.Machine.takeEnds() {
		e.Track(body.message)
		if body.failed {
			if err := e.Dead.Send(e.t.Context(), body.message); err != nil {
				e.t.Fatal(err)
			}
		}
	}
}

// Track hands one status message to the tracker.
func (e *Engine) Track(body string) {
	e.t.Helper()
	answer, err := e.Tracker.Handle(e.t.Context(), batch(body))
	if err != nil || len(answer.BatchItemFailures) > 0 {
		e.t.Fatalf("tracker: %v, %+v", err, answer)
	}
}

// Schedule runs auto-replay once.
func (e *Engine) Schedule() autoreplay.Summary {
	e.t.Helper()
	sum, err := e.Job.Run(e.t.Context(), fmt.Sprint("run-", time.Now().UnixNano()), e.Ask)
	if err != nil || sum.Errors > 0 {
		e.t.Fatalf("auto-replay: %v, %+v", err, sum)
	}
	e.flush()
	return sum
}

// Listen hands messages to the listener as one batch and returns how many it refused.
func (e *Engine) Listen(bodies ...string) int {
	e.t.Helper()
	answer, err := e.Listener.Handle(e.t.Context(), batch(bodies...))
	if err != nil {
		e.t.Fatal(err)
	}
	return len(answer.BatchItemFailures)
}

// Pump delivers the Replay queue, runs what was started and reports it, until nothing is left.
func (e *Engine) Pump() {
	e.t.Helper()
	for {
		bodies := e.Replays.TakeAll()
		for len(bodies) > 0 {
			n := min(len(bodies), 10)
			if refused := e.Listen(bodies[:n]...); refused > 0 {
				e.t.Fatalf("the listener refused %d messages", refused)
			}
			bodies = bodies[n:]
		}
		e.Series.RunAll(e.t.Context())
		e.Machine.RunAll(e.t.Context())
		e.Report()
		if e.Replays.empty() {
			return
		}
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
	answer, err := e.API.Handle(e.t.Context(), events.APIGatewayProxyRequest{
		HTTPMethod: method, Resource: resource, Body: body, PathParameters: path, QueryStringParameters: query, Headers: headers,
		RequestContext: events.APIGatewayProxyRequestContext{Stage: "v1", RequestID: "request-1"},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return answer
}

func batch(bodies ...string) (b events.SQSEvent) {
	for i, body := range bodies {
		b.Records = append(b.Records, events.SQSMessage{MessageId: fmt.Sprint("m", i), Body: body})
	}
	return b
}

// name returns the error name that Step Functions would see.
func name(err error) (string, string) {
	var named messages.InvokeResponse_Error
	if errors.As(err, &named) {
		return named.Type, named.Message
	}
	return "Lambda.Unknown", err.Error()
}

func recordInput(r *execution) workflow.RecordInput {
	return workflow.RecordInput{Input: json.RawMessage(r.input), Execution: r.context()}
}

// Reconfigure makes the job anew, as a deployment does: with another policy or other parts, and with nothing remembered.
func (e *Engine) Reconfigure(change func(*autoreplay.Deps, *autoreplay.Policy)) {
	change(&e.deps, &e.Policy)
	e.Job = autoreplay.New(e.deps, e.Policy)
}
