package awstest

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// update applies an update to a row.
func (e *expression) update(s string, r row) error {
	e.read(s)
	if len(e.tokens) == 0 {
		e.fail("empty update")
	}
	touched := map[string]bool{}
	for len(e.tokens) > 0 {
		verb := e.next()
		for {
			attr := e.attribute()
			if touched[attr] {
				e.fail("two changes of %s", attr)
			}
			touched[attr] = true
			e.apply(verb, attr, r)
			if e.peek() != "," {
				break
			}
			e.next()
		}
	}
	return e.err
}

func (e *expression) apply(verb, attr string, r row) {
	switch verb {
	case "SET":
		e.take("=")
		r[attr] = e.value()
	case "ADD":
		n, ok := e.value().(*types.AttributeValueMemberN)
		if !ok {
			e.fail("ADD of something else than a number to %s", attr)
			return
		}
		sum := number(n)
		if old, there := r[attr]; there {
			was, ok := old.(*types.AttributeValueMemberN)
			if !ok {
				e.fail("ADD to %s, which is no number", attr)
				return
			}
			sum += number(was)
		}
		r[attr] = &types.AttributeValueMemberN{Value: strconv.Itoa(sum)}
	case "REMOVE":
		delete(r, attr)
	default:
		e.fail("unknown verb %q", verb)
	}
}
