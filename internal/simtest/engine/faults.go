package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Faults breaks one call of a function to a service. Calls count while During runs.
type Faults struct {
	At    int    // the call to break, from 1; 0: none
	After bool   // the call takes effect, but its answer is lost
	Dies  bool   // the function dies too; otherwise the service is unavailable
	Name  string // dies at every call whose name contains this, before it takes effect; empty: none

	// Refuse names calls for which the service is unavailable; empty: none.
	Refuse string

	Threads *Threads // decide about every call instead; nil: there are none

	mu      sync.Mutex
	slow    func(ctx context.Context, what string) error
	running bool
	dead    bool
	calls   int
	Broken  string // what broke
}

var errDied = errors.New("the function has died")

// During runs a function of the product and reports whether it died. Then its answer is lost.
func (f *Faults) During(run func()) (died bool) {
	f.mu.Lock()
	f.running = true
	f.mu.Unlock()
	run()
	f.mu.Lock()
	defer f.mu.Unlock()
	died = f.dead
	f.running, f.dead = false, false
	return died
}

// Arm breaks the n-th call from now on.
func (f *Faults) Arm(n int, dies, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.At, f.Dies, f.After = f.calls+n, dies, after
}

// Slow delays every call by a function, which may return an error for the call.
func (f *Faults) Slow(wait func(ctx context.Context, what string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slow = wait
}

func (f *Faults) stall(ctx context.Context, what string) error {
	f.mu.Lock()
	slow := f.slow
	f.mu.Unlock()
	if slow == nil {
		return nil
	}
	return slow(ctx, what)
}

// next counts a call and decides its fate.
func (f *Faults) next(what string) (skip bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running {
		return false, nil
	}
	if f.dead {
		return true, errDied
	}
	if f.calls++; f.Name != "" && strings.Contains(what, f.Name) {
		f.dead = true
		return true, errDied
	}
	if f.Refuse != "" && strings.Contains(what, f.Refuse) {
		return true, &unavailable
	}
	if f.calls != f.At {
		return false, nil
	}
	f.Broken = fmt.Sprintf("call %d, %s", f.calls, what)
	if f.Dies {
		f.dead = true
		return !f.After, errDied
	}
	return !f.After, &unavailable
}

// reads are the beginnings of calls that change nothing.
var reads = []string{"GetItem", "BatchGetItem", "Query", "GetObject", "HeadObject", "List", "Describe", "GetExecutionHistory"}

// brokeRead reports whether the call that broke changes nothing: before and after its effect are the same.
func (f *Faults) brokeRead() bool {
	_, what, _ := strings.Cut(f.Broken, ", ")
	return slices.ContainsFunc(reads, func(read string) bool { return strings.HasPrefix(what, read) })
}

func call[T any](ctx context.Context, f *Faults, what string, do func() (T, error)) (out T, err error) {
	if err := f.stall(ctx, what); err != nil {
		return out, err
	}
	if f.Threads != nil {
		return inTurn(ctx, f.Threads, what, do)
	}
	skip, lost := f.next(what)
	if skip {
		return out, lost
	}
	if got, err := do(); err != nil || lost == nil {
		return got, err
	}
	return out, lost
}

// keyOf is the partition key of a row, which has no spaces.
func keyOf(row map[string]types.AttributeValue) string {
	if v, ok := row[schema.PartitionKey].(*types.AttributeValueMemberS); ok {
		return " " + v.Value
	}
	return ""
}

type faultyTable struct {
	ledger.Client
	f *Faults
}

func (t faultyTable) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return call(ctx, t.f, "GetItem"+keyOf(in.Key), func() (*dynamodb.GetItemOutput, error) { return t.Client.GetItem(ctx, in) })
}

func (t faultyTable) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return call(ctx, t.f, "PutItem"+keyOf(in.Item), func() (*dynamodb.PutItemOutput, error) { return t.Client.PutItem(ctx, in) })
}

func (t faultyTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return call(ctx, t.f, "UpdateItem"+keyOf(in.Key)+" "+*in.UpdateExpression, func() (*dynamodb.UpdateItemOutput, error) { return t.Client.UpdateItem(ctx, in) })
}

func (t faultyTable) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return call(ctx, t.f, "Query", func() (*dynamodb.QueryOutput, error) { return t.Client.Query(ctx, in) })
}

func (t faultyTable) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return call(ctx, t.f, "BatchGetItem", func() (*dynamodb.BatchGetItemOutput, error) { return t.Client.BatchGetItem(ctx, in) })
}

func (t faultyTable) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return call(ctx, t.f, "TransactWriteItems"+updates(in), func() (*dynamodb.TransactWriteItemsOutput, error) {
		return t.Client.TransactWriteItems(ctx, in)
	})
}

func updates(in *dynamodb.TransactWriteItemsInput) (names string) {
	for _, w := range in.TransactItems {
		if w.Update != nil {
			names += " " + *w.Update.UpdateExpression
		}
	}
	return names
}

type faultyBucket struct {
	eventlog.API
	f *Faults
}

func (b faultyBucket) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	return call(ctx, b.f, "PutObject "+*in.Key, func() (*s3.PutObjectOutput, error) { return b.API.PutObject(ctx, in) })
}

func (b faultyBucket) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return call(ctx, b.f, "GetObject "+*in.Key, func() (*s3.GetObjectOutput, error) { return b.API.GetObject(ctx, in) })
}

func (b faultyBucket) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return call(ctx, b.f, "HeadObject "+*in.Key, func() (*s3.HeadObjectOutput, error) { return b.API.HeadObject(ctx, in) })
}

func (b faultyBucket) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	return call(ctx, b.f, "ListObjectVersions", func() (*s3.ListObjectVersionsOutput, error) { return b.API.ListObjectVersions(ctx, in) })
}

func (b faultyBucket) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	return call(ctx, b.f, "ListObjectsV2", func() (*s3.ListObjectsV2Output, error) { return b.API.ListObjectsV2(ctx, in) })
}

type faultyStates struct {
	sfn.API
	f *Faults
}

func (s faultyStates) StartExecution(ctx context.Context, in *awssfn.StartExecutionInput, _ ...func(*awssfn.Options)) (*awssfn.StartExecutionOutput, error) {
	return call(ctx, s.f, "StartExecution "+*in.Name, func() (*awssfn.StartExecutionOutput, error) { return s.API.StartExecution(ctx, in) })
}

func (s faultyStates) RedriveExecution(ctx context.Context, in *awssfn.RedriveExecutionInput, _ ...func(*awssfn.Options)) (*awssfn.RedriveExecutionOutput, error) {
	return call(ctx, s.f, "RedriveExecution "+*in.ExecutionArn, func() (*awssfn.RedriveExecutionOutput, error) { return s.API.RedriveExecution(ctx, in) })
}

func (s faultyStates) DescribeExecution(ctx context.Context, in *awssfn.DescribeExecutionInput, _ ...func(*awssfn.Options)) (*awssfn.DescribeExecutionOutput, error) {
	return call(ctx, s.f, "DescribeExecution "+*in.ExecutionArn, func() (*awssfn.DescribeExecutionOutput, error) { return s.API.DescribeExecution(ctx, in) })
}

func (s faultyStates) ListExecutions(ctx context.Context, in *awssfn.ListExecutionsInput, _ ...func(*awssfn.Options)) (*awssfn.ListExecutionsOutput, error) {
	return call(ctx, s.f, "ListExecutions", func() (*awssfn.ListExecutionsOutput, error) { return s.API.ListExecutions(ctx, in) })
}

func (s faultyStates) GetExecutionHistory(ctx context.Context, in *awssfn.GetExecutionHistoryInput, _ ...func(*awssfn.Options)) (*awssfn.GetExecutionHistoryOutput, error) {
	return call(ctx, s.f, "GetExecutionHistory", func() (*awssfn.GetExecutionHistoryOutput, error) { return s.API.GetExecutionHistory(ctx, in) })
}

type faultyQueues struct {
	sqs.API
	f *Faults
}

func (q faultyQueues) SendMessageBatch(ctx context.Context, in *awssqs.SendMessageBatchInput, _ ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error) {
	return call(ctx, q.f, "SendMessageBatch", func() (*awssqs.SendMessageBatchOutput, error) { return q.API.SendMessageBatch(ctx, in) })
}

func (q faultyQueues) ReceiveMessage(ctx context.Context, in *awssqs.ReceiveMessageInput, _ ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error) {
	if err := q.f.stall(ctx, "ReceiveMessage"); err != nil {
		return nil, err
	}
	return q.API.ReceiveMessage(ctx, in) //nolint:wrapcheck // as the SDK has it
}

func (q faultyQueues) DeleteMessage(ctx context.Context, in *awssqs.DeleteMessageInput, _ ...func(*awssqs.Options)) (*awssqs.DeleteMessageOutput, error) {
	if err := q.f.stall(ctx, "DeleteMessage "+*in.ReceiptHandle); err != nil {
		return nil, err
	}
	return q.API.DeleteMessage(ctx, in) //nolint:wrapcheck // as the SDK has it
}

// unavailable is the error of an unavailable service.
var unavailable = smithy.GenericAPIError{Code: "ServiceUnavailable", Message: "503"}

// throttling is the error of Step Functions for a throttled start.
var throttling = smithy.GenericAPIError{Code: "ThrottlingException", Message: "rate exceeded"}
