// Package asl reads workflows in the Amazon States Language, reports their errors, and puts a state before their first
// one and another after their open ends. It knows the structure of the language. It does not evaluate paths and
// expressions.
package asl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The query languages of states.
const (
	jsonPath = "JSONPath"
	jsonata  = "JSONata"
)

// MaxBytes is the largest definition that Step Functions accepts.
const MaxBytes = 1 << 20

// Document is a workflow.
type Document struct {
	root *Object
	// Unused are the names of substitutions without a placeholder in the workflow.
	Unused []string
}

// Options go with a definition.
type Options struct {
	Substitutions map[string]string // what replaces ${name}
	States        []string          // names that states must not have, nested ones included
	Variables     []string          // names of variables that no state may assign
	YAML          bool              // also for a string that begins like JSON
}

// Parse reads a workflow, in JSON or YAML, and replaces its ${name} placeholders with values. The error joins all
// problems. Each begins with the name of a state, or with a verb whose subject is the definition.
func Parse(text string, options Options) (*Document, error) {
	text = strings.TrimPrefix(text, "\ufeff") // some editors write a byte order mark
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("is empty: pass a workflow in the Amazon States Language, as JSON or YAML")
	}
	if at := notUTF8(text); at >= 0 {
		return nil, fmt.Errorf("is not UTF-8, from byte %d: save it as UTF-8", at)
	}
	read := decode
	if begins := strings.TrimSpace(text)[0]; options.YAML || begins != '{' && begins != '[' {
		read = decodeYAML
	}
	doc, err := read(text)
	if doc == nil && err != nil {
		return nil, err
	}
	root, ok := doc.(*Object)
	if !ok {
		return nil, fmt.Errorf("must be an object with StartAt and States, got %s", kind(doc))
	}
	unused, wrong := substitute(root, options.Substitutions)
	c := checker{names: map[string]bool{}, faults: wrong, reserved: options.States, variables: options.Variables}
	c.document(root)
	if err := errors.Join(err, errors.Join(c.faults...)); err != nil {
		return nil, err
	}
	return &Document{root, unused}, nil
}

// notUTF8 returns the position of the first byte that is not UTF-8, or -1.
func notUTF8(text string) int {
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			return i
		}
	}
	return -1
}

// machine is a workflow or a nested one.
type machine struct {
	startAt string
	states  *Object
}

func machineOf(o *Object) machine {
	start, _ := o.text("StartAt")
	states, _ := o.Get("States").(*Object)
	return machine{start, states}
}

func (m machine) state(name string) *Object {
	s, _ := m.states.Get(name).(*Object)
	return s
}

// transitions calls visit with every transition from a state: the field that names the next state, its name, and
// whether an error leads there.
func transitions(state *Object, visit func(field string, target any, caught bool)) {
	if state.Has("Next") {
		visit("Next", state.Get("Next"), false)
	}
	for i, c := range objects(state.Get("Choices")) {
		visit(fmt.Sprintf("Choices[%d].Next", i), c.Get("Next"), false)
	}
	if state.Has("Default") {
		visit("Default", state.Get("Default"), false)
	}
	for i, c := range objects(state.Get("Catch")) {
		visit(fmt.Sprintf("Catch[%d].Next", i), c.Get("Next"), true)
	}
}

// reachable returns the states that the first one leads to. Those that only an error leads to are left out unless
// caught.
func (m machine) reachable(caught bool) map[string]bool {
	found := map[string]bool{}
	waiting := []string{m.startAt}
	for len(waiting) > 0 {
		name := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if found[name] || !m.states.Has(name) {
			continue
		}
		found[name] = true
		state := m.state(name)
		if state == nil {
			continue
		}
		transitions(state, func(_ string, target any, byError bool) {
			if next, ok := target.(string); ok && (caught || !byError) {
				waiting = append(waiting, next)
			}
		})
	}
	return found
}

// nested is a workflow within a state.
type nested struct {
	field string
	body  any
}

func nestedIn(state *Object) []nested {
	var all []nested
	if branches, ok := state.Get("Branches").([]any); ok {
		for i, b := range branches {
			all = append(all, nested{fmt.Sprintf("Branches[%d]", i), b})
		}
	}
	for _, field := range []string{"ItemProcessor", "Iterator"} {
		if state.Has(field) {
			all = append(all, nested{field, state.Get(field)})
		}
	}
	return all
}

// each calls visit with every state of a workflow, nested ones included.
func each(o *Object, visit func(name string, state *Object)) {
	m := machineOf(o)
	if m.states == nil {
		return
	}
	for _, name := range m.states.Keys() {
		state := m.state(name)
		if state == nil {
			continue
		}
		visit(name, state)
		for _, n := range nestedIn(state) {
			if inner, ok := n.body.(*Object); ok {
				each(inner, visit)
			}
		}
	}
}

// objects returns a list's objects, each at its own index; an entry that is not an object is an empty one.
func objects(v any) []*Object {
	list, _ := v.([]any)
	all := make([]*Object, len(list))
	for i := range list {
		o, ok := list[i].(*Object)
		if !ok {
			o = NewObject(nil)
		}
		all[i] = o
	}
	return all
}

func kind(v any) string {
	switch v.(type) {
	case *Object:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case nil:
		return "null"
	}
	return "a number"
}
