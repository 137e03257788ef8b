package filter

import (
	"encoding/json"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"unicode/utf8"
)

// kind is a type of RFC 9535, section 2.4.1.
type kind int

const (
	isValue kind = iota + 1
	isLogical
	isNodes
)

// operand is an operand of a comparison or an argument of a function.
type operand struct {
	kind    kind
	value   value  // of isValue, and of a query that selects one value at most
	test    test   // of isLogical
	query   *query // of a query
	literal any
	fixed   bool // it is a literal
}

// valueOf returns the operand as a value, if it is one.
func (o operand) valueOf() (value, bool) { return o.value, o.value != nil }

// call makes an operand of a function of RFC 9535, section 2.4.4 to 2.4.8.
func call(function string, args []operand) (operand, error) {
	want := map[string]int{"length": 1, "count": 1, "value": 1, "match": 2, "search": 2}[function]
	if want == 0 {
		return operand{}, fmt.Errorf("there is no function %q: there are length, count, value, match and search", function)
	}
	if len(args) != want {
		return operand{}, fmt.Errorf("%s takes %d, got %d arguments", function, want, len(args))
	}
	switch function {
	case "length":
		of, ok := args[0].valueOf()
		if !ok {
			return operand{}, fmt.Errorf("length takes one value: a literal, a query that selects one value at most, or a function")
		}
		return operand{kind: isValue, value: length(of)}, nil
	case "count", "value":
		q := args[0].query
		if q == nil {
			return operand{}, fmt.Errorf("%s takes a query", function)
		}
		if function == "value" {
			return operand{kind: isValue, value: q.value}, nil
		}
		return operand{kind: isValue, value: func(r *run, current any) (any, bool) {
			n := 0
			q.each(r, current, func(any) bool { n++; return true })
			return number(n), true
		}}, nil
	default:
		of, ok := args[0].valueOf()
		if !ok {
			return operand{}, fmt.Errorf("%s takes one value: a literal, a query that selects one value at most, or a function", function)
		}
		pattern, is := args[1].literal.(string)
		if !is {
			return operand{}, fmt.Errorf("%s takes its pattern as a string in quotes", function)
		}
		t, err := matches(of, pattern, function == "match")
		return operand{kind: isLogical, test: t}, err
	}
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

func length(of value) value {
	return func(r *run, current any) (any, bool) {
		v, _ := of(r, current)
		switch v := v.(type) {
		case string:
			r.count(len(v) / 64)
			return number(utf8.RuneCountInString(v)), true
		case []any:
			return number(len(v)), true
		case map[string]any:
			return number(len(v)), true
		}
		return nil, false
	}
}

// matches tests strings with a regular expression, which must be a literal. In Go, the time grows with the size of the
// string times that of the expression, and the steps count that. For an expression from the event, the time could not
// be bounded in this way.
func matches(of value, pattern string, whole bool) (test, error) {
	re, size, err := compile(pattern, whole)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	return func(r *run, current any) bool {
		v, _ := of(r, current)
		text, is := v.(string)
		if !is {
			return false
		}
		r.count(len(text) * size / 8) // eight steps of the automaton take as long as one step
		return re.MatchString(text)
	}, nil
}

// compile compiles an expression of RFC 9485, in which a dot matches neither a line feed nor a carriage return. size is
// its number of instructions.
func compile(pattern string, whole bool) (re *regexp.Regexp, size int, err error) {
	tree, err := syntax.Parse(pattern, syntax.Perl|syntax.DotNL)
	if err != nil {
		return nil, 0, err
	}
	noDot(tree)
	text := tree.String()
	if whole {
		text = `\A(?:` + text + `)\z`
	}
	if re, err = regexp.Compile(text); err != nil {
		return nil, 0, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, 0, err
	}
	return re, len(program.Inst), nil
}

// noDot keeps dots from matching line endings.
func noDot(tree *syntax.Regexp) {
	if tree.Op == syntax.OpAnyChar {
		*tree = syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{0, '\n' - 1, '\n' + 1, '\r' - 1, '\r' + 1, utf8.MaxRune}}
		return
	}
	for _, sub := range tree.Sub {
		noDot(sub)
	}
}
