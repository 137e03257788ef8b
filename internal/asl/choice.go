package asl

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// operator is a comparison of a Choice in JSONPath.
type operator struct {
	rule    rule
	literal bool // what it compares with is a number, or true or false
}

var comparisons = operators()

func operators() map[string]operator {
	var (
		aNumber = rule{ok: func(v any) bool { _, ok := v.(json.Number); return ok }, must: "a number"}
		aString = rule{ok: func(v any) bool { _, ok := v.(string); return ok }, must: "a string"}
		aTruth  = rule{ok: func(v any) bool { _, ok := v.(bool); return ok }, must: "true or false"}
	)
	all := map[string]operator{"StringMatches": {rule: aString}}
	add := func(name string, with operator) {
		all[name], all[name+"Path"] = with, operator{rule: aPath}
	}
	add("BooleanEquals", operator{aTruth, true})
	for _, order := range []string{"Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"} {
		add("String"+order, operator{rule: aString})
		add("Numeric"+order, operator{aNumber, true})
		add("Timestamp"+order, operator{rule: aTimestamp})
	}
	for _, kind := range []string{"Null", "Present", "Numeric", "String", "Boolean", "Timestamp"} {
		all["Is"+kind] = operator{aTruth, true}
	}
	return all
}

var (
	combined = []string{"And", "Or", "Not"}
	beside   = []string{"Variable", "Next", "Comment", "Assign", "Output"} // other fields of a rule
)

// condition checks a rule of a Choice, and those in its And, Or and Not.
func (p *place) condition(o *Object) {
	if p.language == jsonata {
		return
	}
	for _, key := range []string{"And", "Or"} {
		if v := o.Get(key); o.Has(key) && !isFilled(v) {
			p.add("state %q has %s as %s%s: it must be a list of one rule or more", p.state, brief(v), p.part, key)
		}
		for i, inner := range objects(o.Get(key)) {
			p.within(fmt.Sprintf("%s[%d].", key, i)).condition(inner)
		}
	}
	if o.Has("Not") {
		if inner, ok := o.Get("Not").(*Object); ok {
			p.within("Not.").condition(inner)
		} else {
			p.add("state %q has %s as %sNot: it must be a rule", p.state, brief(o.Get("Not")), p.part)
		}
	}
	p.compares(o)
}

// compares checks that a rule has one comparison, or one of And, Or and Not.
func (p *place) compares(o *Object) {
	var has, unknown []string
	p.holds(o, []rule{aPath.of("Variable")})
	for _, key := range o.Keys() {
		of, known := comparisons[key]
		switch {
		case known:
			has = append(has, key)
			p.holds(o, []rule{of.rule.of(key)})
		case slices.Contains(combined, key):
			has = append(has, key)
		case !slices.Contains(beside, key):
			unknown = append(unknown, key)
		}
	}
	where := strings.TrimSuffix(p.part, ".")
	switch {
	case o.Has("Condition"): // it is of the other language, which is reported
	case len(has) > 1:
		p.add("state %q has %s in %s: a rule takes one of them; put the others into rules of an And", p.state, list(has), where)
	case len(has) == 1 && !o.Has("Variable") && !slices.Contains(combined, has[0]), len(has)+len(unknown) == 0 && !o.Has("Variable"):
		p.add("state %q has no condition in %s: give it a Variable with a comparison, or And, Or or Not", p.state, where)
	case len(has) == 0 && len(unknown) > 0:
		p.add("state %q has %s in %s, which is not a comparison: use one such as StringEquals or IsPresent", p.state, list(unknown), where)
	case len(has) == 0:
		p.add("state %q has no comparison in %s: give it one, such as StringEquals or IsPresent", p.state, where)
	}
}
