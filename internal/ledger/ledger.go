// Package ledger keeps in DynamoDB what became of events: executions, failures, replays and their items, and which
// resources belong to an owner. S3 is the truth about the events themselves.
//
// One table, no scans:
//
//	row          pk                          sk                    index
//	execution    X#<name>                    X                     byResource; byTime while open
//	owner        O#<owner>#<shard>           <resource>
//	failure      F#<execution>#<redrive>     F                     byResource; byTime while open; byGroup while open or quarantined
//	group        E#<error>                   E                     byTime while its failures are held
//	replay       P#<replay>                  P                     byGroup, newest first; byTime while open
//	page         P#<replay>#<page>           P
//	item         P#<replay>#<page>           I#<ordinal>[#<index>] byGroup by outcome
//	series       S#<execution of Series>     S                     byTime while open
//	pace         P#<replay>#PACE             <window>
//	publication  N#<resource>                N
//	idempotency  K#<hash of the key>         K
//	mark         M#<walk>                    M
//	lease        L#<name>                    L
package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// ErrNotFound means that the ledger has no such row.
var ErrNotFound = errors.New("not found in the ledger")

// ErrConflict means that a row was not in the state that a change expected: somebody else changed it first.
var ErrConflict = errors.New("changed in the ledger meanwhile")

// Client is the part of the DynamoDB client that the ledger uses.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Ledger reads and writes the table.
type Ledger struct {
	api   Client
	table string
	meter meter
	now   func() time.Time // for what is measured; rows get their times from callers
}

// New returns a ledger over a table.
func New(api Client, table string) *Ledger {
	return &Ledger{api: api, table: table, meter: nobody{}, now: time.Now}
}

// item is a row as the SDK wants it.
type item = map[string]types.AttributeValue

// Keys of one row, and of the indexes that it is in. They are part of every row's struct.
type keys struct {
	PK  string `dynamodbav:"pk"`
	SK  string `dynamodbav:"sk"`
	RPK string `dynamodbav:"rpk,omitempty"`
	RSK string `dynamodbav:"rsk,omitempty"`
	TPK string `dynamodbav:"tpk,omitempty"`
	TSK string `dynamodbav:"tsk,omitempty"`
	GPK string `dynamodbav:"gpk,omitempty"`
	GSK string `dynamodbav:"gsk,omitempty"`
}

func key(pk, sk string) item {
	return item{schema.PartitionKey: str(pk), schema.SortKey: str(sk)}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int) types.AttributeValue { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

func flag(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

// Shards spread the partitions of an index: an outage puts thousands of rows under one key within minutes.
const Shards = 8

// shards are the names of all shards.
var shards = func() (all [Shards]string) {
	for i := range all {
		all[i] = strconv.Itoa(i)
	}
	return all
}()

func shard(parts ...string) string {
	h := fnv.New32a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p)) // never fails
	}
	return strconv.Itoa(int(h.Sum32() % Shards))
}

// stampLayout sorts as text in time order. Milliseconds are what Step Functions gives.
const stampLayout = "2006-01-02T15:04:05.000Z"

// Stamp is a time as the ledger keeps it: UTC, in milliseconds, sortable as text. The zero value is an absent time.
type Stamp struct{ time.Time }

// At returns a time as the ledger keeps it.
func At(t time.Time) Stamp { return Stamp{t.UTC().Truncate(time.Millisecond)} }

func (s Stamp) String() string {
	if s.IsZero() {
		return ""
	}
	return s.UTC().Format(stampLayout)
}

// Pointer returns nil for an absent time.
func (s Stamp) Pointer() *time.Time {
	if s.IsZero() {
		return nil
	}
	return &s.Time
}

// MarshalDynamoDBAttributeValue implements attributevalue.Marshaler.
func (s Stamp) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	if s.IsZero() {
		return &types.AttributeValueMemberNULL{Value: true}, nil
	}
	return str(s.String()), nil
}

// UnmarshalDynamoDBAttributeValue implements attributevalue.Unmarshaler.
func (s *Stamp) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	v, ok := av.(*types.AttributeValueMemberS)
	if !ok {
		return nil
	}
	t, err := time.Parse(stampLayout, v.Value)
	if err != nil {
		return fmt.Errorf("ledger time %q: %w", v.Value, err)
	}
	s.Time = t
	return nil
}

// get reads one row, strongly consistent.
func (l *Ledger) get(ctx context.Context, pk, sk string, into any) error {
	consistent := true
	out, err := l.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: key(pk, sk), ConsistentRead: &consistent})
	if err != nil {
		return fmt.Errorf("get ledger row %s: %w", pk, err)
	}
	if len(out.Item) == 0 {
		return fmt.Errorf("ledger row %s: %w", pk, ErrNotFound)
	}
	return unmarshal(out.Item, into)
}

// insert writes a row unless there is one. Then it decodes the present row into existing and returns ErrConflict.
func (l *Ledger) insert(ctx context.Context, row, existing any) error {
	put, err := l.putNew(row)
	if err != nil {
		return err
	}
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return conflict(err, existing, "insert ledger row")
}

func (l *Ledger) putNew(row any) (*types.Put, error) {
	it, err := marshal(row)
	if err != nil {
		return nil, err
	}
	cond := "attribute_not_exists(" + schema.PartitionKey + ")"
	return &types.Put{TableName: &l.table, Item: it, ConditionExpression: &cond}, nil
}

// conflict turns a failed condition into ErrConflict and decodes the row that was there, if the service sent it.
func conflict(err error, existing any, doing string) error {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		if existing != nil && len(failed.Item) > 0 {
			if uerr := unmarshal(failed.Item, existing); uerr != nil {
				return uerr
			}
		}
		return fmt.Errorf("%s: %w", doing, ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func marshal(row any) (item, error) {
	it, err := attributevalue.MarshalMapWithOptions(row, func(o *attributevalue.EncoderOptions) {
		o.OmitNullAttributeValues = true // absent times must not exist, conditions ask for that
	})
	if err != nil {
		return nil, fmt.Errorf("encode ledger row: %w", err)
	}
	return it, nil
}

func unmarshal(it item, into any) error {
	if err := attributevalue.UnmarshalMap(it, into); err != nil {
		return fmt.Errorf("decode ledger row: %w", err)
	}
	return nil
}
