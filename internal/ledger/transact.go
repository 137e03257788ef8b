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
)

// ErrCursor means that a cursor is none that the ledger gave out.
var ErrCursor = errors.New("unknown cursor")

const (
	transactAttempts = 6
	transactBackoff  = 20 * time.Millisecond
)

// transact writes rows all or none. Transactions that meet on the row of a replay are tried again here, because the
// SDK does not; a failed condition is ErrConflict.
func (l *Ledger) transact(ctx context.Context, doing string, writes []types.TransactWriteItem) error {
	for attempt := 1; ; attempt++ {
		_, err := l.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
		if err == nil {
			return nil
		}
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if conditionFailed(cancelled) {
			return fmt.Errorf("%s: %w", doing, ErrConflict)
		}
		if attempt == transactAttempts {
			return fmt.Errorf("%s: %w", doing, err)
		}
		wait := time.NewTimer(time.Duration(rand.Int64N(int64(transactBackoff) << attempt))) //nolint:gosec // jitter
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return fmt.Errorf("%s: %w", doing, ctx.Err())
		}
	}
}

func conditionFailed(err *types.TransactionCanceledException) bool {
	for _, r := range err.CancellationReasons {
		if aws.ToString(r.Code) == "ConditionalCheckFailed" {
			return true
		}
	}
	return false
}
