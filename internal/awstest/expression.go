package awstest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression evaluates the expressions of one call. Conditions have comparisons with =, <, <=, >, >= and IN,
// attribute_exists and attribute_not_exists, joined by AND and OR. Updates have SET, ADD and REMOVE. Like DynamoDB, it
// rejects names and values that no expression uses, and two changes of the same attribute.
type expression struct {
	names  map[string]string
	values row
	used   map[string]bool
	tokens []string
	err    error
}

func newExpression(names map[string]string, values row) *expression {
	return &expression{names: names, values: values, used: map[string]bool{}}
}

var token = regexp.MustCompile(`[#:A-Za-z_][A-Za-z0-9_]*|[<>]=|[=<>(),]`)

// tokens caches the tokens of each expression: there are few, and tests use them over and over.
var tokens sync.Map

func (e *expression) read(s string) {
	known, ok := tokens.Load(s)
	if !ok {
		known, _ = tokens.LoadOrStore(s, token.FindAllString(s, -1))
	}
	e.tokens, _ = known.([]string)
	if strings.Join(e.tokens, "") != strings.ReplaceAll(s, " ", "") {
		e.fail("unknown syntax in %q", s)
	}
}

func (e *expression) fail(format string, args ...any) {
	if e.err == nil {
		e.err = invalid(format, args...)
	}
	e.tokens = nil
}

func (e *expression) peek() string {
	if len(e.tokens) == 0 {
		return ""
	}
	return e.tokens[0]
}

func (e *expression) next() string {
	t := e.peek()
	if t != "" {
		e.tokens = e.tokens[1:]
	}
	return t
}

func (e *expression) take(want string) {
	if got := e.next(); got != want {
		e.fail("got %q, want %q", got, want)
	}
}

func (e *expression) attribute() string {
	t := e.next()
	if !strings.HasPrefix(t, "#") {
		return t
	}
	e.used[t] = true
	if e.names[t] == "" {
		e.fail("unknown name %q", t)
	}
	return e.names[t]
}

func (e *expression) value() types.AttributeValue {
	t := e.next()
	e.used[t] = true
	v, ok := e.values[t]
	if !ok {
		e.fail("unknown value %q", t)
	}
	return v
}

func (e *expression) allUsed() error {
	for _, given := range slices.Concat(slices.Collect(maps.Keys(e.names)), slices.Collect(maps.Keys(e.values))) {
		if !e.used[given] && e.err == nil {
			e.err = invalid("%s is not used in any expression", given)
		}
	}
	return e.err
}

// condition evaluates a condition. Without a condition, it returns true.
func (e *expression) condition(s *string, r row) (bool, error) {
	if s == nil {
		return true, nil
	}
	e.read(*s)
	holds := e.or(r)
	if len(e.tokens) > 0 {
		e.fail("%q follows a condition", e.peek())
	}
	return holds, e.err
}

func (e *expression) or(r row) bool {
	holds := e.and(r)
	for e.peek() == "OR" {
		e.next()
		holds = e.and(r) || holds
	}
	return holds
}

func (e *expression) and(r row) bool {
	holds := e.term(r)
	for e.peek() == "AND" {
		e.next()
		holds = e.term(r) && holds
	}
	return holds
}

func (e *expression) term(r row) bool {
	switch t := e.peek(); t {
	case "(":
		e.next()
		holds := e.or(r)
		e.take(")")
		return holds
	case "attribute_exists", "attribute_not_exists":
		e.next()
		e.take("(")
		_, there := r[e.attribute()]
		e.take(")")
		return there == (t == "attribute_exists")
	}
	left := r[e.attribute()]
	switch op := e.next(); op {
	case "=", "<", "<=", ">", ">=":
		c, comparable := order(left, e.value())
		return comparable && (op == "=" && c == 0 || op == "<" && c < 0 || op == "<=" && c <= 0 || op == ">" && c > 0 || op == ">=" && c >= 0)
	case "IN":
		found := false
		for sep := "("; ; sep = "," {
			e.take(sep)
			c, comparable := order(left, e.value())
			found = found || comparable && c == 0
			if e.peek() == ")" || e.err != nil {
				e.next()
				return found
			}
		}
	default:
		e.fail("unknown operator %q", op)
	}
	return false
}

// order compares two values of one type.
func order(a, b types.AttributeValue) (c int, comparable bool) {
	switch x := a.(type) {
	case *types.AttributeValueMemberS:
		y, ok := b.(*types.AttributeValueMemberS)
		if !ok {
			return 0, false
		}
		return strings.Compare(x.Value, y.Value), true
	case *types.AttributeValueMemberN:
		y, ok := b.(*types.AttributeValueMemberN)
		if !ok {
			return 0, false
		}
		return number(x) - number(y), true
	case *types.AttributeValueMemberBOOL:
		y, ok := b.(*types.AttributeValueMemberBOOL)
		if !ok {
			return 0, false
		}
		if x.Value == y.Value {
			return 0, true
		}
		return 1, true
	}
	return 0, false
}

func number(n *types.AttributeValueMemberN) int {
	i, err := strconv.Atoi(n.Value)
	if err != nil {
		panic(fmt.Sprintf("the ledger has whole numbers only: %q", n.Value))
	}
	return i
}

// keyRange is a range of sort keys.
type keyRange struct {
	within    func(string) bool
	low, high string // both inclusive; empty: no bound
}

// keyCondition reads the key condition of a query: a partition, and a range of its sort key.
func (e *expression) keyCondition(s, pk, sk string) (span keyRange, partition string, err error) {
	e.read(s)
	span.within = func(string) bool { return true }
	if attr := e.attribute(); attr != pk {
		e.fail("the condition begins with %q, want %q", attr, pk)
	}
	e.take("=")
	partition, _ = text(e.value())
	if e.peek() == "AND" {
		e.next()
		if attr := e.attribute(); attr != sk {
			e.fail("the range is of %q, want %q", attr, sk)
		}
		op := e.next()
		bound, _ := text(e.value())
		switch op {
		case "<":
			span = keyRange{within: func(s string) bool { return s < bound }, high: bound}
		case "<=":
			span = keyRange{within: func(s string) bool { return s <= bound }, high: bound}
		case ">":
			span = keyRange{within: func(s string) bool { return s > bound }, low: bound}
		case "BETWEEN":
			e.take("AND")
			upper, _ := text(e.value())
			if upper < bound {
				e.fail("BETWEEN %q and %q, which is lower", bound, upper)
			}
			span = keyRange{within: func(s string) bool { return s >= bound && s <= upper }, low: bound, high: upper}
		default:
			e.fail("unknown operator %q", op)
		}
	}
	if len(e.tokens) > 0 {
		e.fail("%q follows the condition", e.peek())
	}
	return span, partition, e.err
}

// prepared is a write whose condition was evaluated.
type prepared struct {
	old, after row
	holds      bool
}

func (t *Table) prepare(w types.TransactWriteItem) (p prepared, err error) {
	switch {
	case w.Put != nil:
		k, err := keyOf(w.Put.Item)
		if err != nil {
			return p, err
		}
		p.old, p.after = t.get(k), maps.Clone(w.Put.Item)
		e := newExpression(w.Put.ExpressionAttributeNames, w.Put.ExpressionAttributeValues)
		if p.holds, err = e.condition(w.Put.ConditionExpression, p.old); err != nil {
			return p, err
		}
		if err := e.allUsed(); err != nil {
			return p, err
		}
	case w.Update != nil:
		k, err := keyOf(w.Update.Key)
		if err != nil {
			return p, err
		}
		p.old = t.get(k)
		if p.after = maps.Clone(p.old); p.after == nil {
			p.after = maps.Clone(w.Update.Key)
		}
		e := newExpression(w.Update.ExpressionAttributeNames, w.Update.ExpressionAttributeValues)
		if p.holds, err = e.condition(w.Update.ConditionExpression, p.old); err != nil {
			return p, err
		}
		if w.Update.UpdateExpression == nil {
			return p, invalid("update without an expression")
		}
		if err := e.update(*w.Update.UpdateExpression, p.after); err != nil {
			return p, err
		}
		if err := e.allUsed(); err != nil {
			return p, err
		}
	default:
		return p, invalid("unknown write %+v", w)
	}
	_, err = places(p.after)
	return p, err
}
