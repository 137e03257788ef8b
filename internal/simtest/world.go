// Package simtest is an ingestion in this process. It wires the handlers of the functions as their programs do, and
// simulates AWS between them. A test or a benchmark controls the simulation.
package simtest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
)

// Names of a world's resources.
const (
	Table            = awstest.TableName
	Bucket           = awstest.BucketName
	Topic            = "arn:aws:sns:us-east-1:000000000000:topic"
	MachineARN       = "arn:aws:states:us-east-1:000000000000:stateMachine:importer"
	SeriesMachineARN = "arn:aws:states:us-east-1:000000000000:stateMachine:series"
	ReplaysURL       = "https://queues.test/000000000000/replays"
	DeadURL          = "https://queues.test/000000000000/dead"
)

// Account has the queues and the state machines of a world.
type Account struct {
	Machine *awstest.Machine
	Series  *awstest.Machine
	Replays *awstest.Queue
	Dead    *awstest.Queue
}

// NewAccount returns an account in which nothing has happened.
func NewAccount() Account {
	return Account{
		Machine: awstest.NewMachine(MachineARN), Series: awstest.NewMachine(SeriesMachineARN),
		Replays: &awstest.Queue{URL: ReplaysURL}, Dead: &awstest.Queue{URL: DeadURL},
	}
}

// Queues is the account's SQS.
func (a Account) Queues() awstest.Queues { return awstest.Queues{a.Replays, a.Dead} }

// States is the account's Step Functions.
func (a Account) States() awstest.States { return awstest.States{a.Machine, a.Series} }

// World is an ingestion.
type World struct {
	Functions
	Account
	Machine *Machine
	Series  *Series

	// Invoke runs a function, by its name among the constants below. By default it calls the function directly.
	Invoke func(ctx context.Context, function string, do func(context.Context) error) error

	runs atomic.Int64
}

// Names of the functions.
const (
	Record         = "Record"
	Publish        = "Publish"
	Tracker        = "Tracker"
	ReplayHandler  = "ReplayHandler"
	ReplayListener = "ReplayListener"
	ReplaySeries   = "ReplaySeries"
	AutoReplay     = "AutoReplay"
)

// New returns a world of functions over an account.
func New(f Functions, a Account) *World {
	w := &World{
		Functions: f, Account: a,
		Invoke: func(ctx context.Context, _ string, do func(context.Context) error) error { return do(ctx) },
	}
	w.Machine = &Machine{
		Machine: a.Machine, world: w, Work: func(_, event string) (string, string) { return event, "" },
	}
	w.Series = &Series{
		Machine: a.Series, world: w, Before: func(string, int) bool { return true }, Sleep: time.Sleep,
		Await: func(ctx context.Context, _ string) { w.Machine.RunAll(ctx) },
	}
	return w
}

// BatchSize is that of the event source mappings.
const BatchSize = 10

// ErrRefused means that a function refused a message that it must accept.
var ErrRefused = errors.New("refused by a function")

// Batch is an event of SQS.
func Batch(bodies ...string) (b events.SQSEvent) {
	for i, body := range bodies {
		b.Records = append(b.Records, events.SQSMessage{MessageId: fmt.Sprint("m", i), Body: body})
	}
	return b
}

type batchHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// batches passes messages to a function, which must accept them.
func (w *World) batches(ctx context.Context, function string, handle batchHandler, bodies []string) error {
	for len(bodies) > 0 {
		n := min(BatchSize, len(bodies))
		err := w.Invoke(ctx, function, func(ctx context.Context) error {
			answer, err := handle(ctx, Batch(bodies[:n]...))
			if err == nil && len(answer.BatchItemFailures) > 0 {
				err = fmt.Errorf("%s: %d messages: %w", function, len(answer.BatchItemFailures), ErrRefused)
			}
			return err
		})
		if err != nil {
			return err
		}
		bodies = bodies[n:]
	}
	return nil
}

// Ingest starts an execution for an event, as a producer does.
func (w *World) Ingest(name, event string) error { return w.Machine.Start(name, event) }

// Run runs the started executions, and reports whether there were any.
func (w *World) Run(ctx context.Context) bool {
	series := w.Series.RunAll(ctx)
	return w.Machine.RunAll(ctx) || series
}

// TakeEnds takes the ends that EventBridge must report.
func (w *World) TakeEnds() []End { return append(w.Series.TakeEnds(), w.Machine.TakeEnds()...) }

// Report delivers ends as EventBridge does: all of them to the tracker, and failures to the dead-letter queue.
func (w *World) Report(ctx context.Context) error {
	var bodies []string
	for _, end := range w.TakeEnds() {
		bodies = append(bodies, end.Message)
		if end.Failed {
			w.Dead.Put(end.Message)
		}
	}
	return w.Track(ctx, bodies...)
}

// Track hands messages to the tracker.
func (w *World) Track(ctx context.Context, bodies ...string) error {
	return w.batches(ctx, Tracker, w.Tracker.Handle, bodies)
}

// Listen hands messages to the listener.
func (w *World) Listen(ctx context.Context, bodies ...string) error {
	return w.batches(ctx, ReplayListener, w.Listener.Handle, bodies)
}

// Deliver passes due messages of the Replay queue to the listener until none is due, and reports whether there were
// any.
func (w *World) Deliver(ctx context.Context) (delivered bool, err error) {
	for err == nil {
		bodies := w.Replays.TakeAll()
		if len(bodies) == 0 {
			break
		}
		delivered, err = true, w.Listen(ctx, bodies...)
	}
	return delivered, err
}

// pollEvery is how often the queue is polled while none of its messages is due.
const pollEvery = 10 * time.Millisecond

// Settle delivers the Replay queue, runs the started executions and reports them, until nothing is left to do.
func (w *World) Settle(ctx context.Context) error {
	for {
		delivered, err := w.Deliver(ctx)
		if err != nil {
			return err
		}
		ran := w.Run(ctx)
		if err := errors.Join(w.Report(ctx), ctx.Err()); err != nil {
			return err
		}
		switch {
		case delivered || ran:
		case w.Replays.Empty():
			return nil
		default:
			if err := smithytime.SleepWithContext(ctx, pollEvery); err != nil {
				return err
			}
		}
	}
}

// Schedule runs auto-replay once.
func (w *World) Schedule(ctx context.Context, ask autoreplay.Request) (sum autoreplay.Summary, err error) {
	err = w.Invoke(ctx, AutoReplay, func(ctx context.Context) (err error) {
		sum, err = w.Runner.Run(ctx, fmt.Sprint("scheduled-", w.runs.Add(1)), ask)
		return err
	})
	if err == nil && sum.Errors > 0 {
		err = fmt.Errorf("auto-replay: %+v: %w", sum, ErrRefused)
	}
	return sum, err
}

// Call asks the replay API.
func (w *World) Call(ctx context.Context, req events.APIGatewayProxyRequest) (answer events.APIGatewayProxyResponse, err error) {
	req.RequestContext = events.APIGatewayProxyRequestContext{Stage: "v1", RequestID: "request-1"}
	err = w.Invoke(ctx, ReplayHandler, func(ctx context.Context) (err error) {
		answer, err = w.API.Handle(ctx, req)
		return err
	})
	return answer, err
}
