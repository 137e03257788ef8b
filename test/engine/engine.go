// Package engine wires the product's own handlers to an emulator's table and bucket, and to queues and a Step
// Functions of its own that a test steers: what is delivered again, which execution fails, which answer is lost.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/dev/testkit"
	"github.com/ce873799/replayable-ingestion/internal/api"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/classify"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/publish"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/schema"
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
	Policy   autoreplay.Policy // of Job
	Ahead    time.Duration     // by which the clock of Job is ahead

	deps      autoreplay.Deps
	table     *dynamodb.Client
	mu        sync.Mutex
	Published []*sns.PublishInput
}

// New starts an emulator and wires an engine to it.
func New(t testing.TB) *Engine {
	t.Helper()
	cfg := testkit.Emulator(t).Config()
	e := &Engine{t: t, table: testkit.Ledger(t, cfg)}
	e.Book = ledger.New(e.table, testkit.Table)
	e.Log = eventlog.New(testkit.EventLog(t, cfg), testkit.Bucket)
	e.Replays, e.Dead = &Mailbox{}, &Mailbox{}

	reader, err := record.NewReader("$.id", "$.owner", 256_000)
	if err != nil {
		t.Fatal(err)
	}
	judge := supersede.New(e.Log, e.Book)
	sns := topic.New(e, "arn:aws:sns:us-east-1:000000000000:topic")
	publisher := publish.New(sns, e.Log, e.Book, judge, publish.Options{StoreOutputs: true, SupersedeOlder: true}, nil)
	e.Machine = newMachine(record.New(e.Log, e.Book, reader, nil), publisher)
	machine := states.New(e.Machine, MachineARN)
	e.Series = &Series{machine: e.Machine, executions: map[string]*execution{}, Before: func(string, int) bool { return true }}
	series := states.New(e.Series, SeriesMachineARN)
	board := progress.New(e.Book, e.Replays)
	settler := settle.New(e.Book, board, nil)
	e.Listener = listener.New(listener.Deps{
		Book: e.Book, Log: e.Log, Machine: machine, Series: series, Queue: e.Replays, Board: board, Judge: judge,
		Topic: sns, Reader: reader, SupersedeOlder: true, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	e.Series.bind = e.Listener.BindVersion
	e.Tracker = tracker.New(settler, e.Replays, MachineARN, SeriesMachineARN, nil)
	e.API = api.New(e.Book, e.Log, e.Replays, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})))
	e.Policy = autoreplay.Policy{
		Enabled: true, Errors: classify.Policy{RetryOn: classify.DefaultRetryOn()}, MaxAttempts: 3,
		BackoffBase: time.Millisecond, BackoffRate: 1, MaxBackoff: time.Millisecond, MaxAge: 24 * time.Hour,
		CanaryThreshold: 10, StartsPerSecond: 30, Interval: 5 * time.Minute, SettleAfter: time.Hour, UnaccountedAfter: time.Hour,
	}
	e.deps = autoreplay.Deps{
		Book: e.Book, Log: e.Log, Machine: machine, Series: series, DeadLetters: e.Dead, Replays: e.Replays, Settler: settler,
		Board: board, Judge: judge, Reader: reader, Now: func() time.Time { return time.Now().Add(e.Ahead) },
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	e.Job = autoreplay.New(e.deps, e.Policy)
	return e
}

// Publish makes the engine its own topic.
func (e *Engine) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Published = append(e.Published, in)
	return &sns.PublishOutput{MessageId: aws.String("m")}, nil
}

// Forget removes an execution's row from the ledger, as if it had never been written.
func (e *Engine) Forget(ctx context.Context, execution string) error {
	_, err := e.table.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: aws.String(testkit.Table), Key: map[string]types.AttributeValue{
			schema.PartitionKey: &types.AttributeValueMemberS{Value: "X#" + execution},
			schema.SortKey:      &types.AttributeValueMemberS{Value: "X"},
		},
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", execution, err)
	}
	return nil
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
	sum, err := e.Job.Run(e.t.Context(), fmt.Sprint("run-", time.Now().UnixNano()))
	if err != nil || sum.Errors > 0 {
		e.t.Fatalf("auto-replay: %v, %+v", err, sum)
	}
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

// Mailbox is a queue without waiting times. What is received stays in it until it is deleted.
type Mailbox struct {
	mu       sync.Mutex
	messages []queue.Message
	sent     int
	Delays   []time.Duration // of what was posted
}

// Send puts messages into the queue.
func (m *Mailbox) Send(_ context.Context, bodies ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range bodies {
		m.sent++
		m.messages = append(m.messages, queue.Message{ID: fmt.Sprint("message-", m.sent), Body: b})
	}
	return nil
}

// Post puts messages into the queue, and notes how long they are to be held back.
func (m *Mailbox) Post(ctx context.Context, posts ...queue.Post) error {
	for _, p := range posts {
		if err := m.Send(ctx, p.Body); err != nil {
			return err
		}
		m.mu.Lock()
		m.Delays = append(m.Delays, p.Delay)
		m.mu.Unlock()
	}
	return nil
}

// Receive returns up to ten messages that were not received before.
func (m *Mailbox) Receive(context.Context, time.Duration) ([]queue.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := min(10, len(m.messages))
	got := m.messages[:n:n]
	m.messages = m.messages[n:]
	return got, nil
}

// Delete does nothing: a received message does not come back by itself.
func (m *Mailbox) Delete(context.Context, queue.Message) error { return nil }

// TakeAll takes every message out of the queue.
func (m *Mailbox) TakeAll() (bodies []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, msg := range m.messages {
		bodies = append(bodies, msg.Body)
	}
	m.messages = nil
	return bodies
}

func (m *Mailbox) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.messages) == 0
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
