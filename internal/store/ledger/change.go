package ledger

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// change builds an update of one row: what it sets, adds and removes, and on which condition.
type change struct {
	key    item
	set    []string
	add    []string
	remove []string
	cond   []string
	names  map[string]string
	values item
}

func newChange(pk, sk string) *change {
	return &change{key: key(pk, sk), names: map[string]string{}, values: item{}}
}

// name aliases an attribute, since many plain words are reserved in DynamoDB's expressions.
func (c *change) name(attr string) string {
	alias := "#" + attr
	c.names[alias] = attr
	return alias
}

func (c *change) value(v types.AttributeValue) string {
	alias := ":v" + strconv.Itoa(len(c.values))
	c.values[alias] = v
	return alias
}

// Set sets an attribute. An empty string or a zero time leaves the attribute as it is.
func (c *change) Set(attr string, v types.AttributeValue) *change {
	if s, ok := v.(*types.AttributeValueMemberS); ok && s.Value == "" {
		return c
	}
	c.set = append(c.set, c.name(attr)+" = "+c.value(v))
	return c
}

// Latest sets a time that only moves forward, because writes may come late or twice. The change fails if the row has a
// later time.
func (c *change) Latest(attr string, at domain.Stamp) *change {
	if at.IsZero() {
		return c
	}
	return c.Set(attr, str(at.String())).If("attribute_not_exists({"+attr+"}) OR {"+attr+"} <= ?", str(at.String()))
}

// CheckAt moves an open row to a later place in the list of rows to check: its sort key begins with the time. A row
// that is no longer open stays as it is.
func (c *change) CheckAt(at time.Time, id string) *change {
	key := str(domain.At(at).String() + "#" + id)
	return c.Set("tsk", key).If("attribute_exists({tpk}) AND {tsk} <= ?", key)
}

// Add adds to a number. An absent attribute counts as 0.
func (c *change) Add(attr string, n int) *change {
	if n != 0 {
		c.add = append(c.add, c.name(attr)+" "+c.value(num(n)))
	}
	return c
}

func (c *change) Remove(attrs ...string) *change {
	for _, a := range attrs {
		c.remove = append(c.remove, c.name(a))
	}
	return c
}

// If adds a condition. All conditions must hold. In the text, {attr} stands for an attribute and ? for the next value.
func (c *change) If(text string, values ...types.AttributeValue) *change {
	var b strings.Builder
	for {
		i := strings.IndexAny(text, "{?")
		if i < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:i])
		if text[i] == '?' {
			b.WriteString(c.value(values[0]))
			values, text = values[1:], text[i+1:]
			continue
		}
		end := strings.IndexByte(text, '}')
		b.WriteString(c.name(text[i+1 : end]))
		text = text[end+1:]
	}
	c.cond = append(c.cond, "("+b.String()+")")
	return c
}

func (c *change) expression() *string {
	var parts []string
	for _, p := range []struct {
		verb  string
		terms []string
	}{{"SET", c.set}, {"ADD", c.add}, {"REMOVE", c.remove}} {
		if len(p.terms) > 0 {
			parts = append(parts, p.verb+" "+strings.Join(p.terms, ", "))
		}
	}
	s := strings.Join(parts, " ")
	return &s
}

func (c *change) condition() *string {
	if len(c.cond) == 0 {
		return nil
	}
	s := strings.Join(c.cond, " AND ")
	return &s
}

func (c *change) valuesOrNil() item {
	if len(c.values) == 0 {
		return nil // DynamoDB refuses an empty map
	}
	return c.values
}

func (c *change) input(table string) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: c.key,
		UpdateExpression: c.expression(), ConditionExpression: c.condition(),
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.valuesOrNil(),
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

func (c *change) transact(table string) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &table, Key: c.key,
		UpdateExpression: c.expression(), ConditionExpression: c.condition(),
		ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.valuesOrNil(),
	}}
}
