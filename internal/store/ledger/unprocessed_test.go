package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// throttled is a table that gives at most one row for each of so many calls, and leaves the other keys unprocessed.
type throttled struct {
	*awstest.Table
	calls int // to throttle
	tries []time.Time
}

func (t *throttled) BatchGetItem(
	ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options),
) (*dynamodb.BatchGetItemOutput, error) {
	t.tries = append(t.tries, time.Now())
	left := map[string]types.KeysAndAttributes{}
	if t.calls--; t.calls >= 0 {
		for table, ka := range in.RequestItems {
			left[table] = types.KeysAndAttributes{Keys: ka.Keys[1:]}
			ka.Keys = ka.Keys[:1]
			in.RequestItems[table] = ka
		}
	}
	out, err := t.Table.BatchGetItem(ctx, in, opts...)
	if err == nil && len(left[awstest.TableName].Keys) > 0 {
		out.UnprocessedKeys = left
	}
	return out, err
}

func TestKeysThatAreLeftUnprocessedAreAskedForAgainAfterABreak(t *testing.T) {
	partitions := make([]string, 50)
	for i := range partitions {
		partitions[i] = domain.FailureID(fmt.Sprint("x", i), 0)
	}
	world := func(t *testing.T, calls int) (*throttled, *ledger.Ledger) {
		table := &throttled{Table: awstest.NewTable(), calls: calls}
		l := ledger.New(table, awstest.TableName)
		for i := range partitions {
			_, err := l.Failures.Add(t.Context(), domain.Failure{Execution: fmt.Sprint("x", i), Status: domain.Healed, Error: "E"})
			ok(t, err)
		}
		return table, l
	}
	t.Run("and all rows come in the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			table, l := world(t, 5)
			rows, err := l.Failures.Find(t.Context(), partitions)
			if err != nil || len(rows) != len(partitions) {
				t.Errorf("got %d rows, %v, want all %d", len(rows), err, len(partitions))
			}
			for i, at := range table.tries[1:] {
				if !at.After(table.tries[i]) {
					t.Errorf("try %d came at once", i+2)
				}
			}
		})
	})
	t.Run("until the tries are used up within seconds, which is a fault that passes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			table, l := world(t, 1000)
			begun := time.Now()
			_, err := l.Failures.Find(t.Context(), partitions)
			if !errs.Transient(err) || len(table.tries) > 10 || time.Since(begun) > 5*time.Second {
				t.Errorf("got %v after %d tries and %s, want throttling after a few", err, len(table.tries), time.Since(begun))
			}
		})
	})
	t.Run("unless the time is over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			table, l := world(t, 1000)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, err := l.Failures.Find(ctx, partitions); !errors.Is(err, context.DeadlineExceeded) || len(table.tries) > 5 {
				t.Errorf("got %v after %d tries, want the end of the context", err, len(table.tries))
			}
		})
	})
}
