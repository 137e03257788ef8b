package domain

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// valid is what Step Functions and CloudWatch Logs both accept.
var valid = regexp.MustCompile(`^[0-9A-Za-z_-]{1,80}$`)

func TestNamesAreValidAndDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, n := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b"), rapid.IntRange(0, 2000).Draw(t, "n")
		name := APIName(a, b, n)
		if !valid.MatchString(name) || !valid.MatchString(AutoName(a, n)) {
			t.Errorf("%q or %q is no execution name", name, AutoName(a, n))
		}
		if APIName(a, b, n) != name {
			t.Errorf("API(%q, %q, %d) differs between calls", a, b, n)
		}
		if other := APIName(a+b, "", n); b != "" && other == name {
			t.Errorf("moving text from one part to the other keeps the name %q", name)
		}
		if APIName(a, b, n+1) == name || AutoName(a, n) == AutoName(a, n+1) {
			t.Errorf("two ordinals share a name")
		}
	})
}
