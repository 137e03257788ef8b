// Package iam evaluates the policies of a synthesized template and decides which calls AWS would allow. The calls are
// those that a proxy recorded, and those that AWS services make for the resources of the template. It supports the part
// of the policy language that the templates here use, and rejects anything else. ADR 62 says why it does not use a
// library.
package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Document is a policy: of an identity or a resource, or the trust policy of a role.
type Document struct {
	Owner      string // what the policy is attached to, for permissions
	Statements []Statement
}

// Statement is a statement of a policy. Principals is nil in the policy of an identity, and Resources is nil in a trust
// policy.
type Statement struct {
	Deny       bool
	Principals []Principal
	Actions    []string
	Resources  []string
	Conditions []Condition
}

// Principal is a service, an ARN, or "*" for everybody.
type Principal struct {
	Kind string // Service or AWS
	Name string
}

// Condition compares one key of a request's context with values, of which one must match.
type Condition struct {
	Operator, Key string
	Values        []string
}

// parseDocument reads a policy whose intrinsic functions are resolved.
func parseDocument(owner string, v any) (Document, error) {
	doc := Document{Owner: owner}
	m, ok := v.(map[string]any)
	if !ok {
		return doc, fmt.Errorf("policy of %s: got %v, want an object", owner, v)
	}
	if err := onlyKnows(m, "Version", "Statement"); err != nil {
		return doc, fmt.Errorf("policy of %s: %w", owner, err)
	}
	if m["Version"] != "2012-10-17" {
		return doc, fmt.Errorf("policy of %s: got version %v, want 2012-10-17", owner, m["Version"])
	}
	for i, s := range list(m["Statement"]) {
		statement, err := parseStatement(s)
		if err != nil {
			return doc, fmt.Errorf("policy of %s, statement %d: %w", owner, i, err)
		}
		doc.Statements = append(doc.Statements, statement)
	}
	return doc, nil
}

func parseStatement(v any) (s Statement, err error) {
	m, ok := v.(map[string]any)
	if !ok {
		return s, fmt.Errorf("got %v, want an object", v)
	}
	if err := onlyKnows(m, "Sid", "Effect", "Principal", "Action", "Resource", "Condition"); err != nil {
		return s, err
	}
	switch m["Effect"] {
	case "Allow":
	case "Deny":
		s.Deny = true
	default:
		return s, fmt.Errorf("got effect %v, want Allow or Deny", m["Effect"])
	}
	if s.Principals, err = parsePrincipals(m["Principal"]); err != nil {
		return s, err
	}
	if s.Actions, err = words(m["Action"]); err != nil || len(s.Actions) == 0 {
		return s, fmt.Errorf("actions %v: want one or more", m["Action"])
	}
	if s.Resources, err = words(m["Resource"]); err != nil {
		return s, err
	}
	s.Conditions, err = parseConditions(m["Condition"])
	return s, err
}

func parsePrincipals(v any) (all []Principal, err error) {
	if v == "*" {
		return []Principal{{"AWS", "*"}}, nil
	}
	m, ok := v.(map[string]any)
	if v != nil && !ok {
		return nil, fmt.Errorf("got principal %v, want an object", v)
	}
	if err := onlyKnows(m, "Service", "AWS"); err != nil {
		return nil, fmt.Errorf("principal: %w", err)
	}
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		names, err := words(m[kind])
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = append(all, Principal{kind, name})
		}
	}
	return all, nil
}

func parseConditions(v any) (all []Condition, err error) {
	m, ok := v.(map[string]any)
	if v != nil && !ok {
		return nil, fmt.Errorf("got condition %v, want an object", v)
	}
	for _, operator := range slices.Sorted(maps.Keys(m)) {
		if _, known := operators[operator]; !known {
			return nil, fmt.Errorf("unknown operator %s: write it in dev/iam", operator)
		}
		keys, ok := m[operator].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("got %v behind %s, want an object", m[operator], operator)
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			values, err := words(keys[key])
			if err != nil {
				return nil, err
			}
			all = append(all, Condition{operator, key, values})
		}
	}
	return all, nil
}

func onlyKnows(m map[string]any, fields ...string) error {
	for field := range m {
		if !slices.Contains(fields, field) {
			return fmt.Errorf("unknown field %s: write it in dev/iam", field)
		}
	}
	return nil
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// words are one string or several. Policy variables such as ${aws:username} are not supported.
func words(v any) (all []string, err error) {
	for _, one := range list(v) {
		switch one := one.(type) {
		case string:
			if strings.Contains(one, "${") {
				return nil, fmt.Errorf("policy variable in %q: write it in dev/iam", one)
			}
			all = append(all, one)
		case bool, float64, json.Number:
			all = append(all, fmt.Sprint(one))
		default:
			return nil, fmt.Errorf("got %v, want a string", one)
		}
	}
	return all, nil
}
