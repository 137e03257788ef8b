package autoreplay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// hide is how long a dead letter stays hidden while it is ingested, which also bounds the time for that.
const hide = time.Minute

// ingestDeadLetterQueue ingests dead letters. A message is deleted once its row exists, never before. A message that
// fails stays in the queue for the next run.
func (r *run) ingestDeadLetterQueue(ctx context.Context) error {
	d := ingester{run: r, err: make(chan error, ingesters)}
	d.begin(ctx)
	d.group.Wait()
	close(d.err)
	var results []error
	for err := range d.err {
		results = append(results, err)
	}
	return errors.Join(results...)
}

// ingesters is how many batches are ingested at the same time if the queue is full.
const ingesters = 16

// ingester ingests batches. Each full batch adds a worker.
type ingester struct {
	*run
	group sync.WaitGroup
	err   chan error

	mu    sync.Mutex
	works int
}

func (d *ingester) begin(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.works == ingesters {
		return
	}
	d.works++
	d.group.Go(func() { d.err <- d.work(ctx) })
}

func (d *ingester) work(ctx context.Context) error {
	for ctx.Err() == nil {
		batch, err := d.DeadLetters.Receive(ctx, hide)
		if err != nil {
			return err
		}
		d.mu.Lock()
		if d.left == nil {
			d.left = map[string]bool{}
		}
		d.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if len(batch) == fullBatch {
			d.begin(ctx)
		}
		if over := d.ingestDeadLetters(ctx, batch); over {
			return nil
		}
	}
	return nil
}

// fullBatch is the most messages that SQS returns at once.
const fullBatch = 10

// ingestDeadLetters ingests dead letters that were received together. Over reports that the time of this part is used
// up. The next run ingests the rest.
func (d *ingester) ingestDeadLetters(ctx context.Context, batch []sqs.Message) (over bool) {
	hidden, cancel := context.WithTimeout(ctx, hide)
	defer cancel()
	end, limited := ctx.Deadline()
	last := limited && time.Until(end) <= hide
	_, results := errs.EachWithinDeadline(hidden, batch, func(ctx context.Context, m sqs.Message) (none struct{}, err error) {
		return none, d.ingestDeadLetter(ctx, m)
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, err := range results {
		if err == nil {
			delete(d.left, batch[i].ID) // a run may receive a message twice
			d.sum.DeadLetters++
			continue
		}
		if errors.Is(err, sfn.ErrBusy) || ctx.Err() != nil && errors.Is(err, errs.ErrDeadlinePassed) {
			d.sum.Waiting++ // it is received again: nothing is wrong with it
			over = over || ctx.Err() != nil
			continue
		}
		d.sum.Errors++
		d.Logger.Log(ctx, errs.Level(err), "dead letter left in the queue", "messageId", batch[i].ID, "error", err)
		if last && errors.Is(err, errs.ErrDeadlinePassed) {
			over = true
		} else {
			d.left[batch[i].ID] = true
		}
	}
	return over
}

// ingestDeadLetter records what a dead letter says, and deletes it.
func (r *run) ingestDeadLetter(ctx context.Context, m sqs.Message) error {
	parts := []sqs.Message{m}
	if bodies := protocol.WrappedBodies(m.Body); len(bodies) > 0 {
		parts = nil
		for i, body := range bodies {
			parts = append(parts, sqs.Message{ID: fmt.Sprintf("%s-%d", m.ID, i), Body: body})
		}
	}
	for _, part := range parts {
		err := r.ingestBody(ctx, part)
		if errors.Is(err, ledger.ErrNotFound) { // its subject is gone: the message is all that is left
			err = r.quarantineMessage(ctx, part, poisonMessage, err.Error())
		}
		if err != nil {
			return err
		}
	}
	return r.DeadLetters.Delete(ctx, m)
}

// ingestBody ingests a dead letter by its kind: a message of the Replay queue that was delivered too often, the end of
// an execution, another message that names an execution, or none of these.
func (r *run) ingestBody(ctx context.Context, m sqs.Message) error {
	if msg, err := protocol.DecodeReplayMessage(m.Body); err == nil {
		return r.poison(ctx, m, msg)
	}
	if status, err := protocol.DecodeStatusMessage(m.Body); err == nil && domain.ExecutionStatus(status.Status).Terminal() {
		return r.ingestReport(ctx, status)
	}
	return r.ingestNamed(ctx, m)
}

// ingestReport records the end of an execution that the failure rule reported, or that Tracker could not record.
func (r *run) ingestReport(ctx context.Context, status protocol.StatusMessage) error {
	e := outcome.Ended(status)
	if name, ours := nameOf(r.Machine, status.ExecutionARN); ours {
		e.Name = name
		return r.recordEnd(ctx, e)
	}
	if name, ours := nameOf(r.Series, status.ExecutionARN); ours {
		e.Name = name
		return r.closeSeries(ctx, e)
	}
	r.Logger.WarnContext(ctx, "end of an execution of another state machine ignored", "executionArn", status.ExecutionARN)
	return nil
}

// nameOf returns the name of an execution by its ARN, and whether it is an execution of the machine.
func nameOf(machine sfn.Within, arn string) (name string, ours bool) {
	name, ours = strings.CutPrefix(arn, machine.ExecutionARN(""))
	return name, ours && name != ""
}

// ingestNamed ingests a message of another form: it looks up in Step Functions how the executions that it names have
// ended.
func (r *run) ingestNamed(ctx context.Context, m sqs.Message) error {
	understood := false
	for _, of := range []struct {
		machine sfn.Within
		take    func(context.Context, domain.Ended) error
	}{{r.Machine, r.recordEnd}, {r.Series, r.closeSeries}} {
		for _, name := range protocol.ExecutionNames(m.Body, of.machine.ExecutionARN("")) {
			d, err := of.machine.Describe(ctx, name)
			if errors.Is(err, sfn.ErrNotFound) {
				continue
			}
			if err == nil && d.Status.Terminal() { // else its end will be reported
				err = of.take(ctx, d.Ended)
			}
			if err != nil {
				return err
			}
			understood = true
		}
	}
	if understood {
		r.Logger.InfoContext(ctx, "dead letter of another form understood by the executions that it names", "messageId", m.ID)
		return nil
	}
	return r.quarantineMessage(ctx, m, "UnknownMessage", "the dead-letter queue had a message of unknown form")
}

// closeSeries asks the listener to record outcomes for the items that a series has left.
func (r *run) closeSeries(ctx context.Context, e domain.Ended) error {
	return r.Replays.Send(ctx, outcome.Close(e))
}

// quarantineMessage quarantines a message with its body, under its own name.
func (r *run) quarantineMessage(ctx context.Context, m sqs.Message, name, why string) error {
	execution := "message-" + m.ID
	key := eventlog.UnrecordedKey(execution)
	if err := r.Log.PutObject(ctx, key, []byte(m.Body)); err != nil {
		return err
	}
	now := domain.At(r.Now())
	_, err := r.Book.Failures.Add(ctx, domain.Failure{
		Execution: execution, Root: execution, Status: domain.Quarantined, InputKey: key,
		Error: name, Cause: why, Decision: why, FailedAt: now, FirstAt: now,
	})
	if errors.Is(err, ledger.ErrConflict) {
		return nil
	}
	return err
}
