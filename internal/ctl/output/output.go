// Package output writes what a command found out: tables for people, JSON for programs.
package output

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"
)

// Format is how data is written.
type Format string

// Formats.
const (
	Table Format = "table" // for people; may change
	JSON  Format = "json"  // one document, with the API's field names
	Lines Format = "jsonl" // one document a line: lists as they come, page by page
)

// Formats lists them for help and completion.
func Formats() []string { return []string{string(Table), string(JSON), string(Lines)} }

// Printer writes data.
type Printer struct {
	Out    io.Writer
	Format Format
	Color  bool
	Width  int            // columns of the terminal, 0: no terminal, nothing is shortened
	Zone   *time.Location // of times in tables; default: time.Local. JSON has UTC, as the API does
}

// Value writes one thing. text writes it for people.
func (p *Printer) Value(v any, text func(io.Writer) error) error {
	if p.Format == Table {
		return text(p.Out)
	}
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	if p.Format == JSON {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}

// List writes entries as they come, and keeps none of them: {"<name>": [...]}, a line each, or a table. What it wrote
// before an error stays. It returns how many there were.
func List[T any](p *Printer, name string, columns []Column[T], entries iter.Seq2[T, error]) (n int, err error) {
	switch p.Format {
	case Lines:
		return p.lines(untyped(entries))
	case JSON:
		return p.document(name, untyped(entries))
	default:
		return table(p, columns, entries)
	}
}

func untyped[T any](entries iter.Seq2[T, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		entries(func(e T, err error) bool { return yield(e, err) })
	}
}

func (p *Printer) lines(entries iter.Seq2[any, error]) (n int, err error) {
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	for e, err := range entries {
		if err != nil {
			return n, err
		}
		if err := enc.Encode(e); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// document closes the array after an error too: what came before it is still JSON.
func (p *Printer) document(name string, entries iter.Seq2[any, error]) (n int, err error) {
	if _, err := fmt.Fprintf(p.Out, "{\n  %q: [", name); err != nil {
		return 0, err
	}
	var failed error
	for e, err := range entries {
		if err != nil {
			failed = err
			break
		}
		b, err := marshal(e)
		if err != nil {
			return n, err
		}
		comma := ","
		if n == 0 {
			comma = ""
		}
		if _, err := fmt.Fprintf(p.Out, "%s\n    %s", comma, b); err != nil {
			return n, err
		}
		n++
	}
	end := "\n  ]\n}\n"
	if n == 0 {
		end = "]\n}\n"
	}
	if _, err := io.WriteString(p.Out, end); err != nil {
		return n, err
	}
	return n, failed
}
