package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CheckKeys reports the first member that an object of a JSON document has twice, by its path. Parsers do not agree on
// which of the two counts. It reports nothing for a string that is not JSON.
func CheckKeys(doc []byte) error {
	if path := repeated(doc); path != "" {
		return fmt.Errorf("%s is given twice: leave one out", Shorten(path))
	}
	return nil
}

// level is an object or an array that a document is in.
type level struct {
	prefix string          // of the paths in it
	seen   map[string]bool // names of an object; nil for an array
	next   int             // index in an array
	name   string          // the member whose value comes next; empty where a name comes next
	named  bool
}

// path is that of the value that comes next.
func (l *level) path() string {
	if l.seen == nil {
		return l.prefix + "[" + strconv.Itoa(l.next) + "]"
	}
	if l.prefix == "" {
		return l.name
	}
	return l.prefix + "." + l.name
}

// done is called after a value.
func (l *level) done() { l.named, l.next = false, l.next+1 }

// CheckText reports the first string of a JSON document that is not valid Unicode, by its path: one with bytes that are
// not UTF-8, or with half of a surrogate pair, such as \ud83d alone. Parsers read U+FFFD in its place, and what was
// meant is lost. It reports nothing for a string that is not JSON.
func CheckText(doc []byte) error {
	if path, detail := unreadable(doc); detail != "" {
		return fmt.Errorf("%s %s", Shorten(path), detail)
	}
	return nil
}

// unreadable finds what CheckText reports, and says what is wrong with it.
func unreadable(doc []byte) (path, detail string) {
	walk(doc, func(t token) bool {
		switch {
		case !utf8.Valid(t.raw):
			path, detail = t.path, "has bytes that are not UTF-8: convert the text to UTF-8"
		case strings.ContainsRune(t.text, utf8.RuneError) && !written(t):
			path, detail = t.path, "has half of a surrogate pair, which is not a character: write both halves, or neither"
		}
		return detail == ""
	})
	return strings.ToValidUTF8(path, "\uFFFD"), detail
}

// written reports whether each U+FFFD of a string is in the document too, as it is or as an escape.
func written(t token) bool {
	raw := strings.ToLower(string(t.raw))
	return strings.Count(t.text, "\uFFFD") <= strings.Count(raw, "\uFFFD")+strings.Count(raw, `\ufffd`)
}

// repeated is the path of the first member that an object has twice; empty if there is none.
func repeated(doc []byte) (path string) {
	walk(doc, func(t token) bool {
		if t.twice {
			path = t.path
		}
		return !t.twice
	})
	return path
}

// token is a name or a value of a document.
type token struct {
	path  string
	text  string // of a name or a string
	raw   []byte // as the document has it, with what parts it from the one before
	twice bool   // a name that its object has already
}

// walk goes through the names and values of a document until see returns false.
func walk(doc []byte, see func(token) bool) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var in []*level
	for from := int64(0); ; from = dec.InputOffset() {
		next, err := dec.Token()
		if err != nil {
			return
		}
		var at *level
		if len(in) > 0 {
			at = in[len(in)-1]
		}
		switch delim, is := next.(json.Delim); {
		case is && (delim == '}' || delim == ']'):
			if in = in[:len(in)-1]; len(in) > 0 {
				in[len(in)-1].done()
			}
			continue
		case is:
			inner := &level{}
			if at != nil {
				inner.prefix = at.path()
			}
			if delim == '{' {
				inner.seen = map[string]bool{}
			}
			in = append(in, inner)
			continue
		}
		t := token{path: "the text", raw: doc[from:dec.InputOffset()]}
		t.text, _ = next.(string)
		switch {
		case at == nil:
		case at.seen != nil && !at.named:
			if at.name, at.named = t.text, true; at.name == "" {
				at.name = `""`
			}
			t.path, t.twice = at.path(), at.seen[at.name]
			at.seen[at.name] = true
		default:
			t.path = at.path()
			at.done()
		}
		if !see(t) {
			return
		}
	}
}
