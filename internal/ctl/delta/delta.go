// Package delta tells what leads from one JSON document to another, for programs and for people.
package delta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/wI2L/jsondiff"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/internal/event/exact"
)

// Op is an operation of RFC 6902. A test with the value from before stands ahead of each replace and remove.
type Op struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// maxAligned bounds the arrays of which members are aligned: that takes time and memory in proportion to the product of
// their lengths. Longer ones are compared by position.
const maxAligned = 2_000

// Compare returns the operations that lead from one document to another. Numbers are compared by their text, and keep
// every digit. Positions in arrays are those of the moment at which an operation is applied, one after the other.
func Compare(before, after []byte) ([]Op, error) {
	from, err := exact.Decode(before)
	if err != nil {
		return nil, fmt.Errorf("the document before: is not valid JSON: %w", err)
	}
	to, err := exact.Decode(after)
	if err != nil {
		return nil, fmt.Errorf("the document after: is not valid JSON: %w", err)
	}
	options := []jsondiff.Option{jsondiff.Invertible()}
	if longest(from) <= maxAligned && longest(to) <= maxAligned {
		options = append(options, jsondiff.LCS())
	}
	patch, err := jsondiff.CompareWithoutMarshal(from, to, options...)
	if err != nil {
		return nil, fmt.Errorf("compare documents: %w", err)
	}
	ops := make([]Op, 0, len(patch))
	for _, p := range patch {
		op := Op{Op: p.Type, Path: p.Path}
		if p.Type != jsondiff.OperationRemove {
			if op.Value, err = exact.Encode(p.Value); err != nil {
				return nil, fmt.Errorf("encode a value: %w", err)
			}
		}
		if p.Type == jsondiff.OperationAdd && p.Path == "" { // documents of two kinds: the library adds over the root
			old, err := exact.Encode(from)
			if err != nil {
				return nil, fmt.Errorf("encode a value: %w", err)
			}
			op.Op = jsondiff.OperationReplace
			ops = append(ops, Op{Op: jsondiff.OperationTest, Value: old})
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// longest returns the length of the longest array in a document.
func longest(v any) (n int) {
	switch v := v.(type) {
	case []any:
		n = len(v)
		for _, e := range v {
			n = max(n, longest(e))
		}
	case map[string]any:
		for _, e := range v {
			n = max(n, longest(e))
		}
	}
	return n
}

// Write shows operations to people: a line each, or, where a value does not fit in one, the path and under it what was
// there and what is there now.
func Write(w io.Writer, p *output.Printer, ops []Op) error {
	var old json.RawMessage
	for _, op := range ops {
		if op.Op == jsondiff.OperationTest {
			old = op.Value
			continue
		}
		if _, err := io.WriteString(w, strings.Join(lines(p, op, old), "\n")+"\n"); err != nil {
			return err
		}
		old = nil
	}
	return nil
}

// maxInline is the longest value that is shown beside its path.
const maxInline = 60

func lines(p *output.Printer, op Op, old json.RawMessage) []string {
	sign, color := "~", output.Yellow
	switch op.Op {
	case jsondiff.OperationAdd:
		sign, color = "+", output.Green
	case jsondiff.OperationRemove:
		sign, color = "-", output.Red
	}
	path := output.Printable(op.Path)
	if path == "" {
		path = "(everything)"
	}
	if len(old) <= maxInline && len(op.Value) <= maxInline {
		var values []string
		for _, v := range []json.RawMessage{old, op.Value} {
			if v != nil {
				values = append(values, output.PrintableJSON(string(v)))
			}
		}
		return []string{p.Paint(color, sign+" "+path+"  "+strings.Join(values, " → "))}
	}
	all := []string{p.Paint(color, sign+" "+path)}
	if old != nil {
		all = append(all, indented(p, output.Red, "  - ", old)...)
	}
	if op.Value != nil {
		all = append(all, indented(p, output.Green, "  + ", op.Value)...)
	}
	return all
}

// indented shows a value over as many lines as it takes.
func indented(p *output.Printer, c output.Color, sign string, value json.RawMessage) (all []string) {
	var b bytes.Buffer
	if err := json.Indent(&b, value, "", "  "); err != nil {
		b.Reset()
		b.Write(value)
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		all = append(all, p.Paint(c, sign+output.PrintableJSON(line)))
	}
	return all
}
