package e2e

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// listing is an event of the example.
type listing struct {
	id    any // a text, or what is to be refused
	owner string
	price int            // 0: an ordinary one
	extra map[string]any // beside the listing
}

const (
	ordinary = 310_000
	costly   = 1_500_000 // premium
	bad      = -1        // no enrichment can help
)

func (l listing) json() string {
	if l.price == 0 {
		l.price = ordinary
	}
	event := map[string]any{
		"eventType":  "ListingSold",
		"occurredAt": "2015-05-27T00:00:00Z",
		"listing": map[string]any{
			"id": l.id, "agencyId": l.owner, "priceUsd": l.price, "livingAreaSqft": 1010, "yearBuilt": 2009,
			"waterfront": false, "address": map[string]any{"zipcode": "98144"},
		},
	}
	for k, v := range l.extra {
		event[k] = v
	}
	return compact(event)
}

// sized is the event with remarks that make it n bytes large.
func (l listing) sized(t *testing.T, n int) string {
	t.Helper()
	l.extra = map[string]any{"remarks": ""}
	missing := n - len(l.json())
	if missing < 0 {
		t.Fatalf("the event has more than %d bytes without remarks", n)
	}
	l.extra["remarks"] = strings.Repeat("x", missing)
	return l.json()
}

// compact encodes without white space and without escapes that JSON does not ask for.
func compact(v any) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // maps of texts and numbers always encode
	}
	return strings.TrimSuffix(buf.String(), "\n")
}
