package awstest

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Contended is a table whose calls take time, for tests with a simulated clock. While a transaction uses a row, other
// transactions on it are cancelled, and single writes to it are rejected (DynamoDB Developer Guide, "Transaction
// conflict handling in DynamoDB").
type Contended struct {
	*Table
	Takes     time.Duration // a call
	Transacts func() time.Duration

	mu        sync.Mutex
	held      map[rowKey]bool
	Cancelled int // transactions that conflicted with another one
	Refused   int // single writes that conflicted with a transaction
	units     map[partitionSecond]float64
}

// partitionSecond is a second of a partition key.
type partitionSecond struct {
	pk     string
	second int64
	writes bool
}

// NewContended returns a table on which calls and transactions take these times.
func NewContended(table *Table, takes time.Duration, transacts func() time.Duration) *Contended {
	return &Contended{
		Table: table, Takes: takes, Transacts: transacts, held: map[rowKey]bool{}, units: map[partitionSecond]float64{},
	}
}

// Busiest returns the most write and read units that one partition key took in a second. A written row counts as one
// unit, because the ledger's rows are small.
func (t *Contended) Busiest(of func(pk string) bool) (writes, reads float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for in, n := range t.units {
		switch {
		case !of(in.pk):
		case in.writes:
			writes = max(writes, n)
		default:
			reads = max(reads, n)
		}
	}
	return writes, reads
}

func (t *Contended) spend(pk string, writes bool, units float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.units[partitionSecond{pk, time.Now().Unix(), writes}] += units
}

func (t *Contended) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write makes a single write, unless a transaction uses its row.
func (t *Contended) write(ctx context.Context, key row, do func() error) error {
	if err := t.wait(ctx, t.Takes); err != nil {
		return err
	}
	k, err := keyOf(key)
	if err != nil {
		return err
	}
	t.spend(k.pk, true, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[k] {
		t.Refused++
		return &types.TransactionConflictException{Message: aws.String("Transaction is ongoing for the item")}
	}
	return do()
}

// PutItem is DynamoDB's.
func (t *Contended) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.PutItemOutput, err error) {
	err = t.write(ctx, in.Item, func() (err error) { out, err = t.Table.PutItem(ctx, in); return err })
	return out, err
}

// UpdateItem is DynamoDB's.
func (t *Contended) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.UpdateItemOutput, err error) {
	err = t.write(ctx, in.Key, func() (err error) { out, err = t.Table.UpdateItem(ctx, in); return err })
	return out, err
}

// DeleteItem is DynamoDB's.
func (t *Contended) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (out *dynamodb.DeleteItemOutput, err error) {
	err = t.write(ctx, in.Key, func() (err error) { out, err = t.Table.DeleteItem(ctx, in); return err })
	return out, err
}

// TransactWriteItems is DynamoDB's.
func (t *Contended) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if err := t.wait(ctx, t.Takes); err != nil {
		return nil, err
	}
	var wanted []rowKey
	for _, w := range in.TransactItems {
		var key row
		switch {
		case w.Put != nil:
			key = w.Put.Item
		case w.Update != nil:
			key = w.Update.Key
		default:
			return nil, invalid("an operation that the ledger does not use: %+v", w)
		}
		k, err := keyOf(key)
		if err != nil {
			return nil, err
		}
		t.spend(k.pk, true, transactional) // also if it is cancelled
		wanted = append(wanted, k)
	}
	if err := t.hold(wanted); err != nil {
		return nil, err
	}
	defer t.letGo(wanted)
	if err := t.wait(ctx, t.Transacts()); err != nil {
		return nil, err
	}
	return t.Table.TransactWriteItems(ctx, in)
}

func (t *Contended) hold(wanted []rowKey) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	reasons, met := make([]types.CancellationReason, len(wanted)), false
	for i, k := range wanted {
		reasons[i].Code = aws.String("None")
		if t.held[k] {
			reasons[i].Code, met = aws.String("TransactionConflict"), true
		}
	}
	if met {
		t.Cancelled++
		return &types.TransactionCanceledException{Message: aws.String("Transaction cancelled"), CancellationReasons: reasons}
	}
	for _, k := range wanted {
		t.held[k] = true
	}
	return nil
}

func (t *Contended) letGo(rows []rowKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range rows {
		delete(t.held, k)
	}
}

// GetItem is DynamoDB's.
func (t *Contended) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := t.wait(ctx, t.Takes); err != nil {
		return nil, err
	}
	pk, _ := text(in.Key[schema.PartitionKey])
	t.spend(pk, false, 1)
	return t.Table.GetItem(ctx, in)
}

// Query is DynamoDB's.
func (t *Contended) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if err := t.wait(ctx, t.Takes); err != nil {
		return nil, err
	}
	out, err := t.Table.Query(ctx, in)
	if pk, _ := text(in.ExpressionAttributeValues[":p"]); err == nil && in.IndexName == nil {
		bytes := 0
		for _, r := range out.Items {
			bytes += size(r)
		}
		t.spend(pk, false, max(1, float64(bytes)/4096))
	}
	return out, err
}

// BatchGetItem is DynamoDB's.
func (t *Contended) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	if err := t.wait(ctx, t.Takes); err != nil {
		return nil, err
	}
	for _, want := range in.RequestItems {
		for _, k := range want.Keys {
			pk, _ := text(k[schema.PartitionKey])
			t.spend(pk, false, 1)
		}
	}
	return t.Table.BatchGetItem(ctx, in)
}
