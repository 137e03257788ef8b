package filter

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of expressions and queries.
const maxDepth = 20

// Parse reads a filter. Its error names the problem and the position, and wraps ErrSyntax.
func Parse(text string) (f *Filter, err error) {
	p := &parser{text: text}
	defer func() {
		if r := recover(); r != nil {
			bad, is := r.(fault)
			if !is {
				panic(r)
			}
			f, err = nil, fmt.Errorf("%w: %s at character %d", ErrSyntax, bad.what, utf8.RuneCountInString(text[:bad.at])+1)
		}
	}()
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrSyntax)
	}
	p.blank()
	t := p.or()
	if p.blank(); p.at < len(text) {
		p.fail("want the end, && or ||, got %q", p.next())
	}
	return &Filter{text: text, test: t}, nil
}

// parser is a recursive descent parser for the grammar of RFC 9535, appendix A. Its errors are panics.
type parser struct {
	text  string
	at    int
	depth int
}

type fault struct {
	what string
	at   int
}

func (p *parser) fail(format string, args ...any) {
	panic(fault{fmt.Sprintf(format, args...), p.at})
}

// next returns the next character, or an empty string at the end.
func (p *parser) next() string {
	_, n := utf8.DecodeRuneInString(p.text[p.at:])
	return p.text[p.at : p.at+n]
}

func (p *parser) blank() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeft(p.text[p.at:], " \t\n\r"))
}

func (p *parser) sees(token string) bool { return strings.HasPrefix(p.text[p.at:], token) }

// take skips a token if it is next, and reports whether it was.
func (p *parser) take(token string) bool {
	if !p.sees(token) {
		return false
	}
	p.at += len(token)
	return true
}

func (p *parser) want(token string) {
	if !p.take(token) {
		p.fail("want %q, got %q", token, p.next())
	}
}

// find takes what a regular expression matches at the current position.
func (p *parser) find(re *regexp.Regexp) (string, bool) {
	found := re.FindString(p.text[p.at:])
	p.at += len(found)
	return found, found != ""
}

func (p *parser) or() test {
	if p.depth++; p.depth > maxDepth {
		p.fail("the filter is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	all := []test{p.and()}
	for p.blank(); p.take("||"); p.blank() {
		p.blank()
		all = append(all, p.and())
	}
	return func(r *run, current any) bool {
		for _, t := range all {
			if t(r, current) {
				return true
			}
		}
		return false
	}
}

func (p *parser) and() test {
	all := []test{p.basic()}
	for p.blank(); p.take("&&"); p.blank() {
		p.blank()
		all = append(all, p.basic())
	}
	return func(r *run, current any) bool {
		for _, t := range all {
			if !t(r, current) {
				return false
			}
		}
		return true
	}
}

func not(t test) test { return func(r *run, current any) bool { return !t(r, current) } }

// basic parses an expression in parentheses, a comparison or a test.
func (p *parser) basic() test {
	negated := p.take("!")
	p.blank()
	var t test
	if p.take("(") {
		p.blank()
		t = p.or()
		p.blank()
		p.want(")")
	} else {
		left := p.operand()
		p.blank()
		if op, is := p.find(operator); is {
			if negated {
				p.fail("! goes with a test only: put the comparison in parentheses")
			}
			p.blank()
			return compare(op, p.comparable(left), p.comparable(p.operand()))
		}
		t = p.tests(left)
	}
	if negated {
		return not(t)
	}
	return t
}

var operator = regexp.MustCompile(`^(==|!=|<=|>=|<|>)`)

func (p *parser) comparable(o operand) value {
	v, ok := o.valueOf()
	switch {
	case ok:
		return v
	case o.query != nil:
		p.fail("a comparison takes a query that selects one value at most: names and indexes only")
	}
	p.fail("a comparison takes values: match and search are tests by themselves")
	return nil
}

func (p *parser) tests(o operand) test {
	switch {
	case o.query != nil:
		return o.query.exists
	case o.kind == isLogical:
		return o.test
	case o.fixed:
		p.fail("a literal is not a test: compare it with ==, !=, <, <=, > or >=")
	}
	p.fail("want ==, !=, <, <=, > or >= after a function that gives a value, got %q", p.next())
	return nil
}

var (
	numeral    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`)
	integer    = regexp.MustCompile(`^(0|-?[1-9][0-9]*)`)
	function   = regexp.MustCompile(`^[a-z][a-z_0-9]*\(`)
	memberName = regexp.MustCompile(`^[A-Za-z_\x{80}-\x{D7FF}\x{E000}-\x{10FFFF}][A-Za-z_0-9\x{80}-\x{D7FF}\x{E000}-\x{10FFFF}]*`)
	word       = regexp.MustCompile(`^(true|false|null)`)
)

func literal(v any) operand {
	return operand{kind: isValue, literal: v, fixed: true, value: func(*run, any) (any, bool) { return v, true }}
}

// operand parses a literal, a query or a function.
func (p *parser) operand() operand {
	switch {
	case p.sees("@"), p.sees("$"):
		q := p.query()
		o := operand{kind: isNodes, query: &q}
		if q.singular {
			o.value = q.value
		}
		return o
	case p.sees(`"`), p.sees("'"):
		return literal(p.quoted())
	}
	if text, is := p.find(numeral); is {
		return literal(json.Number(text))
	}
	if text, is := p.find(function); is {
		return p.call(strings.TrimSuffix(text, "("))
	}
	switch text, _ := p.find(word); text {
	case "true", "false":
		return literal(text == "true")
	case "null":
		return literal(nil)
	}
	p.fail(`want @ or $ with a path, such as @.listing.price, a literal or a function, got %q`, p.next())
	return operand{}
}

func (p *parser) call(name string) operand {
	if p.depth++; p.depth > maxDepth {
		p.fail("the filter is nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()
	var args []operand
	for p.blank(); !p.take(")"); p.blank() {
		if len(args) > 0 {
			p.want(",")
			p.blank()
		}
		args = append(args, p.operand())
	}
	o, err := call(name, args)
	if err != nil {
		p.fail("%v", err)
	}
	return o
}

func (p *parser) query() query {
	q := query{root: p.take("$"), singular: true}
	if !q.root {
		p.want("@")
	}
	for {
		before := p.at
		p.blank()
		s, singular, is := p.segment()
		if !is {
			p.at = before
			return q
		}
		q.segments = append(q.segments, s)
		q.singular = q.singular && singular
	}
}

func (p *parser) segment() (s segment, singular, is bool) {
	s.descendant = p.take("..")
	switch {
	case p.take("["):
		singular = true
		for more := true; more; more = p.take(",") {
			p.blank()
			sel, one := p.selector()
			s.selectors, singular = append(s.selectors, sel), singular && one
			p.blank()
		}
		p.want("]")
		return s, singular && len(s.selectors) == 1 && !s.descendant, true
	case !s.descendant && !p.take("."):
		return s, false, false
	case p.take("*"):
		s.selectors = []selector{wildcard}
		return s, false, true
	}
	text, found := p.find(memberName)
	if !found {
		p.fail("want the name of a member, got %q: other names go in brackets, such as ['first-name']", p.next())
	}
	s.selectors = []selector{name(text)}
	return s, !s.descendant, true
}

// selector parses a selector in brackets. Singular means that it selects one value at most.
func (p *parser) selector() (s selector, singular bool) {
	switch {
	case p.sees(`"`), p.sees("'"):
		return name(p.quoted()), true
	case p.take("*"):
		return wildcard, false
	case p.take("?"):
		p.blank()
		return where(p.or()), false
	}
	start := p.integer()
	p.blank()
	if !p.take(":") {
		if start == nil {
			p.fail("want a name in quotes, an index, a slice, * or ?, got %q", p.next())
		}
		return index(*start), true
	}
	p.blank()
	end := p.integer()
	p.blank()
	step := 1
	if p.take(":") {
		p.blank()
		if given := p.integer(); given != nil {
			step = *given
		}
	}
	return slice(start, end, step), false
}

// maxInteger is the greatest index, by RFC 9535, section 2.1.
const maxInteger = 1<<53 - 1

func (p *parser) integer() *int {
	text, found := p.find(integer)
	if !found {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > maxInteger || n < -maxInteger {
		p.fail("an index has to be from -2^53+1 to 2^53-1, got %s", text)
	}
	return &n
}
