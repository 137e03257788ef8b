package openapi

import (
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
)

// unnamed lists the paths of a value's fields that none of its schemas names. An object of which they name no field may
// have any: an event, a patch.
func unnamed(schemas []*openapi3.SchemaRef, value any, at string) (paths []string) {
	schemas = alternatives(schemas)
	switch v := value.(type) {
	case []any:
		var items []*openapi3.SchemaRef
		for _, s := range schemas {
			if s.Value.Items != nil {
				items = append(items, s.Value.Items)
			}
		}
		for i, element := range v {
			paths = append(paths, unnamed(items, element, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		closed := false
		for _, s := range schemas {
			closed = closed || len(s.Value.Properties) > 0
		}
		for name, field := range v {
			var named []*openapi3.SchemaRef
			for _, s := range schemas {
				if p := s.Value.Properties[name]; p != nil {
					named = append(named, p)
				}
			}
			if closed && len(named) == 0 {
				paths = append(paths, at+"."+name)
			}
			paths = append(paths, unnamed(named, field, at+"."+name)...)
		}
	}
	return paths
}

// alternatives adds to schemas those that they are made of.
func alternatives(schemas []*openapi3.SchemaRef) (all []*openapi3.SchemaRef) {
	for _, s := range schemas {
		all = append(all, s)
		for _, of := range []openapi3.SchemaRefs{s.Value.OneOf, s.Value.AnyOf, s.Value.AllOf} {
			all = append(all, alternatives(of)...)
		}
	}
	return all
}
