// Package ledger keeps in DynamoDB what became of events: executions, failures, replays and their items, and which
// resources belong to an owner. S3 is the truth about the events themselves.
//
// One table, no scans:
//
//	row          pk                          sk                    index
//	execution    X#<name>                    X                     byResource; byTime while open
//	owner        O#<owner>#<shard>           <resource>
//	failure      F#<execution>#<redrive>     F                     byResource; byTime while open; byGroup while open or quarantined
//	storm        E#<error>                   E                     byTime while its failures are held
//	replay       P#<replay>                  P                     byGroup, newest first; byTime while open
//	counter      P#<replay>#COUNT#<n>        <n>
//	page         P#<replay>#<page>           P
//	item         P#<replay>#<page>           I#<ordinal>[#<index>] byGroup by outcome
//	job          J#<job>                     J, J#<part>           byGroup, newest first
//	count        COUNTED                     <when>
//	series       S#<execution of Series>     S                     byTime while open
//	pace         PACE#<budget>               <window>
//	publication  N#<resource>                N
//	idempotency  K#<hash of the key>         K
//	ends         ENDS#<day>                  <when>#<hash>
//	mark         M#<walk>                    M
//	lease        L#<name>                    L
//	controls     CONTROLS                    C
package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// ErrNotFound means that the ledger has no such row.
var ErrNotFound = errors.New("not found in the ledger")

// ErrConflict means that a row was not in the state that a change expected: another caller changed it first.
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

// Ledger is the table, with a field for each kind of row.
type Ledger struct {
	Executions   *Executions
	Ends         *Ends
	Failures     *Failures
	FailureJobs  *FailureJobs
	Storms       *Storms
	Replays      *Replays
	Plans        *Plans
	Evidence     *Evidence
	Pages        *Pages
	Items        *Items
	Series       *Series
	Owners       *Owners
	Publications *Publications
	Claims       *Claims
	Pace         *Pace
	Marks        *Marks
	Leases       *Leases
	Controls     *Controls
}

// Each type reads and writes one kind of row, or one aspect of it.
type (
	Executions   struct{ *table }
	Ends         struct{ *table }
	Failures     struct{ *table }
	FailureJobs  struct{ *table }
	Storms       struct{ *table }
	Replays      struct{ *table }
	Plans        struct{ *table } // replays that are planned
	Evidence     struct{ *table } // of replays that have ended
	Pages        struct{ *table }
	Items        struct{ *table }
	Series       struct{ *table }
	Owners       struct{ *table }
	Publications struct{ *table }
	Claims       struct{ *table }
	Pace         struct{ *table }
	Marks        struct{ *table }
	Leases       struct{ *table }
	Controls     struct{ *table }
)

// New returns a ledger over a table.
func New(api Client, name string) *Ledger {
	return partsOf(&table{api: api, name: name, meter: nobody{}, now: time.Now})
}

// partsOf returns the parts of a ledger over a table.
func partsOf(t *table) *Ledger {
	return &Ledger{
		Executions: &Executions{t}, Ends: &Ends{t}, Failures: &Failures{t}, FailureJobs: &FailureJobs{t}, Storms: &Storms{t},
		Replays: &Replays{t}, Plans: &Plans{t}, Evidence: &Evidence{t}, Pages: &Pages{t}, Items: &Items{t}, Series: &Series{t}, Owners: &Owners{t}, Publications: &Publications{t}, Claims: &Claims{t},
		Pace: &Pace{t}, Marks: &Marks{t}, Leases: &Leases{t}, Controls: &Controls{t},
	}
}

// table is what the rows of all kinds share.
type table struct {
	api   Client
	name  string
	meter meter
	now   func() time.Time // for measurements; callers give the times in rows
}

// Shards is over how many partitions a key of an index is spread: an outage puts thousands of rows under one key within
// minutes.
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

// read reads one row with a strongly consistent read. It returns ErrNotFound if there is none.
func read[T any](ctx context.Context, l *table, k item) (row T, err error) {
	consistent := true
	out, err := l.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.name, Key: k, ConsistentRead: &consistent})
	if err != nil {
		return row, fmt.Errorf("get ledger row %s: %w", textOf(k, schema.PartitionKey), err)
	}
	if len(out.Item) == 0 {
		return row, fmt.Errorf("ledger row %s: %w", textOf(k, schema.PartitionKey), ErrNotFound)
	}
	return row, Decode(out.Item, &row)
}

// insert writes a row unless it exists. If it does, insert decodes that row into existing and returns ErrConflict.
func (l *table) insert(ctx context.Context, k keys, row, existing any) error {
	put, err := l.putNew(k, row)
	if err != nil {
		return err
	}
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: put.TableName, Item: put.Item, ConditionExpression: put.ConditionExpression,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return conflict(err, existing, "insert ledger row")
}

func (l *table) putNew(k keys, row any) (*types.Put, error) {
	it, err := marshal(k, row)
	if err != nil {
		return nil, err
	}
	cond := "attribute_not_exists(" + schema.PartitionKey + ")"
	return &types.Put{TableName: &l.name, Item: it, ConditionExpression: &cond}, nil
}

// conflict turns a failed condition into ErrConflict, and decodes the existing row if DynamoDB returned it.
func conflict(err error, existing any, doing string) error {
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		if existing != nil && len(failed.Item) > 0 {
			if uerr := Decode(failed.Item, existing); uerr != nil {
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

func ignoreConflict(err error) error {
	if isConflict(err) {
		return nil
	}
	return err
}

func isConflict(err error) bool { return errors.Is(err, ErrConflict) }
