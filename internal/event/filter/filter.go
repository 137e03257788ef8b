// Package filter decides whether an event matches a filter of RFC 9535.
//
// A filter is a logical expression, as section 2.3.5 has it between "?" and "]". In it, both "@" and "$" are the event.
// This package has its own evaluator, because github.com/theory/jsonpath compares numbers as float64 and cannot be
// interrupted. Here, numbers are compared by all of their digits, and an evaluation is bounded (docs/adr/0064). The
// tests compare the two.
package filter

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/event/exact"
)

var (
	// ErrSyntax is wrapped by every error of Parse.
	ErrSyntax = errors.New("not a filter")

	// ErrEvent means that the event is not JSON, or is nested too deeply.
	ErrEvent = errors.New("the event is not JSON")

	// ErrTooCostly means that an evaluation took more than MaxSteps.
	ErrTooCostly = fmt.Errorf("the filter takes more than %d steps on this event", MaxSteps)
)

// MaxSteps bounds the work of one evaluation: values of the event, compared bytes, and regular expressions. An event of
// 256 KB has at most 130,000 values.
const MaxSteps = 20_000_000

// lookEvery is the number of steps between two checks of the context.
const lookEvery = 10_000

// Filter is a parsed filter. It is safe for concurrent use.
type Filter struct {
	text string
	test test
}

// String returns the parsed string.
func (f *Filter) String() string { return f.text }

// Match reports whether an event matches. It returns ErrEvent or ErrTooCostly, for which a retry does not help, or the
// error of a context that has ended.
func (f *Filter) Match(ctx context.Context, event []byte) (bool, error) {
	return f.match(ctx, event, MaxSteps)
}

func (f *Filter) match(ctx context.Context, event []byte, steps int) (meant bool, err error) {
	doc, err := exact.Decode(event)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrEvent, err)
	}
	r := &run{ctx: ctx, root: doc, left: steps}
	defer func() {
		if p := recover(); p != nil {
			stopped, is := p.(stop)
			if !is {
				panic(p)
			}
			meant, err = false, stopped.err
		}
	}()
	return f.test(r, doc), nil
}

// run is one evaluation.
type run struct {
	ctx   context.Context
	root  any
	left  int // steps
	since int // steps since the last check of the context
}

// stop ends an evaluation from within. It is a panic, because otherwise every part of a filter would have to return an
// error.
type stop struct{ err error }

func (r *run) count(n int) {
	if r.left -= n; r.left < 0 {
		panic(stop{ErrTooCostly})
	}
	if r.since += n; r.since >= lookEvery {
		r.since = 0
		if err := r.ctx.Err(); err != nil {
			panic(stop{fmt.Errorf("evaluate filter: %w", err)})
		}
	}
}

type (
	// test is a logical expression about a value.
	test func(r *run, current any) bool

	// value returns a value for a comparison, or false if there is none.
	value func(r *run, current any) (any, bool)

	// selector calls show with each child of a value that it selects, until show returns false. It reports whether it
	// came to the end.
	selector func(r *run, of any, show func(any) bool) bool
)

// query selects values, starting at the event or at the current value of a filter.
type query struct {
	root     bool
	segments []segment
	singular bool // selects one value at most
}

type segment struct {
	descendant bool
	selectors  []selector
}

// each calls show with each value that the query selects, until show returns false.
func (q query) each(r *run, current any, show func(any) bool) bool {
	if q.root {
		current = r.root
	}
	return q.from(r, 0, current, show)
}

func (q query) from(r *run, i int, at any, show func(any) bool) bool {
	r.count(1)
	if i == len(q.segments) {
		return show(at)
	}
	return q.segments[i].each(r, at, func(found any) bool { return q.from(r, i+1, found, show) })
}

func (s segment) each(r *run, at any, show func(any) bool) bool {
	for _, selected := range s.selectors {
		if !selected(r, at, show) {
			return false
		}
	}
	if !s.descendant {
		return true
	}
	return wildcard(r, at, func(child any) bool { return s.each(r, child, show) })
}

// exists reports whether the query selects anything.
func (q query) exists(r *run, current any) bool {
	return !q.each(r, current, func(any) bool { return false })
}

// value returns the value that a query selects, if it selects exactly one.
func (q query) value(r *run, current any) (found any, ok bool) {
	n := 0
	q.each(r, current, func(v any) bool {
		found = v
		n++
		return n < 2
	})
	return found, n == 1
}

func wildcard(r *run, of any, show func(any) bool) bool {
	switch of := of.(type) {
	case []any:
		for _, v := range of {
			if r.count(1); !show(v) {
				return false
			}
		}
	case map[string]any:
		for _, v := range of {
			if r.count(1); !show(v) {
				return false
			}
		}
	}
	return true
}

func name(name string) selector {
	return func(r *run, of any, show func(any) bool) bool {
		r.count(1)
		object, _ := of.(map[string]any)
		v, found := object[name]
		return !found || show(v)
	}
}

func index(i int) selector {
	return func(r *run, of any, show func(any) bool) bool {
		r.count(1)
		array, _ := of.([]any)
		at := i
		if at < 0 {
			at += len(array)
		}
		return at < 0 || at >= len(array) || show(array[at])
	}
}

// where selects the children for which a test holds.
func where(t test) selector {
	return func(r *run, of any, show func(any) bool) bool {
		return wildcard(r, of, func(child any) bool { return !t(r, child) || show(child) })
	}
}

// slice is RFC 9535, section 2.3.4.2.2. A bound that is not given is nil.
func slice(start, end *int, step int) selector {
	return func(r *run, of any, show func(any) bool) bool {
		array, is := of.([]any)
		if r.count(1); !is || step == 0 {
			return true
		}
		n := len(array)
		normal := func(i int) int {
			if i < 0 {
				return i + n
			}
			return i
		}
		if step > 0 {
			lower, upper := 0, n
			if start != nil {
				lower = min(max(normal(*start), 0), n)
			}
			if end != nil {
				upper = min(max(normal(*end), 0), n)
			}
			for i := lower; i < upper; i += min(step, n) { // min keeps i from overflowing
				if r.count(1); !show(array[i]) {
					return false
				}
			}
			return true
		}
		upper, lower := n-1, -1
		if start != nil {
			upper = min(max(normal(*start), -1), n-1)
		}
		if end != nil {
			lower = min(max(normal(*end), -1), n-1)
		}
		for i := upper; i > lower; i += max(step, -n) {
			if r.count(1); !show(array[i]) {
				return false
			}
		}
		return true
	}
}
