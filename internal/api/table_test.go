package api

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

type row = map[string]types.AttributeValue

// table is a DynamoDB table in memory, as far as the API uses one. It refuses keys as the service does, so that none
// that a caller controls gets there unchecked.
type table struct {
	rows   map[string]row
	writes int
}

func code(name string) error { return &smithy.GenericAPIError{Code: name, Message: name} }

func text(r row, name string) string {
	s, _ := r[name].(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func number(r row, name string) int {
	n, _ := r[name].(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	i, _ := strconv.Atoi(n.Value) // written by strconv
	return i
}

func usable(key string, most int) bool { return key != "" && len(key) <= most && utf8.ValidString(key) }

// rowKey is the key of a row. The service's limits are 2,048 and 1,024 bytes.
func rowKey(key row) (string, error) {
	pk, sk := text(key, schema.PartitionKey), text(key, schema.SortKey)
	if !usable(pk, 2048) || !usable(sk, 1024) {
		return "", code("ValidationException")
	}
	return pk + "\x00" + sk, nil
}

func (t *table) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	key, err := rowKey(in.Key)
	return &dynamodb.GetItemOutput{Item: t.rows[key]}, err
}

func (t *table) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	key, err := rowKey(in.Item)
	if err != nil {
		return nil, err
	}
	if there := t.rows[key]; there != nil && in.ConditionExpression != nil {
		return nil, &types.ConditionalCheckFailedException{Item: there}
	}
	t.writes++
	t.rows[key] = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

// UpdateItem knows the one condition that the API's updates have: the replay goes on, and nobody has stopped it.
func (t *table) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	key, err := rowKey(in.Key)
	if err != nil {
		return nil, err
	}
	there := t.rows[key]
	open := []string{"PENDING", "EXPANDING", "RUNNING"}
	stopped := strings.Contains(*in.ConditionExpression, "attribute_not_exists(#stopStatus)") && there["stopStatus"] != nil
	if there == nil || stopped || !slices.Contains(open, text(there, "status")) {
		return nil, &types.ConditionalCheckFailedException{Item: there}
	}
	t.writes++
	t.rows[key] = updated(there, *in.UpdateExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	return &dynamodb.UpdateItemOutput{Attributes: t.rows[key]}, nil
}

// updated applies what SET and ADD say; what is removed does not matter here.
func updated(there row, expression string, names map[string]string, values row) row {
	out := maps.Clone(there)
	expression, _, _ = strings.Cut(expression, "REMOVE ")
	set, add, _ := strings.Cut(strings.TrimPrefix(expression, "SET "), "ADD ")
	for _, term := range strings.Split(set, ", ") {
		if name, value, found := strings.Cut(strings.TrimSpace(term), " = "); found {
			out[names[name]] = values[value]
		}
	}
	for _, term := range strings.Split(add, ", ") {
		if name, value, found := strings.Cut(strings.TrimSpace(term), " "); found {
			sum := number(out, names[name]) + number(values, value)
			out[names[name]] = &types.AttributeValueMemberN{Value: strconv.Itoa(sum)}
		}
	}
	return out
}

func (t *table) TransactWriteItems(_ context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	for _, w := range in.TransactItems {
		if p := w.Put; p != nil {
			key, err := rowKey(p.Item)
			if err != nil {
				return nil, err
			}
			t.rows[key] = p.Item
		}
		if u := w.Update; u != nil {
			key, err := rowKey(u.Key)
			if err != nil {
				return nil, err
			}
			t.rows[key] = updated(t.rows[key], *u.UpdateExpression, u.ExpressionAttributeNames, u.ExpressionAttributeValues)
		}
	}
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

func (t *table) DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	panic("the API deletes nothing")
}

func (t *table) BatchGetItem(_ context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]row{}}
	for name, request := range in.RequestItems {
		for _, k := range request.Keys {
			key, err := rowKey(k)
			if err != nil {
				return nil, err
			}
			if r := t.rows[key]; r != nil {
				out.Responses[name] = append(out.Responses[name], r)
			}
		}
	}
	return out, nil
}

func (t *table) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	pk, sk := schema.PartitionKey, schema.SortKey
	for _, index := range schema.Indexes() {
		if in.IndexName != nil && index.Name == *in.IndexName {
			pk, sk = index.PartitionKey, index.SortKey
		}
	}
	values := in.ExpressionAttributeValues
	partition, s, u := text(values, ":p"), text(values, ":s"), text(values, ":u")
	_, condition, ranged := strings.Cut(*in.KeyConditionExpression, " AND #s ")
	between := strings.HasPrefix(condition, "BETWEEN")
	if !usable(partition, 2048) || ranged && !usable(s, 1024) || between && (!usable(u, 1024) || s > u) {
		return nil, code("ValidationException")
	}
	var found []row
	for _, r := range t.rows {
		at := text(r, sk)
		in := text(r, pk) == partition && at != ""
		switch {
		case between:
			in = in && s <= at && at <= u
		case strings.HasPrefix(condition, "<="):
			in = in && at <= s
		case strings.HasPrefix(condition, "<"):
			in = in && at < s
		case strings.HasPrefix(condition, ">"):
			in = in && at > s
		}
		if in {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b row) int {
		if *in.ScanIndexForward {
			return cmp.Compare(text(a, sk), text(b, sk))
		}
		return cmp.Compare(text(b, sk), text(a, sk))
	})
	out := &dynamodb.QueryOutput{Items: found}
	if n := int(*in.Limit); len(found) > n {
		out.Items, out.LastEvaluatedKey = found[:n], found[n-1]
	}
	return out, nil
}
