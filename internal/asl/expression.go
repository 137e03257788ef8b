package asl

import (
	"fmt"
	"regexp"
	"strings"
)

// Tokens of JSONata that can be left open, and words.
var (
	aLiteral = regexp.MustCompile("^(?s:\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`)")
	aComment = regexp.MustCompile(`^(?s:/\*.*?\*/)`)
	aWord    = regexp.MustCompile(`^[\pL\pN_$]+`)
	infixes  = map[string]bool{"and": true, "or": true, "in": true}
	closes   = map[byte]byte{'(': ')', '[': ']', '{': '}'}
)

// unreadable says why Step Functions cannot read a JSONata expression, or "". It looks for what is left open, for what closes
// nothing, and for an end where a value must follow. It does not know the rest of the language.
func unreadable(text string) string {
	var open []byte
	value := true // a value is to follow: a slash begins a regular expression
	last := ""
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest[len(last):]) {
		c := rest[0]
		last = rest[:1]
		switch {
		case strings.HasPrefix(rest, "/*"):
			if last = aComment.FindString(rest); last == "" {
				return "a comment that is not closed: add */"
			}
		case strings.IndexByte("\"'`", c) >= 0:
			if last = aLiteral.FindString(rest); last == "" {
				return fmt.Sprintf("a %c that is not closed: add another one", c)
			}
			value = false
		case c == '/' && value:
			if last = regularExpression(rest); last == "" {
				return "a regular expression that is not closed: add a /"
			}
			value = false
		case closes[c] != 0:
			open, value = append(open, c), true
		case strings.IndexByte(")]}", c) >= 0:
			if len(open) == 0 || closes[open[len(open)-1]] != c {
				return fmt.Sprintf("a %c that closes nothing: remove it, or open it", c)
			}
			open, value = open[:len(open)-1], false
		case strings.HasPrefix(rest, "**"):
			last, value = "**", false
		case c == '*' || c == '%': // a wildcard or the parent, or an operator
			value = !value
		default:
			if word := aWord.FindString(rest); word != "" {
				last, value = word, !value && infixes[word]
			} else {
				value = true
			}
		}
	}
	switch {
	case len(open) > 0:
		return fmt.Sprintf("a %c that is not closed: add %c", open[len(open)-1], closes[open[len(open)-1]])
	case last == "":
		return "nothing between {% and %}: write an expression"
	case value && strings.Contains(".,:=+-/&<>~?@#;", last):
		return fmt.Sprintf("nothing behind its last %s: add what follows, or remove it", last)
	}
	return ""
}

// regularExpression is that at the beginning of a text, or "". As in JSONata, a slash within brackets does not end it.
func regularExpression(text string) string {
	depth := 0
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '/':
			if depth == 0 {
				return text[:i+1]
			}
		}
	}
	return ""
}
