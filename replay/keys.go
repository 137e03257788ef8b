package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// CheckKeys reports the first member that an object of a JSON document has twice, by its path. Parsers do not agree on
// which of the two counts. Of a text that is not JSON it reports nothing.
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

func repeated(doc []byte) string {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var in []*level
	for {
		token, err := dec.Token()
		if err != nil {
			return ""
		}
		var at *level
		if len(in) > 0 {
			at = in[len(in)-1]
		}
		switch delim, is := token.(json.Delim); {
		case is && (delim == '}' || delim == ']'):
			if in = in[:len(in)-1]; len(in) > 0 {
				in[len(in)-1].done()
			}
		case is:
			next := &level{}
			if at != nil {
				next.prefix = at.path()
			}
			if delim == '{' {
				next.seen = map[string]bool{}
			}
			in = append(in, next)
		case at != nil && at.seen != nil && !at.named:
			if at.name, at.named = fmt.Sprint(token), true; at.name == "" {
				at.name = `""`
			}
			if at.seen[at.name] {
				return at.path()
			}
			at.seen[at.name] = true
		case at != nil:
			at.done()
		}
	}
}
