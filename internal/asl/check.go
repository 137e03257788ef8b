package asl

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checker collects all errors of a workflow.
type checker struct {
	reserved  []string // names of states
	variables []string // that no state may assign
	language  string   // of states without a QueryLanguage
	names     map[string]bool
	faults    []error
}

func (c *checker) add(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

func (c *checker) document(root *Object) {
	for _, field := range []string{"Type", "StateMachineType"} {
		if root.Has(field) {
			c.add("has a top-level %s, which is not a field of the language: take it out; an ingestion is always STANDARD, because "+
				"EXPRESS has no status events and no idempotent execution names", field)
		}
	}
	c.language = jsonPath
	if root.Has("QueryLanguage") {
		c.language = c.queryLanguage("has a top-level", root)
	}
	if limit := root.Get("TimeoutSeconds"); root.Has("TimeoutSeconds") && !isRaw(limit) && !isWhole(limit, 1, maxSeconds) {
		c.add("has %s as TimeoutSeconds: it must be a whole number from 1 to %d", brief(limit), maxSeconds)
	}
	if version := root.Get("Version"); root.Has("Version") && version != "1.0" {
		c.add(`has %s as Version: it must be the string "1.0"`, brief(version))
	}
	c.machine("", root, c.language)
	if len(c.faults) == 0 {
		c.ends(root)
	}
}

// ends requires a state that has no next one: AWS refuses a workflow without any.
func (c *checker) ends(root *Object) {
	states, found := 0, false
	each(root, func(_ string, state *Object) {
		states++
		found = found || !state.Has("Choices") && !state.Has("Next")
	})
	if states > 0 && !found {
		c.add(`has no state that ends: give one "End": true, or add a Succeed or a Fail`)
	}
}

// machine checks a workflow; where says in which state it is nested.
func (c *checker) machine(where string, o *Object, language string) {
	states, ok := o.Get("States").(*Object)
	if !ok || len(states.Keys()) == 0 {
		c.add("%shas no States: give it at least one state", prefix(where))
		return
	}
	m := machineOf(o)
	for _, name := range states.Keys() {
		c.name(name)
		state, ok := states.Get(name).(*Object)
		if !ok {
			c.add("state %q must be an object with a Type, got %s", name, kind(states.Get(name)))
			continue
		}
		c.state(name, state, m, language)
	}
	switch start, isText := o.text("StartAt"); {
	case !o.Has("StartAt"):
		c.add("%shas no StartAt: name its first state", prefix(where))
	case !isText || !states.Has(start):
		c.add("%shas %s as StartAt, which is not a state of it: its states are %s", prefix(where), Encode(o.Get("StartAt"), nil), list(states.Keys()))
	default:
		reached := m.reachable(true)
		for _, name := range states.Keys() {
			if !reached[name] {
				c.add("state %q is unreachable: lead to it from another state, or remove it", name)
			}
		}
	}
}

func (c *checker) name(name string) {
	switch {
	case slices.Contains(c.reserved, name):
		c.add("has a state named %s, which is reserved: rename it", name)
	case c.names[name]:
		c.add("has two states named %q: names are unique across the whole workflow, nested states included; rename one", name)
	case name == "" || len([]rune(name)) > 80:
		c.add("has a state whose name has %d characters, names have 1 to 80: %q", len([]rune(name)), name)
	}
	c.names[name] = true
}

func (c *checker) state(name string, state *Object, m machine, language string) {
	kindOf, _ := state.text("Type")
	rule, known := kinds[kindOf]
	if !known {
		c.add("state %q has %s as Type: use one of %s", name, Encode(state.Get("Type"), nil), list(slices.Sorted(maps.Keys(kinds))))
		return
	}
	c.ending(name, state, kindOf, rule)
	transitions(state, func(field string, target any, _ bool) {
		if next, ok := target.(string); !ok || !m.states.Has(next) {
			c.add("state %q has %s as %s, which is not a state beside it: use one of %s", name, Encode(target, nil), field, list(m.states.Keys()))
		}
	})
	for _, field := range rule.required {
		if !state.Has(field) {
			c.add("state %q has no %s, which a %s needs", name, field, kindOf)
		}
	}
	if state.Has("Catch") && !rule.catches {
		c.add("state %q has a Catch, which only Task, Parallel and Map can have: remove it", name)
	}
	for _, field := range []string{"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"} {
		if state.Has(field) && kindOf != "Task" {
			c.add("state %q has %s, which only a Task can have: remove it", name, field)
		}
	}
	c.oneOf(name, kindOf, state, rule.oneOf)
	if state.Has("QueryLanguage") {
		language = c.queryLanguage(fmt.Sprintf("state %q has", name), state)
		c.notBack(fmt.Sprintf("state %q", name), language)
	}
	c.speaks(name, kindOf, state, language)
	c.fields(name, state, rule, language)
	c.nested(name, state)
}

// ending requires either Next or End if the kind of state has a next one, and neither if it does not.
func (c *checker) ending(name string, state *Object, kindOf string, rule kindRule) {
	end, next := state.Get("End") == true, state.Has("Next")
	switch {
	case !rule.leadsOn && (state.Has("End") || next):
		c.add("state %q is a %s and cannot have Next or End: remove it", name, kindOf)
	case !rule.leadsOn:
	case end && next:
		c.add("state %q has both Next and End: remove one", name)
	case !end && !next:
		c.add(`state %q has neither Next nor "End": true: add one`, name)
	}
	if choices, ok := state.Get("Choices").([]any); kindOf == "Choice" && (!ok || len(choices) == 0) && state.Has("Choices") {
		c.add("state %q must have at least one rule in Choices, got %s", name, Encode(state.Get("Choices"), nil))
	}
}

func (c *checker) oneOf(name, kindOf string, state *Object, fields []string) {
	if len(fields) == 0 {
		return
	}
	var has []string
	for _, f := range fields {
		if state.Has(f) {
			has = append(has, f)
		}
	}
	if len(has) != 1 {
		c.add("state %q is a %s and must have exactly one of %s, got %s", name, kindOf, strings.Join(fields, ", "), list(has))
	}
}

func (c *checker) nested(name string, state *Object) {
	for _, n := range nestedIn(state) {
		where := fmt.Sprintf("%s of state %q", n.field, name)
		inner, ok := n.body.(*Object)
		if !ok {
			c.add("%s must be an object with StartAt and States, got %s", where, kind(n.body))
			continue
		}
		language := c.language
		if inner.Has("QueryLanguage") {
			language = c.queryLanguage(where+" has", inner)
			c.notBack(where, language)
		}
		c.machine(where, inner, language)
	}
}

// notBack rejects JSONPath within a JSONata definition, as Step Functions does.
func (c *checker) notBack(who, language string) {
	if language == jsonPath && c.language == jsonata {
		c.add("%s speaks JSONPath in a JSONata definition, which Step Functions refuses: take the top-level QueryLanguage out "+
			"and set it in the states that speak JSONata", who)
	}
}

func (c *checker) queryLanguage(subject string, o *Object) string {
	switch name, _ := o.text("QueryLanguage"); name {
	case jsonPath, jsonata:
		return name
	}
	c.add("%s QueryLanguage %s: use JSONPath or JSONata", subject, Encode(o.Get("QueryLanguage"), nil))
	return ""
}

func prefix(where string) string {
	if where == "" {
		return ""
	}
	return where + " "
}

// list names only the first few.
func list(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "none"
	}
	quoted := make([]string, 0, most)
	for _, n := range names[:min(most, len(names))] {
		quoted = append(quoted, Quote(n))
	}
	if len(names) > most {
		quoted = append(quoted, fmt.Sprintf("… (%d in all)", len(names)))
	}
	return strings.Join(quoted, ", ")
}
