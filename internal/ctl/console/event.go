package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/ctl/delta"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
)

// eventText shows an event as the payload mode says: not at all, its structure, or all of it, with members in their own
// order.
func (c *Console) eventText(doc []byte) (string, error) {
	switch c.o.Payloads {
	case PayloadsNone:
		return "", nil
	case PayloadsMasked:
		doc = mask(doc)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(doc), "", "  "); err != nil {
		return "", fmt.Errorf("the event is not valid JSON: %w", err)
	}
	return output.PrintableJSON(b.String()), nil
}

// mask replaces each value by its type. It keeps names and their order.
func mask(doc []byte) []byte {
	var b bytes.Buffer
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	maskValue(dec, &b)
	return b.Bytes()
}

// maskValue masks the next value. The rest of an invalid document is left out, so json.Indent refuses it.
func maskValue(dec *json.Decoder, b *bytes.Buffer) {
	t, err := dec.Token()
	if err != nil {
		return
	}
	d, is := t.(json.Delim)
	if !is {
		b.WriteString(kind(t))
		return
	}
	b.WriteString(d.String())
	for n := 0; dec.More(); n++ {
		if n > 0 {
			b.WriteByte(',')
		}
		if d == '{' {
			name, err := dec.Token()
			if err != nil {
				return
			}
			quoted, err := json.Marshal(name)
			if err != nil {
				return
			}
			b.Write(quoted)
			b.WriteByte(':')
		}
		before := dec.InputOffset()
		maskValue(dec, b)
		if dec.InputOffset() == before { // not valid JSON
			return
		}
	}
	if end, err := dec.Token(); err == nil {
		b.WriteString(text(end))
	}
}

func kind(t json.Token) string {
	switch t.(type) {
	case string:
		return `"(string)"`
	case json.Number:
		return `"(number)"`
	case bool:
		return `"(boolean)"`
	default:
		return "null"
	}
}

// changed is one difference between two documents. Before and After are absent if the mode hides values.
type changed struct {
	Sign   string // added, removed or replaced
	Path   string
	Before string
	After  string
}

// maxChanges is how many changes a page shows.
const maxChanges = 200

// compare returns the changes from one event to another, at most maxChanges, and their number.
func (c *Console) compare(before, after []byte) (all []changed, n int, err error) {
	ops, err := delta.Compare(before, after)
	if err != nil {
		return nil, 0, err
	}
	return c.changes(ops)
}

// changes reads operations, each after a test of the old value.
func (c *Console) changes(ops []delta.Op) (all []changed, n int, err error) {
	var old json.RawMessage
	for _, op := range ops {
		if op.Op == "test" {
			old = op.Value
			continue
		}
		if n++; n <= maxChanges {
			all = append(all, changed{
				Sign: op.Op, Path: op.Path, Before: c.valueText(old), After: c.valueText(op.Value),
			})
		}
		old = nil
	}
	return all, n, nil
}

// valueText shows a part of an event, as the payload mode says.
func (c *Console) valueText(v json.RawMessage) string {
	if v == nil || c.o.Payloads == PayloadsNone {
		return ""
	}
	if c.o.Payloads == PayloadsMasked {
		v = mask(v)
	}
	var b bytes.Buffer
	if len(v) > 60 && json.Indent(&b, v, "", "  ") == nil {
		v = b.Bytes()
	}
	return output.PrintableJSON(strings.TrimSpace(string(v)))
}

// diffOf reads the diff of a plan's item.
func (c *Console) diffOf(raw json.RawMessage) (all []changed, err error) {
	var ops []delta.Op
	if err := json.Unmarshal(raw, &ops); err != nil {
		return nil, fmt.Errorf("read a diff: %w", err)
	}
	all, _, err = c.changes(ops)
	return all, err
}
