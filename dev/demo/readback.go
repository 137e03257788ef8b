package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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
	name   string
	arn    string
	status sfntypes.ExecutionStatus
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
			runs = append(runs, run{name: aws.ToString(e.Name), arn: aws.ToString(e.ExecutionArn), status: e.Status})
		}
	}
	return runs, nil
}

// rows are what the ledger knows.
type rows struct {
	executions []ledger.Execution
	failures   []ledger.Failure
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
		for _, it := range page.Items {
			var k struct {
				PK string `dynamodbav:"pk"`
			}
			var e ledger.Execution
			var f ledger.Failure
			if err := attributevalue.UnmarshalMap(it, &k); err != nil {
				return all, fmt.Errorf("read ledger: %w", err)
			}
			switch {
			case strings.HasPrefix(k.PK, "X#"):
				err = attributevalue.UnmarshalMap(it, &e)
				all.executions = append(all.executions, e)
			case strings.HasPrefix(k.PK, "F#"):
				err = attributevalue.UnmarshalMap(it, &f)
				all.failures = append(all.failures, f)
			}
			if err != nil {
				return all, fmt.Errorf("read ledger row %s: %w", k.PK, err)
			}
		}
	}
	return all, nil
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

// received takes the messages out of a subscriber's queue and counts them, and the replays among them.
func (d *demo) received(ctx context.Context, url string) (all, replays int, err error) {
	for {
		out, err := d.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}, WaitTimeSeconds: 1,
		})
		if err != nil {
			return all, replays, fmt.Errorf("receive: %w", err)
		}
		if len(out.Messages) == 0 {
			return all, replays, nil
		}
		entries := make([]sqstypes.DeleteMessageBatchRequestEntry, len(out.Messages))
		for i, m := range out.Messages {
			all++
			if aws.ToString(m.MessageAttributes["isReplay"].StringValue) == "true" {
				replays++
			}
			entries[i] = sqstypes.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle}
		}
		if _, err := d.queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
			return all, replays, fmt.Errorf("delete received: %w", err)
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
