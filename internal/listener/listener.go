// Package listener works off the Replay queue: it expands replays into items, fetches events and starts executions.
//
// Every message may be delivered again, and at the same time to another instance. What a message stands for is bound
// in the ledger by conditional writes before anything is started, and execution names are deterministic, so that a
// repeated message starts nothing twice.
package listener

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/progress"
)

type book interface {
	Execution(ctx context.Context, name string) (ledger.Execution, error)
	AddExecution(ctx context.Context, e ledger.Execution) (ledger.Execution, error)
	Failure(ctx context.Context, partition string) (ledger.Failure, error)
	MoveFailure(ctx context.Context, f ledger.Failure, m ledger.Move, from ...ledger.FailureStatus) error
	Replay(ctx context.Context, id string) (ledger.Replay, error)
	Page(ctx context.Context, replayID string, number int) (ledger.Page, error)
	AddPage(ctx context.Context, p ledger.Page, resourceIDs []string) error
	MarkSent(ctx context.Context, p ledger.Page) error
	CompleteReplay(ctx context.Context, id string, at ledger.Stamp) error
	Owned(ctx context.Context, ownerID, cursor string, limit int) (ids []string, next string, err error)
	Item(ctx context.Context, replayID string, page, ordinal int) (ledger.Item, error)
	Bind(ctx context.Context, i ledger.Item, e ledger.Execution) error
}

type eventLog interface {
	Latest(ctx context.Context, resourceID string) (eventlog.Version, error)
	Event(ctx context.Context, resourceID, versionID string) ([]byte, error)
	Object(ctx context.Context, key string) ([]byte, error)
	PutObject(ctx context.Context, key string, document []byte) error
}

type machine interface {
	Start(ctx context.Context, name string, input []byte) (arn string, err error)
}

type sender interface {
	Send(ctx context.Context, bodies ...string) error
}

type board interface {
	Take(ctx context.Context, steps []progress.Step) map[string]error
}

type judge interface {
	OfFailure(ctx context.Context, f ledger.Failure) (eventlog.Version, bool, error)
}

// Deps are what the listener works with.
type Deps struct {
	Book    book
	Log     eventLog
	Machine machine
	Queue   sender
	Board   board
	Judge   judge // nil: older failures are not superseded by newer events
	Logger  *slog.Logger
}

// Listener handles the messages of the Replay queue.
type Listener struct {
	Deps
	now func() time.Time
}

// New returns a Listener.
func New(deps Deps) *Listener {
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	return &Listener{Deps: deps, now: time.Now}
}

// Handle works off a batch. Messages that could not be handled come again; the others are done for good.
func (l *Listener) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	steps := make([]*progress.Step, len(batch.Records))
	errs := make([]error, len(batch.Records))
	var group errgroup.Group
	for i, m := range batch.Records {
		group.Go(func() error {
			steps[i], errs[i] = l.handle(ctx, m.Body)
			return nil // one message's error must not keep the others back
		})
	}
	_ = group.Wait() // no function above returns an error
	l.note(ctx, steps, errs)

	var answer events.SQSEventResponse
	for i, err := range errs {
		if err == nil {
			continue
		}
		id := batch.Records[i].MessageId
		l.Logger.ErrorContext(ctx, "replay message not handled", "messageId", id, "error", err)
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return answer, nil
}

// note takes the steps of a batch at once, so that each replay's counters move once per batch.
func (l *Listener) note(ctx context.Context, steps []*progress.Step, errs []error) {
	var taken []progress.Step
	for i, s := range steps {
		if errs[i] == nil && s != nil {
			taken = append(taken, *s)
		}
	}
	failed := l.Board.Take(ctx, taken)
	for i, s := range steps {
		if errs[i] == nil && s != nil {
			errs[i] = failed[s.ReplayID]
		}
	}
}

// handle works off one message and returns the step of the item that it was about, if any.
func (l *Listener) handle(ctx context.Context, body string) (*progress.Step, error) {
	msg, err := message.DecodeReplay(body)
	if err != nil {
		return nil, err
	}
	switch msg.Kind {
	case message.KindExpand:
		return nil, l.expand(ctx, msg)
	case message.KindItem:
		return l.item(ctx, msg)
	default:
		return nil, l.auto(ctx, msg)
	}
}

var errNoVersion = errors.New("no version to replay")
