package awstest

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

const maxBatchGet = 100

// BatchGetItem is DynamoDB's. It returns rows in no particular order.
func (t *Table) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	defer t.lock()()
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]row{}}
	for name, ask := range in.RequestItems {
		if len(ask.Keys) == 0 || len(ask.Keys) > maxBatchGet {
			return nil, invalid("batch of %d keys", len(ask.Keys))
		}
		seen := map[rowKey]bool{}
		for _, r := range slices.Backward(ask.Keys) {
			k, err := keyOf(r)
			if err != nil {
				return nil, err
			}
			if seen[k] {
				return nil, invalid("batch has key %v twice", k)
			}
			seen[k] = true
			t.read(size(t.get(k)), ask.ConsistentRead != nil && *ask.ConsistentRead)
			if found := t.get(k); found != nil {
				out.Responses[name] = append(out.Responses[name], maps.Clone(found))
			}
		}
	}
	return out, nil
}

// Query is DynamoDB's. If it returns as many rows as the limit, it also returns a LastEvaluatedKey, even if no rows
// follow.
func (t *Table) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	defer t.lock()()
	index, pk, sk := "", schema.PartitionKey, schema.SortKey
	for _, ix := range schema.Indexes() {
		if aws.ToString(in.IndexName) == ix.Name {
			index, pk, sk = ix.Name, ix.PartitionKey, ix.SortKey
		}
	}
	if index != aws.ToString(in.IndexName) || index != "" && aws.ToBool(in.ConsistentRead) {
		return nil, invalid("index %q", aws.ToString(in.IndexName))
	}
	e := newExpression(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	span, part, err := e.keyCondition(aws.ToString(in.KeyConditionExpression), pk, sk)
	if err == nil {
		err = e.allUsed()
	}
	if err != nil {
		return nil, err
	}
	newest := in.ScanIndexForward != nil && !*in.ScanIndexForward
	limit := int(aws.ToInt32(in.Limit))
	if limit <= 0 {
		return nil, invalid("limit %d", limit)
	}
	out := &dynamodb.QueryOutput{}
	begun := false
	start, _ := text(in.ExclusiveStartKey[sk])
	for r := range t.sorted(index, part, newest, span.begin(start, newest)) {
		s, _ := text(r[sk])
		if !span.within(s) {
			if begun { // a key condition is one range
				break
			}
			continue
		}
		begun = true
		if in.ExclusiveStartKey != nil && !behind(r, in.ExclusiveStartKey, sk, newest) {
			continue
		}
		shown := maps.Clone(r)
		if index != "" { // keys only
			shown = row{pk: r[pk], sk: r[sk], schema.PartitionKey: r[schema.PartitionKey], schema.SortKey: r[schema.SortKey]}
		}
		out.Items = append(out.Items, shown)
		if len(out.Items) == limit {
			out.LastEvaluatedKey = row{pk: r[pk], sk: r[sk], schema.PartitionKey: r[schema.PartitionKey], schema.SortKey: r[schema.SortKey]}
			break
		}
	}
	bytes := 0
	for _, r := range out.Items {
		bytes += size(r)
	}
	t.read(bytes, aws.ToBool(in.ConsistentRead))
	out.Count = int32(len(out.Items)) //nolint:gosec // bounded by the limit, which is an int32
	if in.Select == types.SelectCount {
		out.Items = nil
	}
	return out, nil
}

// Freeze stops updates of the indexes, like an index that lags behind.
func (t *Table) Freeze() {
	defer t.lock()()
	t.frozen = map[string]map[string]*partition{"": t.parts[""]}
	for _, ix := range schema.Indexes() {
		t.frozen[ix.Name] = map[string]*partition{}
		for key, part := range t.parts[ix.Name] {
			rows := map[string]map[rowKey]row{}
			for s, same := range part.rows {
				rows[s] = maps.Clone(same)
			}
			t.frozen[ix.Name][key] = &partition{rows: rows, keys: part.keys.clone()}
		}
	}
}

// Thaw lets the indexes catch up.
func (t *Table) Thaw() {
	defer t.lock()()
	t.frozen = nil
}

// begin returns the sort key from which to read a range, given the start key of a request. An empty start key means the
// whole range, and an empty result means the whole partition.
func (r keyRange) begin(start string, newest bool) string {
	switch {
	case !newest:
		return max(r.low, start)
	case r.high == "" || start == "":
		return max(r.high, start)
	}
	return min(r.high, start)
}

// sorted yields the rows of a partition in order, from a sort key on. If that is empty, it yields all.
func (t *Table) sorted(index, key string, newest bool, from string) iter.Seq[row] {
	part := t.parts[index][key]
	if t.frozen != nil {
		part = t.frozen[index][key]
	}
	return func(yield func(row) bool) {
		if part == nil {
			return
		}
		all := part.keys.from(from)
		if newest {
			all = part.keys.back(from)
		}
		for s := range all {
			same := slices.SortedFunc(maps.Values(part.rows[s]), func(a, b row) int { return compare(a, b, schema.SortKey) })
			if newest {
				slices.Reverse(same)
			}
			for _, r := range same {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func compare(a, b row, sk string) int {
	for _, attr := range []string{sk, schema.PartitionKey, schema.SortKey} {
		x, _ := text(a[attr])
		y, _ := text(b[attr])
		if c := bytes.Compare([]byte(x), []byte(y)); c != 0 {
			return c
		}
	}
	return 0
}

func behind(r, start row, sk string, newest bool) bool {
	if newest {
		return compare(r, start, sk) < 0
	}
	return compare(r, start, sk) > 0
}
