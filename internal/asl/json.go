package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Object is a JSON object that keeps the order of its members. Values are *Object, []any, string, json.Number, bool,
// nil and Raw.
type Object struct {
	keys   []string
	values map[string]any
}

// Raw is JSON text that is written as it is.
type Raw string

// NewObject makes an object of a map, its members in the order of their names.
func NewObject(m map[string]any) *Object {
	o := &Object{values: map[string]any{}}
	for k, v := range m {
		o.keys = append(o.keys, k)
		o.values[k] = ordered(v)
	}
	slices.Sort(o.keys)
	return o
}

func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return NewObject(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = ordered(v[i])
		}
		return list
	case float64:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // only for NaN and infinities, which JSON cannot contain
		}
		return json.Number(b)
	}
	return v
}

// Keys returns the names of the members, in their order.
func (o *Object) Keys() []string { return o.keys }

// Get returns a member; nil if there is none, or if it is null.
func (o *Object) Get(key string) any { return o.values[key] }

// Has reports whether there is a member of that name, null included.
func (o *Object) Has(key string) bool {
	_, ok := o.values[key]
	return ok
}

// Set replaces a member, or adds it at the end.
func (o *Object) Set(key string, value any) {
	if !o.Has(key) {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

// setAfter adds a member behind another one.
func (o *Object) setAfter(other, key string, value any) {
	o.Delete(key)
	o.keys = slices.Insert(o.keys, slices.Index(o.keys, other)+1, key)
	o.values[key] = value
}

// rename gives a member another name and value in its place.
func (o *Object) rename(key, name string, value any) {
	i := slices.Index(o.keys, key)
	delete(o.values, key)
	o.keys[i], o.values[name] = name, value
}

// Delete removes a member, if it is there.
func (o *Object) Delete(key string) {
	if i := slices.Index(o.keys, key); i >= 0 {
		o.keys = slices.Delete(o.keys, i, i+1)
		delete(o.values, key)
	}
}

func (o *Object) text(key string) (string, bool) {
	s, ok := o.values[key].(string)
	return s, ok
}

// maxDepth is far beyond what Step Functions accepts.
const maxDepth = 500

// decode reads one JSON value. Numbers keep every digit. A duplicate name in an object is an error, because readers
// differ in which of the two they use.
func decode(text string) (any, error) {
	text = quoteBare(text)
	var raw json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil { // stricter than a Decoder's tokens
		line, column := position(text, err)
		return nil, fmt.Errorf("is not valid JSON at line %d, column %d: %w", line, column, err)
	}
	d := decoder{dec: json.NewDecoder(strings.NewReader(text))}
	d.dec.UseNumber()
	v, err := d.value(nil)
	if err != nil {
		return nil, err
	}
	return v, errors.Join(d.twice...)
}

type decoder struct {
	dec   *json.Decoder
	twice []error
}

func (d *decoder) value(path []string) (any, error) {
	if len(path) > maxDepth {
		return nil, fmt.Errorf("is nested more than %d deep: Step Functions takes no such definition", maxDepth)
	}
	token, err := d.dec.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return d.object(path)
	case json.Delim('['):
		return d.list(path)
	}
	return token, nil
}

func (d *decoder) object(path []string) (*Object, error) {
	o := &Object{values: map[string]any{}}
	for d.dec.More() {
		token, err := d.dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string) // the decoder accepts only strings as names
		v, err := d.value(append(path, key))
		if err != nil {
			return nil, err
		}
		if o.Has(key) {
			d.twice = append(d.twice, fmt.Errorf("has the name %q twice in %s: rename or remove one", key, at(path)))
		}
		o.Set(key, v)
	}
	return o, d.end()
}

func (d *decoder) list(path []string) ([]any, error) {
	list := []any{}
	for d.dec.More() {
		v, err := d.value(append(path, fmt.Sprint(len(list))))
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, d.end()
}

func (d *decoder) end() error {
	_, err := d.dec.Token()
	return err
}

func at(path []string) string {
	if len(path) == 0 {
		return "its top level"
	}
	return strings.Join(path, ".")
}

// position is where reading stopped.
func position(text string, err error) (line, column int) {
	read := text
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		read = text[:min(max(int(syntax.Offset)-1, 0), len(text))] // it counts the byte that is wrong
	}
	return strings.Count(read, "\n") + 1, len(read) - strings.LastIndex(read, "\n")
}

// Encode writes a value as compact JSON. text writes each string. If it is nil, strings are written as JSON.
func Encode(v any, text func(string) string) string { return encoded(v, text, nil) }

func encoded(v any, text func(string) string, raw func(Raw) string) string {
	if text == nil {
		text = Quote
	}
	var b strings.Builder
	encode(&b, v, text, raw)
	return b.String()
}

// Quote is a string as JSON, without the escapes that only HTML needs.
func Quote(s string) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(buf.String(), "\n")
}

func encode(b *strings.Builder, v any, text func(string) string, raw func(Raw) string) {
	switch v := v.(type) {
	case *Object:
		for i, k := range v.keys {
			b.WriteString(comma("{", i) + Quote(k) + ":")
			encode(b, v.values[k], text, raw)
		}
		b.WriteString(ending("{", len(v.keys)) + "}")
	case []any:
		for i, e := range v {
			b.WriteString(comma("[", i))
			encode(b, e, text, raw)
		}
		b.WriteString(ending("[", len(v)) + "]")
	case string:
		b.WriteString(text(v))
	case json.Number:
		b.WriteString(v.String())
	case Raw:
		if raw == nil {
			raw = func(s Raw) string { return string(s) }
		}
		b.WriteString(raw(v))
	case bool:
		fmt.Fprint(b, v)
	case nil:
		b.WriteString("null")
	default:
		panic(fmt.Sprintf("asl: not a JSON value: %T", v))
	}
}

func comma(open string, i int) string {
	if i == 0 {
		return open
	}
	return ","
}

// ending writes the opening bracket of an object or array without members.
func ending(open string, n int) string {
	if n == 0 {
		return open
	}
	return ""
}
