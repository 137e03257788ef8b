package smoke

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ce873799/replayable-ingestion/replay"
)

// listing is an event in the example's format that enrichment accepts, with the fields of extra.
func listing(id, owner string, extra map[string]json.RawMessage) []byte {
	event := map[string]any{
		"eventType":  "ListingSold",
		"occurredAt": "2015-05-27T00:00:00Z",
		"listing": map[string]any{
			"id": id, "agencyId": owner,
			"priceUsd": 310000, "livingAreaSqft": 1010, "yearBuilt": 2009, "waterfront": false,
			"address": map[string]any{"zipcode": "98144"},
		},
	}
	for k, v := range extra {
		event[k] = v
	}
	return compact(event)
}

// badListing is an event with a usable id that enrichment always rejects. secret is a string that must not leave it.
func badListing(id, owner, secret string) []byte {
	return compact(map[string]any{
		"note":    secret,
		"listing": map[string]any{"id": id, "agencyId": owner, "priceUsd": -1, "livingAreaSqft": 0},
	})
}

// sized is a listing of exactly n bytes.
func sized(id, owner string, n int) ([]byte, error) {
	pad := func(size int) []byte {
		return listing(id, owner, map[string]json.RawMessage{
			"remarks": json.RawMessage(`"` + strings.Repeat("x", size) + `"`),
		})
	}
	missing := n - len(pad(0))
	if missing < 0 {
		return nil, fmt.Errorf("a listing has more than %d bytes", n)
	}
	return pad(missing), nil
}

// tooLarge is one byte over the limit of a workflow.
const tooLarge = replay.MaxEventBytes + 1

func compact(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // maps of strings and numbers always encode
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
