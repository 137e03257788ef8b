package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/naming"
)

// run is an execution as Step Functions lists it.
type run struct {
	name    string
	status  sfntypes.ExecutionStatus
	started time.Time
	stopped time.Time // zero while it runs
}

func (r run) ended() bool { return r.status != sfntypes.ExecutionStatusRunning }

func (r run) failed() bool {
	return r.status == sfntypes.ExecutionStatusFailed || r.status == sfntypes.ExecutionStatusTimedOut
}

func (r run) auto() bool { return strings.HasPrefix(r.name, naming.AutoPrefix) }

func (r run) api() bool { return strings.HasPrefix(r.name, naming.APIPrefix) }

func (r run) live() bool { return !r.auto() && !r.api() }

func (d *demo) executions(ctx context.Context) ([]run, error) {
	var runs []run
	pages := sfn.NewListExecutionsPaginator(d.machine, &sfn.ListExecutionsInput{
		StateMachineArn: &d.StateMachineARN, MaxResults: 1000,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list executions: %w", err)
		}
		for _, e := range page.Executions {
			runs = append(runs, run{
				name: aws.ToString(e.Name), status: e.Status,
				started: aws.ToTime(e.StartDate), stopped: aws.ToTime(e.StopDate),
			})
		}
	}
	return runs, nil
}

// rows are what the ledger knows.
type rows struct {
	executions []ledger.Execution
	failures   []ledger.Failure
	replays    []ledger.Replay
	items      []ledger.Item
}

func (r rows) byStatus() map[ledger.FailureStatus]int {
	by := map[ledger.FailureStatus]int{}
	for _, f := range r.failures {
		by[f.Status]++
	}
	return by
}

// ledgerRows reads the whole table: fit for a demo, and for nothing else.
func (d *demo) ledgerRows(ctx context.Context) (rows, error) {
	var all rows
	pages := dynamodb.NewScanPaginator(d.table, &dynamodb.ScanInput{TableName: &d.LedgerTable, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, fmt.Errorf("read ledger: %w", err)
		}
		for _, row := range page.Items {
			if err := all.add(row); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// add takes a row that the figures are about.
func (r *rows) add(row map[string]types.AttributeValue) error {
	var k struct {
		PK string `dynamodbav:"pk"`
		SK string `dynamodbav:"sk"`
	}
	if err := attributevalue.UnmarshalMap(row, &k); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	var err error
	switch kind, id, _ := strings.Cut(k.PK, "#"); {
	case kind == "X":
		r.executions, err = appended(r.executions, row)
	case kind == "F":
		r.failures, err = appended(r.failures, row)
	case kind == "P" && strings.HasPrefix(k.SK, "I#"):
		r.items, err = appended(r.items, row)
	case kind == "P" && !strings.Contains(id, "#"):
		r.replays, err = appended(r.replays, row)
	}
	if err != nil {
		return fmt.Errorf("read ledger row %s: %w", k.PK, err)
	}
	return nil
}

func appended[T any](list []T, row map[string]types.AttributeValue) ([]T, error) {
	var one T
	err := attributevalue.UnmarshalMap(row, &one)
	return append(list, one), err
}

// versions counts what the event log holds, with the rule by which the product reads it.
func (d *demo) versions(ctx context.Context) (int, error) {
	resources := map[string]bool{}
	for _, e := range append(d.bad(), d.events...) {
		resources[e.resource] = true
	}
	log := eventlog.New(d.bucket, d.EventLogBucket)
	n := 0
	for id := range resources {
		for _, err := range log.Versions(ctx, id, "") {
			if err != nil {
				return 0, err
			}
			n++
		}
	}
	return n, nil
}

func (d *demo) objects(ctx context.Context, prefix string) (int, error) {
	n := 0
	pages := s3.NewListObjectsV2Paginator(d.bucket, &s3.ListObjectsV2Input{Bucket: &d.EventLogBucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("list %s: %w", prefix, err)
		}
		n += len(page.Contents)
	}
	return n, nil
}

// received takes the messages out of a subscriber's queue, and returns the attributes of each publication once, and how
// many messages repeated one. A subscriber tells them apart by the execution and the replay.
func (d *demo) received(ctx context.Context, url string) (all []map[string]string, repeated int, err error) {
	seen := map[[3]string]bool{}
	for {
		out, err := d.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, WaitTimeSeconds: 1,
		})
		if err != nil {
			return all, repeated, fmt.Errorf("receive: %w", err)
		}
		if len(out.Messages) == 0 {
			// A receive whose answer was lost hides its messages until their visibility timeout.
			if left, err := d.queued(ctx, url); err != nil || left == 0 {
				return all, repeated, err
			}
			continue
		}
		entries := make([]sqstypes.DeleteMessageBatchRequestEntry, len(out.Messages))
		for i, m := range out.Messages {
			attributes := map[string]string{}
			for name, value := range m.MessageAttributes {
				attributes[name] = aws.ToString(value.StringValue)
			}
			if publication := [3]string{attributes["execution"], attributes["replayId"], attributes["target"]}; seen[publication] {
				repeated++
			} else {
				seen[publication] = true
				all = append(all, attributes)
			}
			entries[i] = sqstypes.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle}
		}
		if _, err := d.queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
			return all, repeated, fmt.Errorf("delete received: %w", err)
		}
	}
}

func (d *demo) queued(ctx context.Context, url string) (int, error) {
	out, err := d.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
	})
	if err != nil {
		return 0, fmt.Errorf("look into queue: %w", err)
	}
	n, total := 0, 0
	for _, v := range out.Attributes {
		if _, err := fmt.Sscan(v, &n); err != nil {
			return 0, fmt.Errorf("read queue attribute %q: %w", v, err)
		}
		total += n
	}
	return total, nil
}
