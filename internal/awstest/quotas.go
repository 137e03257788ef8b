package awstest

import (
	"context"
	"sync"
	"time"

	awssfn "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/aws/sfn"
)

// Tokens are a quota of AWS: a token bucket that is refilled at a rate, up to a size.
type Tokens struct {
	Size, PerSecond float64
	Now             func() time.Time

	mu             sync.Mutex
	spent          float64
	seen           time.Time
	given, refused int
}

// Take takes a token, or returns the error of a throttled call.
func (b *Tokens) Take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.Now()
	if !b.seen.IsZero() {
		b.spent = max(0, b.spent-now.Sub(b.seen).Seconds()*b.PerSecond)
	}
	b.seen = now
	if b.spent+1 > b.Size {
		b.refused++
		return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
	}
	b.spent++
	b.given++
	return nil
}

// Counts returns how many tokens were given, and how many were refused.
func (b *Tokens) Counts() (given, refused int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.given, b.refused
}

// Quotas throttle the calls of Step Functions in most Regions ("Quotas related to API action throttling", Step
// Functions Developer Guide).
type Quotas struct {
	sfn.API
	Start, Describe, History, Lists *Tokens
}

// NewQuotas returns an API with full buckets.
func NewQuotas(api sfn.API, now func() time.Time) *Quotas {
	return &Quotas{
		API:      api,
		Start:    &Tokens{Size: 800, PerSecond: 150, Now: now},
		Describe: &Tokens{Size: 250, PerSecond: 10, Now: now},
		History:  &Tokens{Size: 400, PerSecond: 20, Now: now},
		Lists:    &Tokens{Size: 200, PerSecond: 5, Now: now},
	}
}

func within[In, Out, Option any](
	ctx context.Context, quota *Tokens, in In, options []Option, call func(context.Context, In, ...Option) (*Out, error),
) (*Out, error) {
	if err := quota.Take(); err != nil {
		return nil, err
	}
	return call(ctx, in, options...)
}

// StartExecution is Step Functions'.
func (q *Quotas) StartExecution(ctx context.Context, in *awssfn.StartExecutionInput, o ...func(*awssfn.Options)) (*awssfn.StartExecutionOutput, error) {
	return within(ctx, q.Start, in, o, q.API.StartExecution)
}

// DescribeExecution is Step Functions'.
func (q *Quotas) DescribeExecution(ctx context.Context, in *awssfn.DescribeExecutionInput, o ...func(*awssfn.Options)) (*awssfn.DescribeExecutionOutput, error) {
	return within(ctx, q.Describe, in, o, q.API.DescribeExecution)
}

// GetExecutionHistory is Step Functions'.
func (q *Quotas) GetExecutionHistory(ctx context.Context, in *awssfn.GetExecutionHistoryInput, o ...func(*awssfn.Options)) (*awssfn.GetExecutionHistoryOutput, error) {
	return within(ctx, q.History, in, o, q.API.GetExecutionHistory)
}

// ListExecutions is Step Functions'.
func (q *Quotas) ListExecutions(ctx context.Context, in *awssfn.ListExecutionsInput, o ...func(*awssfn.Options)) (*awssfn.ListExecutionsOutput, error) {
	return within(ctx, q.Lists, in, o, q.API.ListExecutions)
}
