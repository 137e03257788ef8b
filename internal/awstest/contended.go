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
// conflict handling in DynamoDB"). A row takes 1,000 write units a second, and a partition gives 3,000 read units.
// Calls beyond that are throttled.
type Contended struct {
	*Table
	Takes     time.Duration // what a call takes
	Transacts func() time.Duration

	mu        sync.Mutex
	held      map[rowKey]bool
	Cancelled int // transactions that conflicted with another one
	Refused   int // single writes that conflicted with a transaction
	units     map[partitionSecond]float64
	items     map[itemSecond]float64
}

// Units that an item takes in a second, and that a partition gives.
const (
	itemWrites     = 1000
	partitionReads = 3000
)

// itemSecond is a second of a row.
type itemSecond struct {
	rowKey
	second int64
}

// partitionSecond is a second of a partition key.
type partitionSecond struct {
	pk     string
	second int64
	writes bool
}

// NewContended returns a table on which calls and transactions take the given times.
func NewContended(table *Table, takes time.Duration, transacts func() time.Duration) *Contended {
	return &Contended{
		Table: table, Takes: takes, Transacts: transacts, held: map[rowKey]bool{}, units: map[partitionSecond]float64{},
		items: map[itemSecond]float64{},
	}
}

// Conflicts returns how many transactions were cancelled because they overlapped with another one.
func (t *Contended) Conflicts() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Cancelled
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

var errTooMuch = &types.ProvisionedThroughputExceededException{
	Message: aws.String("The level of configured provisioned throughput was exceeded"),
}

// takes spends write units of a row, and reports whether it has any left.
func (t *Contended) takes(k rowKey, units float64) bool {
	t.spend(k.pk, true, units)
	t.mu.Lock()
	defer t.mu.Unlock()
	in := itemSecond{k, time.Now().Unix()}
	full := t.items[in] >= itemWrites
	t.items[in] += units
	return !full
}

// gives reports whether a partition has read units left.
func (t *Contended) gives(pk string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.units[partitionSecond{pk, time.Now().Unix(), false}] >= partitionReads {
		return errTooMuch
	}
	return nil
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
	if !t.takes(k, 1) {
		return errTooMuch
	}
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
	var full []bool
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
		full = append(full, !t.takes(k, transactional)) // spent even if the transaction is cancelled
		wanted = append(wanted, k)
	}
	if err := t.hold(wanted, full); err != nil {
		return nil, err
	}
	defer t.letGo(wanted)
	if err := t.wait(ctx, t.Transacts()); err != nil {
		return nil, err
	}
	return t.Table.TransactWriteItems(ctx, in)
}

func (t *Contended) hold(wanted []rowKey, full []bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	reasons, met := make([]types.CancellationReason, len(wanted)), false
	for i, k := range wanted {
		reasons[i].Code = aws.String("None")
		switch {
		case t.held[k]:
			reasons[i].Code, met = aws.String("TransactionConflict"), true
		case full[i]:
			reasons[i].Code, met = aws.String("ProvisionedThroughputExceeded"), true
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
	if err := t.gives(pk); err != nil {
		return nil, err
	}
	t.spend(pk, false, 1)
	return t.Table.GetItem(ctx, in)
}

// Query is DynamoDB's.
func (t *Contended) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	if err := t.wait(ctx, t.Takes); err != nil {
		return nil, err
	}
	pk, _ := text(in.ExpressionAttributeValues[":p"])
	if in.IndexName == nil {
		if err := t.gives(pk); err != nil {
			return nil, err
		}
	}
	out, err := t.Table.Query(ctx, in)
	if err == nil && in.IndexName == nil {
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
