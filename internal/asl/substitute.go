package asl

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// placeholder is ${name}, as in CloudFormation's DefinitionSubstitutions. Text such as ${a: b}, which JSONata may
// have, and CDK's ${Token[…]} are none.
var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_]+)\}`)

// substitution puts values in the place of placeholders.
type substitution struct {
	values  map[string]string
	used    map[string]bool
	missing map[string]string // where the first placeholder without a value is
	twice   []error
}

// substitute replaces the placeholders in every string of the document, names of members included. Values are put in
// once: a placeholder in a value stays.
func substitute(doc any, values map[string]string) (any, []error) {
	s := &substitution{values: values, used: map[string]bool{}, missing: map[string]string{}}
	doc = s.walk(doc, nil)
	errs := s.twice
	for _, name := range slices.Sorted(maps.Keys(s.missing)) {
		errs = append(errs, fmt.Errorf("has no substitution for ${%s} in %s: add it to Substitutions", name, s.missing[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !s.used[name] {
			errs = append(errs, fmt.Errorf("has no placeholder ${%s}: use it, or take %s out of Substitutions", name, name))
		}
	}
	return doc, errs
}

func (s *substitution) walk(v any, path []string) any {
	switch v := v.(type) {
	case string:
		return s.replace(v, path)
	case []any:
		for i := range v {
			v[i] = s.walk(v[i], append(path, fmt.Sprint(i)))
		}
	case *Object:
		for _, key := range slices.Clone(v.keys) {
			inner := append(path, key)
			name, value := s.replace(key, inner), s.walk(v.values[key], inner)
			switch {
			case name == key:
				v.Set(key, value)
			case v.Has(name):
				s.twice = append(s.twice, fmt.Errorf("has the name %q twice in %s, with its substitution: rename one", name, at(path)))
			default:
				v.rename(key, name, value)
			}
		}
	}
	return v
}

func (s *substitution) replace(text string, path []string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(match string) string {
		name := match[2 : len(match)-1]
		value, known := s.values[name]
		if !known {
			if s.missing[name] == "" {
				s.missing[name] = at(path)
			}
			return match
		}
		s.used[name] = true
		return value
	})
}
