package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// busy is a table on which others change the same rows: so many calls in a row are refused.
type busy struct {
	*awstest.Table
	refuse int
}

func (b *busy) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if b.refuse > 0 {
		b.refuse--
		return nil, &types.TransactionConflictException{Message: aws.String("an ongoing transaction")}
	}
	return b.Table.UpdateItem(ctx, in, opts...)
}

func (b *busy) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if b.refuse > 0 {
		b.refuse--
		return nil, &types.TransactionCanceledException{
			CancellationReasons: []types.CancellationReason{{Code: aws.String("TransactionConflict")}},
		}
	}
	return b.Table.TransactWriteItems(ctx, in, opts...)
}

func TestWritesThatMeetOnAReplayAreTriedAgain(t *testing.T) {
	table := &busy{Table: awstest.NewTable()}
	l := ledger.New(table, awstest.TableName)
	r := domain.Replay{ID: "p", Status: replay.Pending, CreatedAt: domain.At(start)}
	ok(t, l.Replays.Add(t.Context(), r))
	table.refuse = 3
	ok(t, l.Pages.Add(t.Context(), r, domain.Page{ReplayID: "p"}, []domain.Entry{{ResourceID: "r1"}}, false))
	table.refuse = 3
	stopped, err := l.Replays.Stop(t.Context(), "p", replay.Stop{Status: replay.Cancelled, At: start})
	if err != nil || !stopped.Stopped() {
		t.Errorf("got %+v, %v, want it stopped although its row was busy", stopped, err)
	}
	table.refuse = 100
	if err := l.Replays.MarkSwept(t.Context(), "p"); err == nil || errors.Is(err, ledger.ErrConflict) || !errs.Transient(err) {
		t.Errorf("got %v, want a fault that passes", err)
	}
}

func TestATryEndsWithItsContext(t *testing.T) {
	table := &busy{Table: awstest.NewTable(), refuse: 100}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ledger.New(table, awstest.TableName).Replays.MarkSwept(ctx, "p"); !errors.Is(err, context.Canceled) || table.refuse < 90 {
		t.Errorf("got %v after %d tries, want the end of the context", err, 100-table.refuse)
	}
}
