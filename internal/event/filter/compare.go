package filter

import (
	"encoding/json"
	"math/big"
	"strings"
)

// compare is RFC 9535, section 2.3.5.2.2.
func compare(op string, left, right value) test {
	return func(r *run, current any) bool {
		a, isA := left(r, current)
		b, isB := right(r, current)
		equal := func() bool {
			if !isA || !isB {
				return isA == isB
			}
			return r.equal(a, b)
		}
		less := func(a, b any) bool { return isA && isB && r.less(a, b) }
		switch op {
		case "==":
			return equal()
		case "!=":
			return !equal()
		case "<":
			return less(a, b)
		case ">":
			return less(b, a)
		case "<=":
			return less(a, b) || equal()
		default:
			return less(b, a) || equal()
		}
	}
}

func (r *run) equal(a, b any) bool {
	r.count(1)
	switch a := a.(type) {
	case json.Number:
		b, is := b.(json.Number)
		return is && r.order(a, b) == 0
	case string:
		b, is := b.(string)
		return is && len(a) == len(b) && r.compareTexts(a, b) == 0
	case []any:
		b, is := b.([]any)
		if !is || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !r.equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, is := b.(map[string]any)
		if !is || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, both := b[k]; !both || !r.equal(v, w) {
				return false
			}
		}
		return true
	default: // null, true, false
		switch b.(type) {
		case []any, map[string]any:
			return false
		}
		return a == b
	}
}

// less orders numbers, and strings by their characters. Other types have no order.
func (r *run) less(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, is := b.(json.Number)
		return is && r.order(a, b) < 0
	case string:
		b, is := b.(string)
		return is && r.compareTexts(a, b) < 0
	}
	return false
}

func (r *run) compareTexts(a, b string) int {
	r.count(min(len(a), len(b)) / 64) // 64 compared bytes take as long as a step
	return strings.Compare(a, b)      // the order of UTF-8 is that of the characters
}

// order compares numbers by all of their digits.
func (r *run) order(a, b json.Number) int {
	if a == b {
		return 0
	}
	r.count(1 + (len(a)+len(b))/16)
	return decimalOf(string(a)).compare(decimalOf(string(b)))
}

// decimal is 0.digits times ten to the power of exponent. digits has no leading or trailing 0, and is empty for zero.
type decimal struct {
	negative bool
	digits   string
	exponent *big.Int // of any size: an event may have the number 1e999999999999999999999
}

// decimalOf parses a number of JSON.
func decimalOf(text string) (d decimal) {
	text, d.negative = strings.CutPrefix(text, "-")
	exponent := new(big.Int)
	if e := strings.IndexAny(text, "eE"); e >= 0 {
		exponent.SetString(strings.TrimPrefix(text[e+1:], "+"), 10)
		text = text[:e]
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	point := len(whole) - (len(whole) + len(fraction) - len(digits)) // from the first digit
	if d.digits = strings.TrimRight(digits, "0"); d.digits == "" {
		return decimal{exponent: new(big.Int)} // also -0
	}
	d.exponent = exponent.Add(exponent, big.NewInt(int64(point)))
	return d
}

func (d decimal) compare(o decimal) int {
	if s, t := d.sign(), o.sign(); s != t {
		return s - t
	}
	c := d.exponent.Cmp(o.exponent)
	if c == 0 {
		c = strings.Compare(d.digits, o.digits)
	}
	return c * d.sign() // two zeros are equal
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	default:
		return 1
	}
}
