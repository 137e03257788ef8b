// Package listener handles the messages of the Replay queue: it expands replays into items, fetches events and starts
// executions.
//
// Every message may be delivered again, also to another instance at the same time. Before anything is started,
// conditional writes bind in the ledger what a message stands for. Execution names follow from that. A repeated message
// therefore starts nothing twice.
package listener

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sns"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/internal/failurejob"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Deps are what the listener works with.
type Deps struct {
	Book        *ledger.Ledger
	Log         *eventlog.Log
	Machine     *sfn.Machine
	Series      *sfn.Machine // the Series state machine
	Queue       *sqs.Queue
	Progress    *progress.Replays
	Superseding *outcome.Superseding
	Topic       *sns.Topic
	Gate        *outcome.PublishGate
	Reader      ingest.Reader       // checks transformed events
	Functions   transform.Functions // the user's functions for transforms; nil: none
	Logger      *slog.Logger
	Meter       *emf.Meter // nil: counts nothing

	SupersedeOlder bool             // newer events supersede automatic replays
	Pace           Pace             // of all starts
	Now            func() time.Time // nil: time.Now
}

// Listener handles the messages of the Replay queue.
type Listener struct {
	Deps
	now      func() time.Time
	requests requests
	seen     atomic.Pointer[seenControls]
	jobs     *failurejob.Worker
}

// New returns a Listener.
func New(deps Deps) *Listener {
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	successes := outcome.NewSuccesses(deps.Book.Executions, deps.Book.Publications)
	return &Listener{Deps: deps, now: deps.Now, jobs: failurejob.New(deps.Book, successes, deps.Queue, deps.Logger)}
}

// Handle handles a batch. If a message failed for a passing reason, it sends that message again, which is faster than
// waiting for the queue's visibility timeout. SQS redelivers every other failed message until it is a dead letter, and
// messages that were not finished in the function's time. Finished messages count.
func (l *Listener) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	moved, results := errs.EachWithinDeadline(l.withBatchStarts(ctx, batch.Records), batch.Records, l.handle)
	l.note(ctx, moved, results)

	var failed []unhandled
	var longest time.Duration
	for i, err := range results {
		if err == nil {
			continue
		}
		f := unhandled{batch.Records[i], l.triedFor(batch.Records[i]), err}
		failed, longest = append(failed, f), max(longest, f.tried)
	}
	l.Meter.Set(schema.ReplaysStuck, longest.Seconds())
	var answer events.SQSEventResponse
	sent, _ := errs.EachWithinDeadline(ctx, failed, l.requeue)
	for i, f := range failed {
		if sent[i] {
			l.Logger.WarnContext(ctx, "replay message sent again", "messageId", f.MessageId, "error", f.cause)
			continue
		}
		l.Logger.ErrorContext(ctx, "replay message not handled", "messageId", f.MessageId, "error", f.cause)
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: f.MessageId})
	}
	return answer, nil
}

// unhandled is a message that was not handled.
type unhandled struct {
	events.SQSMessage
	tried time.Duration
	cause error
}

// triedFor is how long a message has been failing, the time before it was sent again included. Waiting for the pace of
// its replay does not count.
func (l *Listener) triedFor(m events.SQSMessage) time.Duration {
	now := l.now()
	tried := sqs.TriedFor(m, now)
	if msg, err := protocol.DecodeReplayMessage(m.Body); err == nil && msg.Since > 0 {
		tried = max(tried, now.Sub(time.Unix(msg.Since, 0)))
	}
	return tried
}

const (
	maxTries  = 50 // how often a failing message is sent again, over hours; after that, its receives count
	firstWait = 2 * time.Second
	maxWait   = 5 * time.Minute
)

// requeue sends a message again that failed for a passing reason. Otherwise, SQS would redeliver it after the
// visibility timeout, and each receive would bring it nearer to the dead-letter queue, where a throttled start must not
// end. A message that used up the time is not sent again: it may be poison, and may still be in work.
func (l *Listener) requeue(ctx context.Context, f unhandled) (sent bool, err error) {
	if errors.Is(f.cause, errs.ErrDeadlinePassed) || !errs.Transient(f.cause) && !errors.Is(f.cause, ledger.ErrConflict) {
		return false, nil
	}
	msg, err := protocol.DecodeReplayMessage(f.Body)
	if err != nil || msg.Tries >= maxTries {
		return false, err
	}
	wait := min(firstWait<<min(msg.Tries, 10), maxWait)
	msg.Tries++
	msg.Since = l.now().Add(-f.tried).Unix()
	wait = wait/2 + time.Duration(rand.Int64N(int64(wait))) //nolint:gosec // jitter
	err = l.send(ctx, msg, wait)
	return err == nil, err
}

// send sends a message to the Replay queue that is delivered after a delay.
func (l *Listener) send(ctx context.Context, msg protocol.ReplayMessage, delay time.Duration) error {
	return l.Queue.Post(ctx, sqs.Post{Body: msg.Encode(), Delay: delay})
}

// sendOn sends a message that continues the work of the current one.
func (l *Listener) sendOn(ctx context.Context, msg protocol.ReplayMessage) error {
	msg.Tries, msg.Since, msg.Revived = 0, 0, 0
	return l.send(ctx, msg, 0)
}

func itemMessage(replayID string, page, ordinal int) protocol.ReplayMessage {
	return protocol.ReplayMessage{Kind: protocol.KindItem, ReplayID: replayID, Page: page, Ordinal: ordinal}
}

// note applies the transitions of a batch together: each replay's counters move once per batch.
func (l *Listener) note(ctx context.Context, moved []*progress.Transition, results []error) {
	var all []progress.Transition
	for i, t := range moved {
		if results[i] == nil && t != nil {
			all = append(all, *t)
		}
	}
	failed := l.Progress.Apply(ctx, all)
	for i, t := range moved {
		if results[i] == nil && t != nil {
			results[i] = failed[t.ReplayID]
		}
	}
}

// apply applies transitions of one replay.
func (l *Listener) apply(ctx context.Context, replayID string, transitions ...progress.Transition) error {
	return l.Progress.Apply(ctx, transitions)[replayID]
}

// handle handles one message and returns the transition of its item, if there is one.
func (l *Listener) handle(ctx context.Context, m events.SQSMessage) (*progress.Transition, error) {
	msg, err := protocol.DecodeReplayMessage(m.Body)
	if err != nil {
		return nil, err
	}
	switch msg.Kind {
	case protocol.KindExpand:
		return nil, l.expand(ctx, msg)
	case protocol.KindItem:
		return l.item(ctx, msg)
	case protocol.KindSweep:
		return nil, l.sweep(ctx, msg)
	case protocol.KindResend:
		return nil, l.resend(ctx, msg)
	case protocol.KindHash:
		return nil, l.hash(ctx, msg)
	case protocol.KindEvidence:
		return nil, l.evidence(ctx, msg)
	case protocol.KindJob:
		return nil, l.jobs.Advance(ctx, msg.JobID, msg.Part)
	case protocol.KindClose:
		return nil, l.closeSeries(ctx, msg)
	default:
		return nil, l.auto(ctx, msg)
	}
}
