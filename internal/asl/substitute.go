package asl

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// placeholder is what looks like one of CloudFormation's DefinitionSubstitutions, or like a reference in Fn::Sub:
// ${name}, ${my-bucket}, ${Table.Arn}, ${AWS::Partition}. Text such as ${a: b}, which JSONata may have, and CDK's
// ${Token[…]} do not.
var placeholder = regexp.MustCompile(`\$\{[A-Za-z0-9_-]+((\.|::)[A-Za-z0-9_-]+)*\}`)

// token is CDK's placeholder for a value that is known later.
var token = regexp.MustCompile(`\$\{Token\[[^\]]*\]\}`)

// unusable stands for a placeholder whose value was reported.
const unusable = Raw("null")

// bare begins a string that was a placeholder without quotes, as in "Seconds": ${n}. No JSON string begins with it.
const bare = "\x00"

// quoteBare puts quotes around placeholders that have none, which makes the text valid JSON.
func quoteBare(text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	var b strings.Builder
	inString := false
	for i := 0; i < len(text); i++ {
		switch {
		case inString && text[i] == '\\' && i+1 < len(text):
			b.WriteByte(text[i])
			i++
		case text[i] == '"':
			inString = !inString
		case !inString && strings.HasPrefix(text[i:], "${"):
			if end := strings.IndexAny(text[i:], "}\"\n"); end > 0 && text[i+end] == '}' {
				b.WriteString(`"\u0000` + strings.ReplaceAll(text[i:i+end+1], `\`, `\\`) + `"`)
				i += end
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// substitution replaces placeholders with values.
type substitution struct {
	values  map[string]string
	given   *regexp.Regexp // the placeholders of values; nil: there are none
	used    map[string]bool
	missing map[string]string // where the first placeholder without a value is
	faults  []error
}

// substitute replaces the placeholders in every string of the document, names of members included. It does not replace
// placeholders in values. It returns the substitutions that no placeholder uses.
func substitute(doc *Object, values map[string]string) (unused []string, errs []error) {
	s := &substitution{values: values, used: map[string]bool{}, missing: map[string]string{}}
	if names := slices.Sorted(maps.Keys(values)); len(names) > 0 {
		for i := range names {
			names[i] = regexp.QuoteMeta(names[i])
		}
		s.given = regexp.MustCompile(`\$\{(?:` + strings.Join(names, "|") + `)\}`)
	}
	s.walk(doc, nil)
	errs = s.faults
	for _, found := range slices.Sorted(maps.Keys(s.missing)) {
		name := found[2 : len(found)-1]
		errs = append(errs, fmt.Errorf("has no substitution for %s in %s: add %q to Substitutions",
			found, s.missing[found], name))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !s.used[name] {
			unused = append(unused, name)
		}
	}
	return unused, errs
}

func (s *substitution) walk(v any, path []string) any {
	switch v := v.(type) {
	case string:
		if found, ok := strings.CutPrefix(v, bare); ok {
			return s.unquoted(found, path)
		}
		return s.replace(v, path)
	case []any:
		for i := range v {
			v[i] = s.walk(v[i], append(path, fmt.Sprint(i)))
		}
	case *Object:
		for _, key := range slices.Clone(v.keys) {
			inner := append(path, key)
			name, value := s.replace(strings.TrimPrefix(key, bare), inner), s.walk(v.values[key], inner)
			switch {
			case name == key:
				v.Set(key, value)
			case v.Has(name):
				s.faults = append(s.faults, fmt.Errorf("has the name %q twice in %s, with its substitution: rename one",
					name, at(path)))
			default:
				v.rename(key, name, value)
			}
		}
	}
	return v
}

// unquoted is the value of a placeholder without quotes: JSON, or a token that becomes JSON.
func (s *substitution) unquoted(found string, path []string) any {
	value := s.replace(found, path)
	if value == found && placeholder.MatchString(found) { // it has no value, which is reported
		return unusable
	}
	if token.MatchString(value) && json.Valid([]byte(token.ReplaceAllString(value, "0"))) {
		return Raw(value)
	}
	if value == found {
		s.faults = append(s.faults, fmt.Errorf("has %s without quotes in %s, which is not JSON: put quotes around it",
			found, at(path)))
		return unusable
	}
	if json.Valid([]byte(value)) {
		if v, err := decode(value); err == nil {
			return v
		}
	}
	s.faults = append(s.faults, fmt.Errorf("has %s without quotes in %s, and its substitution %q is not JSON: put quotes "+
		"around %s", found, at(path), value, found))
	return unusable
}

func (s *substitution) replace(text string, path []string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	// What is left is looked for beside the values, not in them.
	var b strings.Builder
	for rest := text; ; {
		begin, end := len(rest), len(rest)
		if s.given != nil {
			if at := s.given.FindStringIndex(rest); at != nil {
				begin, end = at[0], at[1]
			}
		}
		for _, left := range placeholder.FindAllString(rest[:begin], -1) {
			if s.missing[left] == "" {
				s.missing[left] = at(path)
			}
		}
		b.WriteString(rest[:begin])
		if begin == len(rest) {
			return b.String()
		}
		name := rest[begin+2 : end-1]
		s.used[name] = true
		b.WriteString(s.values[name])
		rest = rest[end:]
	}
}
