// Package exact reads and writes JSON without changing what it says: numbers keep every digit, and <, > and & are not
// escaped.
package exact

import (
	"bytes"
	"encoding/json"
)

// Decode reads the first value of a document. Its numbers are json.Number.
func Decode(doc []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	err = dec.Decode(&v)
	return v, err
}

// Encode writes a value in one line, without a line break at its end.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
