package filter

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted parses a string in single or double quotes.
func (p *parser) quoted() string {
	quote := p.next()
	p.want(quote)
	var b strings.Builder
	for {
		c := p.next()
		switch {
		case c == "":
			p.fail("the string has no closing %s", quote)
		case c < " ":
			p.fail("a string must have control characters as escapes, got %q", c)
		}
		p.at += len(c)
		switch c {
		case quote:
			return b.String()
		case `\`:
			p.escape(&b, quote)
		default:
			b.WriteString(c)
		}
	}
}

var escapes = map[string]byte{"b": '\b', "f": '\f', "n": '\n', "r": '\r', "t": '\t', "/": '/', `\`: '\\'}

func (p *parser) escape(b *strings.Builder, quote string) {
	if p.take(quote) {
		b.WriteString(quote)
		return
	}
	if c, known := escapes[p.next()]; known {
		p.at++
		b.WriteByte(c)
		return
	}
	r := p.unicode()
	if utf16.IsSurrogate(r) {
		p.want(`\`)
		if r = utf16.DecodeRune(r, p.unicode()); r == utf8.RuneError {
			p.fail("a surrogate must be followed by the one that goes with it")
		}
	}
	b.WriteRune(r)
}

var hex = regexp.MustCompile(`^u[0-9A-Fa-f]{4}`)

func (p *parser) unicode() rune {
	text, found := p.find(hex)
	if !found {
		p.fail(`want an escape of JSON after \, got %q`, p.next())
	}
	n, err := strconv.ParseUint(text[1:], 16, 16)
	if err != nil {
		p.fail("%v", err)
	}
	return rune(n)
}
