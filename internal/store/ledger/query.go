package ledger

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// span is a range of one partition, of the table or of an index.
type span struct {
	index     *schema.Index // nil: the table
	partition string
	after     string // exclusive lower bound of the sort key, upper bound if newest is set; empty: none
	until     string // inclusive upper bound; with it, after is inclusive too; empty: none
	newest    bool   // newest first
	limit     int
}

func tableRange(partition, after string, limit int) span {
	return span{partition: partition, after: after, limit: limit}
}

func (s span) input(table string) *dynamodb.QueryInput {
	pk, sk := schema.PartitionKey, schema.SortKey
	in := &dynamodb.QueryInput{TableName: &table, Limit: pageLimit(s.limit), ScanIndexForward: aws.Bool(!s.newest)}
	if s.index != nil {
		pk, sk = s.index.PartitionKey, s.index.SortKey
		in.IndexName = &s.index.Name
	} else {
		in.ConsistentRead = aws.Bool(true)
	}
	cond := "#p = :p"
	in.ExpressionAttributeNames = map[string]string{"#p": pk}
	in.ExpressionAttributeValues = item{":p": str(s.partition)}
	bound := func(op, v string) {
		cond += " AND #s " + op + " :s"
		in.ExpressionAttributeNames["#s"] = sk
		in.ExpressionAttributeValues[":s"] = str(v)
	}
	switch {
	case s.after != "" && s.until != "":
		cond += " AND #s BETWEEN :s AND :u"
		in.ExpressionAttributeNames["#s"] = sk
		in.ExpressionAttributeValues[":s"], in.ExpressionAttributeValues[":u"] = str(s.after), str(s.until)
	case s.after != "" && s.newest:
		bound("<", s.after)
	case s.after != "":
		bound(">", s.after)
	case s.until != "":
		bound("<=", s.until)
	}
	in.KeyConditionExpression = &cond
	return in
}

// query reads at most span.limit rows of a partition, over as many of DynamoDB's pages as that takes. More reports
// whether others follow. An index has keys only, so its rows are fetched from the table.
func query[T any](ctx context.Context, l *table, s span) (rows []T, more bool, err error) {
	found, more, err := l.find(ctx, s)
	if err != nil {
		return nil, false, err
	}
	rows, err = decoded[T](found)
	return rows, more, err
}

func decoded[T any](found []item) ([]T, error) {
	rows := make([]T, len(found))
	for i, it := range found {
		if err := Decode(it, &rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// keysFor returns the keys of the rows with the given ids.
func keysFor(ids []string, keyOf func(id string) (pk, sk string)) []item {
	keys := make([]item, len(ids))
	for i, id := range ids {
		keys[i] = key(keyOf(id))
	}
	return keys
}

// fetched reads the rows of keys from an index.
func fetched[T any](ctx context.Context, l *table, found []item) ([]T, error) {
	whole, err := l.fetch(ctx, found)
	if err != nil {
		return nil, err
	}
	return decoded[T](whole)
}

// find reads whole rows. Those of an index are fetched by their keys.
func (l *table) find(ctx context.Context, s span) (found []item, more bool, err error) {
	found, more, err = l.keysOf(ctx, s)
	if err == nil && s.index != nil {
		found, err = l.fetch(ctx, found)
	}
	return found, more, err
}

// distinct leaves out repeated keys. An index shows a row twice while it moves from one place to another, and
// BatchGetItem refuses a request with a key twice (API reference, "BatchGetItem").
type distinct map[string]bool

func (d distinct) add(to, found []item) []item {
	for _, it := range found {
		if id := rowID(it); !d[id] {
			d[id] = true
			to = append(to, it)
		}
	}
	return to
}

// keysOf reads a span, each row once: whole rows of the table, or keys of an index.
func (l *table) keysOf(ctx context.Context, s span) (found []item, more bool, err error) {
	if s.limit <= 0 {
		return nil, true, nil
	}
	in, seen := s.input(l.name), distinct{}
	for {
		out, err := l.api.Query(ctx, in)
		if err != nil {
			return nil, false, fmt.Errorf("query ledger %s: %w", s.partition, err)
		}
		found = seen.add(found, out.Items)
		if more = len(out.LastEvaluatedKey) > 0; !more || len(found) >= s.limit {
			break
		}
		in.ExclusiveStartKey, in.Limit = out.LastEvaluatedKey, pageLimit(s.limit-len(found))
	}
	return found, more, nil
}

// count returns how many rows several partitions of an index have, at most limit. It reads their keys, since DynamoDB
// would count a row twice that is in two partitions while it moves.
func (l *table) count(ctx context.Context, index *schema.Index, partitions []string, limit int) (int, error) {
	var rows []item
	seen := distinct{}
	for _, p := range partitions {
		found, _, err := l.keysOf(ctx, span{index: index, partition: p, limit: limit})
		if err != nil {
			return 0, err
		}
		if rows = seen.add(rows, found); len(rows) >= limit {
			return limit, nil
		}
	}
	return len(rows), nil
}

// pageLimit converts a limit for the SDK. Callers ask for thousands at most.
func pageLimit(n int) *int32 {
	return aws.Int32(int32(min(n, math.MaxInt32))) //nolint:gosec // between 1 and MaxInt32
}

const batchGetSize = 100

// fetch reads whole rows, each once and in the order of the keys. Deleted rows are left out.
func (l *table) fetch(ctx context.Context, found []item) ([]item, error) {
	found = distinct{}.add(nil, found)
	rows := make([]item, 0, len(found))
	for len(found) > 0 {
		n := min(len(found), batchGetSize)
		got, err := l.batchGet(ctx, found[:n])
		if err != nil {
			return nil, err
		}
		rows, found = append(rows, got...), found[n:]
	}
	return rows, nil
}

func (l *table) batchGet(ctx context.Context, found []item) ([]item, error) {
	want := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, it := range found {
		want.Keys = append(want.Keys, item{schema.PartitionKey: it[schema.PartitionKey], schema.SortKey: it[schema.SortKey]})
	}
	byKey := make(map[string]item, len(found))
	err := retryOnContention(ctx, attempts, func() (again bool, err error) { // DynamoDB leaves keys unprocessed when it throttles
		out, err := l.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{l.name: want},
		})
		if err != nil {
			return false, err
		}
		for _, it := range out.Responses[l.name] {
			byKey[rowID(it)] = it
		}
		if want.Keys = out.UnprocessedKeys[l.name].Keys; len(want.Keys) == 0 {
			return false, nil
		}
		return true, &types.ProvisionedThroughputExceededException{
			Message: aws.String(fmt.Sprintf("%d of %d keys left unprocessed", len(want.Keys), len(found))),
		}
	})
	if err != nil {
		return nil, fmt.Errorf("get ledger rows: %w", err)
	}
	rows := make([]item, 0, len(found))
	for _, it := range found {
		if row, ok := byKey[rowID(it)]; ok {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func rowID(it item) string {
	return textOf(it, schema.PartitionKey) + "\x00" + textOf(it, schema.SortKey)
}

func textOf(it item, attr string) string {
	if s, ok := it[attr].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// upTo reads rows of a partition of byTime, oldest first, up to a time.
func upTo[T any](
	ctx context.Context, l *table, partition string, by time.Time, cursor string, limit int,
) (rows []T, next string, err error) {
	found, more, err := l.keysOf(ctx, span{
		index: &schema.ByTime, partition: partition, after: behind(cursor), until: untilTime(by), limit: limit,
	})
	if err != nil || len(found) == 0 {
		return nil, "", err
	}
	if more {
		next = textOf(found[len(found)-1], schema.ByTime.SortKey)
	}
	rows, err = fetched[T](ctx, l, found)
	return rows, next, err
}

// untilTime is the greatest sort key of byTime up to a time.
func untilTime(by time.Time) string { return domain.At(by).String() + "#~" }

// behind is the first sort key after a cursor. BETWEEN includes both ends.
func behind(cursor string) string {
	if cursor == "" {
		return ""
	}
	return cursor + " "
}

// maxFilteredPages bounds how many pages are read for one page of a filtered list.
const maxFilteredPages = 20
