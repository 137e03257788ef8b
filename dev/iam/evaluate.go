package iam

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Request is one call as IAM sees it.
type Request struct {
	Principal Principal // a role of the account, by its ARN, or a service
	Action    string
	Resource  string
	Context   map[string]string
	Why       string // where the call is documented or was recorded
}

func (r Request) String() string {
	context, err := json.Marshal(r.Context)
	if err != nil {
		panic(err) // texts
	}
	return fmt.Sprintf("%s: %s on %s with %s (%s)", r.Principal.Name, r.Action, r.Resource, context, r.Why)
}

// Permission is one action on one resource, for one value of each condition, in an Allow statement.
type Permission struct {
	Owner, Principal, Action, Resource, Condition string
}

func (p Permission) String() string {
	text := p.Owner + ": "
	if p.Principal != "" {
		text += p.Principal + ": "
	}
	text += p.Action + " on " + p.Resource
	if p.Condition != "" {
		text += " if " + p.Condition
	}
	return text
}

// Decision is the result of a request's evaluation.
type Decision struct {
	Allowed bool
	By      []Permission // all that allow it
	Denied  string       // owner of a policy that denies it explicitly; "" if none does
}

// decide evaluates the policies of the caller and of the resource, both in one account (AWS IAM User Guide, "Policy
// evaluation logic"). Either may allow the call. A key's policy is evaluated first: IAM policies apply only if it
// allows the account (AWS KMS Developer Guide, "Default key policy").
func decide(r Request, identity, resource []Document, account string) Decision {
	var d Decision
	root := Principal{"AWS", "arn:aws:iam::" + account + ":root"}
	leavesIt := !strings.HasPrefix(r.Action, "kms:") && r.Action != "sts:AssumeRole"
	var leave []Permission
	for _, doc := range resource {
		for _, s := range doc.Statements {
			if s.Deny && s.fits(r) && s.names(r.Principal) {
				d.Denied = doc.Owner
			}
			if !s.Deny && s.fits(r) && s.names(r.Principal) {
				d.By = append(d.By, s.permissions(doc.Owner, r)...)
			}
			if !s.Deny && s.fits(r) && slices.Contains(s.Principals, root) {
				leavesIt = true
				leave = append(leave, s.permissions(doc.Owner, Request{Principal: root, Action: r.Action, Resource: r.Resource})...)
			}
		}
	}
	for _, doc := range identity {
		for _, s := range doc.Statements {
			switch {
			case !s.fits(r):
			case s.Deny:
				d.Denied = doc.Owner
			case leavesIt:
				d.By = append(append(d.By, leave...), s.permissions(doc.Owner, r)...)
			}
		}
	}
	d.Allowed = d.Denied == "" && len(d.By) > 0
	if !d.Allowed {
		d.By = nil
	}
	return d
}

// fits reports whether a statement matches a request, for any principal.
func (s Statement) fits(r Request) bool {
	return anyFits(s.Actions, r.Action, true) && (s.Resources == nil || anyFits(s.Resources, r.Resource, false)) &&
		!slices.ContainsFunc(s.Conditions, func(c Condition) bool { return !c.met(r.Context) })
}

func anyFits(patterns []string, text string, fold bool) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return like(pattern, text, fold) })
}

// names reports whether a statement of a resource's policy names a caller. The account's root delegates to IAM
// policies, and does not name a caller.
func (s Statement) names(caller Principal) bool {
	return slices.ContainsFunc(s.Principals, func(p Principal) bool {
		return p == caller || p == Principal{"AWS", "*"}
	})
}

// permissions are the permissions in a statement that allow a request.
func (s Statement) permissions(owner string, r Request) (all []Permission) {
	for _, one := range s.single() {
		if one.fits(r) && (one.Principals == nil || one.names(r.Principal)) {
			all = append(all, one.permission(owner))
		}
	}
	return all
}

// single splits a statement into statements with one principal, action, resource and value of each condition.
func (s Statement) single() []Statement {
	all := []Statement{{Deny: s.Deny}}
	split := func(n int, with func(one *Statement, i int)) {
		if n == 0 {
			return
		}
		before := all
		all = nil
		for _, one := range before {
			for i := range n {
				one := one
				with(&one, i)
				all = append(all, one)
			}
		}
	}
	split(len(s.Principals), func(one *Statement, i int) { one.Principals = s.Principals[i : i+1] })
	split(len(s.Actions), func(one *Statement, i int) { one.Actions = s.Actions[i : i+1] })
	split(len(s.Resources), func(one *Statement, i int) { one.Resources = s.Resources[i : i+1] })
	for _, c := range s.Conditions {
		if operators[c.Operator].negated { // its values must stay together
			split(1, func(one *Statement, _ int) { one.Conditions = append(slices.Clone(one.Conditions), c) })
			continue
		}
		split(len(c.Values), func(one *Statement, i int) {
			one.Conditions = append(slices.Clone(one.Conditions), Condition{c.Operator, c.Key, c.Values[i : i+1]})
		})
	}
	return all
}

// permission is the permission of a single statement.
func (s Statement) permission(owner string) Permission {
	p := Permission{Owner: owner, Action: s.Actions[0]}
	if s.Principals != nil {
		p.Principal = s.Principals[0].Name
	}
	if s.Resources != nil {
		p.Resource = s.Resources[0]
	}
	var conditions []string
	for _, c := range s.Conditions {
		conditions = append(conditions, fmt.Sprintf("%s %s %s", c.Key, c.Operator, strings.Join(c.Values, "|")))
	}
	p.Condition = strings.Join(conditions, ", ")
	return p
}

// operators compare a value of a request's context with one of a statement. A key that the context lacks matches
// negated operators only (AWS IAM User Guide, "IAM JSON policy elements: Condition operators").
var operators = map[string]struct {
	fits    func(want, got string) bool
	negated bool
}{
	"StringEquals":    {fits: func(want, got string) bool { return want == got }},
	"StringNotEquals": {fits: func(want, got string) bool { return want == got }, negated: true},
	"StringLike":      {fits: func(want, got string) bool { return like(want, got, false) }},
	"ArnEquals":       {fits: arnLike}, // the two are the same
	"ArnLike":         {fits: arnLike},
	"Bool":            {fits: strings.EqualFold},
	"NumericLessThan": {fits: func(want, got string) bool {
		limit, err1 := strconv.ParseFloat(want, 64)
		value, err2 := strconv.ParseFloat(got, 64)
		return err1 == nil && err2 == nil && value < limit
	}},
}

func (c Condition) met(context map[string]string) bool {
	op := operators[c.Operator]
	got, given := context[c.Key]
	fits := given && slices.ContainsFunc(c.Values, func(want string) bool { return op.fits(want, got) })
	return fits != op.negated
}

// arnLike compares part by part. A * does not match a colon, except in the last part.
func arnLike(pattern, arn string) bool {
	const parts = 6
	p, a := strings.SplitN(pattern, ":", parts), strings.SplitN(arn, ":", parts)
	if len(p) != parts || len(a) != parts {
		return false
	}
	for i := range p {
		if !like(p[i], a[i], false) {
			return false
		}
	}
	return true
}

// like matches a string against a pattern. In it, * matches any characters and ? matches one.
func like(pattern, text string, fold bool) bool {
	if fold {
		pattern, text = strings.ToLower(pattern), strings.ToLower(text)
	}
	star, back := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
