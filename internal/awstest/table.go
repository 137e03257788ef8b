// Package awstest has a table, a versioned bucket, queues and state machines in memory, for tests that make tens of
// thousands of calls: crashes at every call, simulated hours, thousands of resources.
//
// They support what the product uses of AWS, and reject everything else, so a test cannot pass because a parameter was
// ignored. A test makes the same calls to them and to the emulator.
package awstest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Names of the table and the bucket. They accept any other name as well.
const (
	TableName  = "ledger"
	BucketName = "events"
)

type row = map[string]types.AttributeValue

type rowKey struct{ pk, sk string }

// Table is the ledger's table.
type Table struct {
	mu     sync.Mutex
	parts  map[string]map[string]*partition // by index (empty: the table) and partition key
	Calls  int                              // of all operations
	Writes int                              // of write operations
	Units  Units                            // what the calls would cost

	frozen map[string]map[string]*partition // what queries of the indexes see; nil: the current rows
}

type partition struct {
	rows map[string]map[rowKey]row // by sort key
	keys keys                      // the sort keys
}

// NewTable returns an empty table with the ledger's indexes.
func NewTable() *Table {
	t := &Table{parts: map[string]map[string]*partition{"": {}}}
	for _, ix := range schema.Indexes() {
		t.parts[ix.Name] = map[string]*partition{}
	}
	return t
}

func invalid(format string, args ...any) error {
	return &smithy.GenericAPIError{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func text(v types.AttributeValue) (string, bool) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return "", false
	}
	return s.Value, true
}

func keyOf(r row) (rowKey, error) {
	pk, ok1 := text(r[schema.PartitionKey])
	sk, ok2 := text(r[schema.SortKey])
	if !ok1 || !ok2 || pk == "" || sk == "" || len(pk) > 2048 || len(sk) > 1024 {
		return rowKey{}, invalid("key %q, %q", pk, sk)
	}
	return rowKey{pk, sk}, nil
}

func (t *Table) get(k rowKey) row {
	if part := t.parts[""][k.pk]; part != nil {
		return part.rows[k.sk][k]
	}
	return nil
}

// places are the locations of a row: in the table, and in each index for which it has both keys.
func places(r row) (at [][3]string, err error) {
	k, err := keyOf(r)
	at = append(at, [3]string{"", k.pk, k.sk})
	for _, ix := range schema.Indexes() {
		p, hasP := r[ix.PartitionKey]
		s, hasS := r[ix.SortKey]
		pk, ok1 := text(p)
		sk, ok2 := text(s)
		if hasP && (!ok1 || pk == "" || len(pk) > 2048) || hasS && (!ok2 || sk == "" || len(sk) > 1024) {
			return nil, invalid("keys of index %s: %v, %v", ix.Name, p, s)
		}
		if hasP && hasS {
			at = append(at, [3]string{ix.Name, pk, sk})
		}
	}
	return at, err
}

func (t *Table) put(r row) error {
	at, err := places(r)
	if err != nil {
		return err
	}
	k, _ := keyOf(r) // places has checked it
	if old, _ := places(t.get(k)); !slices.Equal(old, at) {
		t.remove(k)
	}
	for _, p := range at {
		part := t.parts[p[0]][p[1]]
		if part == nil {
			part = &partition{rows: map[string]map[rowKey]row{}}
			t.parts[p[0]][p[1]] = part
		}
		if part.rows[p[2]] == nil {
			part.rows[p[2]] = map[rowKey]row{}
			part.keys.add(p[2])
		}
		part.rows[p[2]][k] = r
	}
	return nil
}

func (t *Table) remove(k rowKey) {
	old := t.get(k)
	if old == nil {
		return
	}
	at, _ := places(old) // checked when it was put
	for _, p := range at {
		part := t.parts[p[0]][p[1]]
		if delete(part.rows[p[2]], k); len(part.rows[p[2]]) == 0 {
			delete(part.rows, p[2])
			part.keys.remove(p[2])
		}
	}
}

// Erase removes every row whose partition key begins with a prefix, and returns their number. In a real table, an
// operator or a bug may do that.
func (t *Table) Erase(prefix string) (n int) {
	defer t.lock()()
	var doomed []rowKey
	for pk, part := range t.parts[""] {
		if strings.HasPrefix(pk, prefix) {
			for _, rows := range part.rows {
				doomed = slices.AppendSeq(doomed, maps.Keys(rows))
			}
		}
	}
	for _, k := range doomed {
		t.remove(k)
	}
	return len(doomed)
}

func (t *Table) lock() func() {
	t.mu.Lock()
	t.Calls++
	return t.mu.Unlock
}

// GetItem is DynamoDB's.
func (t *Table) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	defer t.lock()()
	k, err := keyOf(in.Key)
	if err != nil {
		return nil, err
	}
	t.read(size(t.get(k)), in.ConsistentRead != nil && *in.ConsistentRead)
	return &dynamodb.GetItemOutput{Item: maps.Clone(t.get(k))}, nil
}

func failed(old row) error {
	return &types.ConditionalCheckFailedException{Message: aws.String("The conditional request failed"), Item: maps.Clone(old)}
}

// PutItem is DynamoDB's.
func (t *Table) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	defer t.lock()()
	t.Writes++
	w := types.TransactWriteItem{Put: &types.Put{
		Item: in.Item, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}}
	p, err := t.prepare(w)
	if err != nil {
		return nil, err
	}
	if !p.holds {
		t.refused(p.old, 1)
		return nil, failed(p.old)
	}
	t.written(p.old, p.after, 1)
	return &dynamodb.PutItemOutput{}, t.put(p.after)
}

// UpdateItem is DynamoDB's.
func (t *Table) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	defer t.lock()()
	t.Writes++
	w := types.TransactWriteItem{Update: &types.Update{
		Key: in.Key, UpdateExpression: in.UpdateExpression, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
	}}
	p, err := t.prepare(w)
	if err != nil {
		return nil, err
	}
	if !p.holds {
		t.refused(p.old, 1)
		return nil, failed(p.old)
	}
	t.written(p.old, p.after, 1)
	return &dynamodb.UpdateItemOutput{Attributes: maps.Clone(p.after)}, t.put(p.after)
}

// DeleteItem is DynamoDB's.
func (t *Table) DeleteItem(_ context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	defer t.lock()()
	t.Writes++
	k, err := keyOf(in.Key)
	if err != nil {
		return nil, err
	}
	e := newExpression(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	holds, err := e.condition(in.ConditionExpression, t.get(k))
	if err == nil {
		err = e.allUsed()
	}
	if err != nil {
		return nil, err
	}
	if !holds {
		t.refused(t.get(k), 1)
		return nil, failed(t.get(k))
	}
	t.written(t.get(k), nil, 1)
	t.remove(k)
	return &dynamodb.DeleteItemOutput{}, nil
}

const maxTransaction = 100

// TransactWriteItems is DynamoDB's.
func (t *Table) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	defer t.lock()()
	t.Writes++
	if len(in.TransactItems) == 0 || len(in.TransactItems) > maxTransaction {
		return nil, invalid("transaction of %d items", len(in.TransactItems))
	}
	seen := map[rowKey]bool{}
	var changes []prepared
	reasons := make([]types.CancellationReason, len(in.TransactItems))
	cancelled := false
	for i, w := range in.TransactItems {
		p, err := t.prepare(w)
		if err != nil {
			return nil, err
		}
		k, err := keyOf(p.after)
		if err != nil {
			return nil, err
		}
		if seen[k] {
			return nil, invalid("transaction has several operations on one item: %v", k)
		}
		seen[k] = true
		changes = append(changes, p)
		reasons[i].Code = aws.String("None")
		if !p.holds {
			cancelled = true
			reasons[i].Code = aws.String("ConditionalCheckFailed")
		}
	}
	if cancelled {
		for _, p := range changes {
			t.refused(p.old, transactional)
		}
		return nil, &types.TransactionCanceledException{Message: aws.String("Transaction cancelled"), CancellationReasons: reasons}
	}
	for _, p := range changes {
		t.written(p.old, p.after, transactional)
		if err := t.put(p.after); err != nil {
			return nil, err
		}
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}
