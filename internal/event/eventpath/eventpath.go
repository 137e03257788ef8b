// Package eventpath reads one value from an event by its RFC 9535 JSONPath.
//
// The construct rejects an invalid path at synthesis, and the functions evaluate the same path at run time. A path is a
// singular query whose meaning does not depend on the rest of the document: the root, member names, and array indexes
// counted from the front.
package eventpath

import (
	"errors"
	"fmt"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/spec"
)

// ErrPath is wrapped by every error of Parse.
var ErrPath = errors.New("not a path")

const want = "want the root $ followed by member names and indexes only, such as $.order.id or $['order-id'] or $.ids[0]"

// Path is a parsed singular query. The zero Path selects the document itself.
type Path struct {
	text  string
	steps []any // string: member name; int: index
}

// Parse reads a path such as $.listing.id, $['listing']['id'] or $.ids[0]. It rejects everything that could select more
// than one value, or another value when the event grows: wildcards, slices, filters, descendants, unions, negative
// indexes, and paths that do not begin at the root. Every error wraps ErrPath.
func Parse(path string) (Path, error) {
	parsed, err := jsonpath.Parse(path)
	if err != nil {
		return Path{}, fmt.Errorf("%w: %q: %s: %w", ErrPath, path, want, err)
	}
	p := Path{text: path}
	for _, segment := range parsed.Query().Segments() {
		step, ok := singular(segment)
		if !ok {
			return Path{}, fmt.Errorf("%w: %q: %s: %s may select several values, or another one when the event grows",
				ErrPath, path, want, segment)
		}
		p.steps = append(p.steps, step)
	}
	return p, nil
}

// singular returns the name or index that a segment selects, if that is one member or one index from the front (RFC
// 9535, 2.3.5.1).
func singular(segment *spec.Segment) (any, bool) {
	if segment.IsDescendant() || len(segment.Selectors()) != 1 {
		return nil, false
	}
	switch s := segment.Selectors()[0].(type) {
	case spec.Name:
		return string(s), true
	case spec.Index:
		return int(s), s >= 0
	}
	return nil, false
}

// String returns the path as it was given to Parse.
func (p Path) String() string {
	if p.text == "" {
		return "$"
	}
	return p.text
}

// Find returns the value that the path selects in doc, and whether there is one. JSON null is a value. doc is as
// encoding/json decodes it into an any: objects are map[string]any, arrays []any.
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
