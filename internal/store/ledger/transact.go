package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithytime "github.com/aws/smithy-go/time"
)

// ErrCursor means that a cursor is not one that the ledger returned.
var ErrCursor = errors.New("unknown cursor")

const (
	attempts = 8
	// Of a transaction, which is cancelled each time it meets another one. The breaks take 11 s together, on average.
	transactAttempts = 30
	// firstBreak doubles with each attempt, up to longestBreak. A break is a random part of that.
	firstBreak   = 40 * time.Millisecond
	longestBreak = time.Second
)

// transact writes all rows or none. It retries a transaction that was cancelled because it met another one, which the
// SDK does not. A failed condition is ErrConflict.
func (l *table) transact(ctx context.Context, doing string, writes []types.TransactWriteItem) error {
	return l.transactAnew(ctx, doing, func() []types.TransactWriteItem { return writes })
}

// transactAnew is transact with other writes for each attempt.
func (l *table) transactAnew(ctx context.Context, doing string, writes func() []types.TransactWriteItem) error {
	err := retryOnContention(ctx, transactAttempts, func() (again bool, err error) {
		_, err = l.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes()})
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) {
			return false, err
		}
		if conditionFailed(cancelled) {
			return false, ErrConflict
		}
		return true, err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// update changes one row. It retries if a transaction is changing the row, which the SDK does not.
func (l *table) update(ctx context.Context, c *change) (out *dynamodb.UpdateItemOutput, err error) {
	err = retryOnContention(ctx, attempts, func() (again bool, err error) {
		out, err = l.api.UpdateItem(ctx, c.input(l.name))
		var busy *types.TransactionConflictException
		return errors.As(err, &busy), err
	})
	return out, err
}

// apply changes one row, or returns ErrConflict if it is not as the change expects.
func (l *table) apply(ctx context.Context, c *change, doing string) error {
	_, err := l.update(ctx, c)
	return conflict(err, nil, doing)
}

// applied makes a change and returns the changed row, or with ErrConflict the row as it is.
func applied[T any](ctx context.Context, l *table, c *change, doing string) (row T, err error) {
	out, err := l.update(ctx, c)
	if err := conflict(err, &row, doing); err != nil {
		return row, err
	}
	return row, Decode(out.Attributes, &row)
}

// retryOnContention retries a call that met another one or was throttled, up to a number of attempts, with growing
// breaks.
func retryOnContention(ctx context.Context, attempts int, do func() (again bool, err error)) error {
	for attempt := range attempts {
		again, err := do()
		if !again || attempt == attempts-1 {
			return err
		}
		wait := time.Duration(rand.Int64N(int64(min(firstBreak<<attempt, longestBreak)))) //nolint:gosec // jitter
		if err := smithytime.SleepWithContext(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

func conditionFailed(err *types.TransactionCanceledException) bool {
	for _, r := range err.CancellationReasons {
		if aws.ToString(r.Code) == "ConditionalCheckFailed" {
			return true
		}
	}
	return false
}
