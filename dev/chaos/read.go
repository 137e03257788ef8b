package chaos

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithytime "github.com/aws/smithy-go/time"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// readers is how many requests read at once.
const readers = 8

// read collects the facts.
func (r *run) read(ctx context.Context) (*Facts, error) {
	r.mu.Lock()
	f := &Facts{
		MaxAttempts: maxAttempts, Sent: r.sent, Asked: r.asked, Deliveries: r.deliveries, Deleted: r.deleted,
		PublishBegan: map[string]time.Time{},
	}
	r.mu.Unlock()
	var err error
	if f.Executions, err = r.executions(ctx); err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context, *Facts) error{
		r.readErrors, r.readLedger, r.readBucket, r.readMessages, r.readOffers, r.readPublications,
	} {
		if err := read(ctx, f); err != nil {
			return nil, err
		}
	}
	f.Queued, err = r.queued(ctx)
	return f, err
}

// executions lists all executions of the ingestion state machine.
func (r *run) executions(ctx context.Context) (map[string]Execution, error) {
	all := map[string]Execution{}
	pages := sfn.NewListExecutionsPaginator(r.machine, &sfn.ListExecutionsInput{
		StateMachineArn: &r.stack.StateMachineARN, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list executions: %w", err)
		}
		for _, e := range page.Executions {
			all[*e.Name] = Execution{
				Name: *e.Name, Status: ledger.ExecutionStatus(e.Status),
				Started: aws.ToTime(e.StartDate), Stopped: aws.ToTime(e.StopDate),
			}
		}
	}
	return all, nil
}

// readErrors completes the executions that failed.
func (r *run) readErrors(ctx context.Context, f *Facts) error {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for name, e := range maps.Clone(f.Executions) {
		if !e.failed() {
			continue
		}
		group.Go(func() error {
			out, err := r.machine.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(r.executionARN(name))})
			if err != nil {
				return fmt.Errorf("describe %s: %w", name, err)
			}
			e.Error = aws.ToString(out.Error)
			mu.Lock()
			defer mu.Unlock()
			f.Executions[name] = e
			return nil
		})
	}
	return group.Wait()
}

// readPublications finds out when those replays began to publish that are about something that was deleted.
func (r *run) readPublications(ctx context.Context, f *Facts) error {
	for _, m := range f.Messages {
		if _, ours := f.afterDeletion(m); !ours {
			continue
		}
		began, err := r.lastAttempt(ctx, m.Execution, schema.PublishState)
		if err != nil {
			return err
		}
		f.PublishBegan[m.Execution] = began
	}
	return nil
}

// lastAttempt is when the last attempt of a state began.
func (r *run) lastAttempt(ctx context.Context, execution, state string) (time.Time, error) {
	var at time.Time
	in := false
	pages := sfn.NewGetExecutionHistoryPaginator(r.machine, &sfn.GetExecutionHistoryInput{
		ExecutionArn: aws.String(r.executionARN(execution)), MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return at, fmt.Errorf("history of %s: %w", execution, err)
		}
		for _, e := range page.Events {
			if e.StateEnteredEventDetails != nil {
				in = aws.ToString(e.StateEnteredEventDetails.Name) == state
			}
			begins := e.StateEnteredEventDetails != nil || e.Type == sfntypes.HistoryEventTypeTaskScheduled ||
				e.Type == sfntypes.HistoryEventTypeLambdaFunctionScheduled
			if in && begins {
				at = *e.Timestamp
			}
		}
	}
	if at.IsZero() {
		return at, fmt.Errorf("history of %s: it never entered %s", execution, state)
	}
	return at, nil
}

// readMessages takes what the subscriber of everything got.
func (r *run) readMessages(ctx context.Context, f *Facts) error {
	return r.receive(ctx, r.stack.DownstreamQueueURL, func(m sqstypes.Message) error {
		attribute := func(name string) string { return aws.ToString(m.MessageAttributes[name].StringValue) }
		sent, err := strconv.ParseInt(m.Attributes[string(sqstypes.MessageSystemAttributeNameSentTimestamp)], 10, 64)
		if err != nil {
			return fmt.Errorf("when a message was sent: %w", err)
		}
		f.Messages = append(f.Messages, Message{
			Execution: attribute("execution"), Version: attribute("versionId"), Resource: attribute("resourceId"),
			Replay: attribute("isReplay") == "true", At: time.UnixMilli(sent),
		})
		return nil
	})
}

// readOffers takes what the workflow's side effect left.
func (r *run) readOffers(ctx context.Context, f *Facts) error {
	f.Offers = map[string]int{}
	return r.receive(ctx, r.stack.PremiumQueueURL, func(m sqstypes.Message) error {
		id, _, err := idsOf(aws.ToString(m.Body))
		f.Offers[id]++
		return err
	})
}

// receive takes each message of a queue once, until the queue is empty: an answer may be lost here too, and its messages
// come again.
func (r *run) receive(ctx context.Context, url string, take func(sqstypes.Message) error) error {
	seen := map[string]bool{}
	for {
		out, err := r.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if len(out.Messages) == 0 {
			left, err := r.messages(ctx, url)
			if err != nil || left == 0 {
				return err
			}
			if err := smithytime.SleepWithContext(ctx, look); err != nil {
				return err
			}
			continue
		}
		entries := make([]sqstypes.DeleteMessageBatchRequestEntry, len(out.Messages))
		for i, m := range out.Messages {
			if !seen[*m.MessageId] {
				if err := take(m); err != nil {
					return err
				}
			}
			seen[*m.MessageId] = true
			entries[i] = sqstypes.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle}
		}
		// Those that are not deleted come again, and are known then.
		if _, err := r.queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
			return fmt.Errorf("delete received: %w", err)
		}
	}
}
