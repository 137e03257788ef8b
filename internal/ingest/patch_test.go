package ingest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/event/transform"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestAPatchedEventStaysAnEventOfItsResource(t *testing.T) {
	reader, err := NewReader("$.id", "$.owner", 80)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, patch, want, fault string }{
		{"it is patched, and numbers keep their digits", `{"n":2}`, `{"id":"r1","price":1.10,"serial":12345678901234567890,"n":2}`, ""},
		{"another resource", `{"id":"r2"}`, "", `changes the resource id to "r2"`},
		{"no resource", `{"id":null}`, "", "nothing at $.id"},
		{"an owner that is not usable", `{"owner":{"a":1}}`, "", "at $.owner"},
		{"too large", `{"n":"0123456789012345678901234567890"}`, "", "the most is 80"},
		{"the reserved key", `{"replayableIngestion":{}}`, "", "reserved key"},
	} {
		patch, err := transform.New(t.Context(), &replay.Transform{MergePatch: json.RawMessage(tt.patch)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := reader.Patch(t.Context(), patch, "r1", []byte(`{"id":"r1","price":1.10,"serial":12345678901234567890,"n":1}`))
		if string(got) != tt.want || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
			t.Errorf("%s: got %s, %v, want %s or %q", tt.name, got, err, tt.want, tt.fault)
		}
	}
}
