// Package eventpath reads one value from an event by its RFC 9535 JSONPath.
//
// The construct refuses a bad path at synth time and the functions evaluate the same path at run time, so that what
// was accepted is what runs. Only singular queries whose meaning does not depend on the rest of the document are
// paths here: the root, member names and array indexes counted from the front.
package eventpath

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/ohler55/ojg/jp"
)

// ErrPath is what every error of Parse wraps.
var ErrPath = errors.New("not a path")

// singular is the grammar of RFC 9535 section 2.3.5.1 without negative indexes. The parser behind Parse reads more
// than the RFC allows ("$.1a", "$.a[01]") and drops what it does not read ("$.a$"); what it is given must be right.
var singular = regexp.MustCompile(`^\$(` +
	`\s*\.[A-Za-z_\x{80}-\x{10FFFF}][0-9A-Za-z_\x{80}-\x{10FFFF}]*` + // .name
	`|\s*\[\s*'(?:[^'\\\x00-\x1f]|\\(?:[bfnrt/\\']|u[0-9A-Fa-f]{4}))*'\s*\]` + // ['name']
	`|\s*\[\s*"(?:[^"\\\x00-\x1f]|\\(?:[bfnrt/\\"]|u[0-9A-Fa-f]{4}))*"\s*\]` + // ["name"]
	`|\s*\[\s*(?:0|[1-9][0-9]{0,8})\s*\]` + // [0]
	`)*$`)

// Path is a parsed singular query. The zero Path selects the document itself.
type Path struct {
	text  string
	steps []any // string: member name; int: index
}

// Parse reads a path such as $.listing.id, $['listing']['id'] or $.ids[0]. It refuses everything that could select
// more than one value, or a different one when the event grows: wildcards, slices, filters, descendants, unions,
// negative indexes, and paths that do not begin at the root. Errors are ErrPath.
func Parse(path string) (Path, error) {
	if !singular.MatchString(path) {
		return Path{}, fmt.Errorf("%w: %q: want the root $ followed by member names and indexes only, "+
			"such as $.order.id or $['order-id'] or $.ids[0]", ErrPath, path)
	}
	expr, err := jp.ParseString(compact(path))
	if err != nil {
		return Path{}, fmt.Errorf("%w: %q: %w", ErrPath, path, err)
	}
	p := Path{text: path}
	for _, f := range expr {
		switch f := f.(type) {
		case jp.Root:
		case jp.Child:
			p.steps = append(p.steps, string(f))
		case jp.Nth:
			p.steps = append(p.steps, int(f))
		default:
			return Path{}, fmt.Errorf("%w: %q: %T is not a member name or an index", ErrPath, path, f)
		}
	}
	return p, nil
}

// blank finds the white space that the RFC allows between segments; quoted names keep theirs.
var blank = regexp.MustCompile(`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\s+`)

func compact(path string) string {
	return blank.ReplaceAllStringFunc(path, func(s string) string {
		if s[0] == '\'' || s[0] == '"' {
			return s
		}
		return ""
	})
}

// String returns the path as it was given to Parse.
func (p Path) String() string {
	if p.text == "" {
		return "$"
	}
	return p.text
}

// Find returns the value that the path selects in doc, and whether there is one; JSON null is a value. doc is what
// encoding/json decodes into an any: objects are map[string]any, arrays []any.
func (p Path) Find(doc any) (any, bool) {
	for _, step := range p.steps {
		switch step := step.(type) {
		case string:
			object, ok := doc.(map[string]any)
			if !ok {
				return nil, false
			}
			if doc, ok = object[step]; !ok {
				return nil, false
			}
		case int:
			array, ok := doc.([]any)
			if !ok || step >= len(array) {
				return nil, false
			}
			doc = array[step]
		}
	}
	return doc, true
}
