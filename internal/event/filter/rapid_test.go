package filter

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/theory/jsonpath"
	"pgregory.net/rapid"
)

// On numbers that a float64 holds, the filter agrees with github.com/theory/jsonpath, except where the library differs
// from the RFC. For the library, $.absent1 <= $.absent2 is false and $.obj > $.arr is true (table 11 says the
// opposite). Its match anchors only the ends of "a|b".
func TestFiltersAgreeWithALibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, event := expression(t, 2), document(t, 3)
		var doc any
		if err := json.Unmarshal([]byte(event), &doc); err != nil {
			t.Fatal(err)
		}
		oracle, err := jsonpath.Parse("$[?" + text + "]")
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want := len(oracle.Select([]any{doc})) == 1
		f, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, err := f.Match(t.Context(), []byte(event)); err != nil || got != want {
			t.Errorf("%s of %s: got %t, %v, the library says %t", text, event, got, err, want)
		}
	})
}

func one(t *rapid.T, of ...string) string { return rapid.SampledFrom(of).Draw(t, "one") }

func document(t *rapid.T, depth int) string {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		return one(t, "0", "1", "2", "-1", "1.5", `""`, `"a"`, `"ab"`, "true", "false", "null", "[]", "{}")
	}
	n := rapid.IntRange(0, 3).Draw(t, "members")
	parts := make([]string, n)
	if rapid.Bool().Draw(t, "array") {
		for i := range parts {
			parts[i] = document(t, depth-1)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	for i := range parts {
		parts[i] = fmt.Sprintf(`"%s":%s`, string("abc"[i]), document(t, depth-1))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func expression(t *rapid.T, depth int) string {
	if depth > 0 {
		switch rapid.IntRange(0, 4).Draw(t, "expression") {
		case 0:
			return expression(t, depth-1) + " && " + expression(t, depth-1)
		case 1:
			return expression(t, depth-1) + " || " + expression(t, depth-1)
		case 2:
			return one(t, "!", "") + "(" + expression(t, depth-1) + ")"
		}
	}
	switch rapid.IntRange(0, 4).Draw(t, "test") {
	case 0:
		return one(t, "!", "") + path(t, depth)
	case 1:
		return fmt.Sprintf("%s(%s, '%s')", one(t, "match", "search"), one(t, "@.a", "@[0]", "@.b.c", "'ab'"), one(t, "a", "a.", "^a$", "[ab]*", "(a|b)+", "."))
	case 2:
		return fmt.Sprintf("%s %s %s", number2(t, depth), one(t, "==", "!=", "<", ">"), number2(t, depth))
	case 3:
		return fmt.Sprintf("%s %s %s", singular(t), one(t, "<", ">"), one(t, "1", "1.5", "-1", "'a'"))
	default:
		return fmt.Sprintf("%s %s %s", singular(t), one(t, "==", "!="), one(t, "1", "1.5", "-1", "'a'", "true", "null", "@.b", "@[1]"))
	}
}

func number2(t *rapid.T, depth int) string {
	switch rapid.IntRange(0, 3).Draw(t, "value") {
	case 0:
		return "count(" + path(t, depth) + ")"
	case 1:
		return "length(" + singular(t) + ")"
	case 2:
		return "value(" + path(t, depth) + ")"
	default:
		return one(t, "0", "1", "2", "3")
	}
}

func singular(t *rapid.T) string {
	return "@" + strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{".a", ".b", "['c']", "[0]", "[1]", "[-1]"}), 0, 3).Draw(t, "singular"), "")
}

func path(t *rapid.T, depth int) string {
	p := "@"
	for range rapid.IntRange(0, 3).Draw(t, "segments") {
		if depth > 0 && rapid.IntRange(0, 3).Draw(t, "filter") == 0 {
			p += one(t, "..", "") + "[?" + expression(t, depth-1) + "]"
			continue
		}
		p += one(t, ".a", ".b", "..a", "..*", ".*", "[*]", "[0,1]", "['a',0]", "[-1]", "[1:]", "[::2]", "[::-1]", "[-2:3]", "[2:0:-1]", "..[0]")
	}
	return p
}
