package ingest

import (
	"errors"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/errs"
)

func mustReader(t *testing.T) Reader {
	t.Helper()
	r, err := NewReader("$.listing.id", "$.listing.agencyId", 256_000)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func event(id string) string { return `{"listing":{"id":` + id + `,"agencyId":"a1"}}` }

func TestReaderReads(t *testing.T) {
	r := mustReader(t)
	for given, want := range map[string]IDs{
		event(`"1024069009"`):                        {"1024069009", "a1"},
		event(`12345678901234567890123`):             {"12345678901234567890123", "a1"},
		event(`-7`):                                  {"-7", "a1"},
		event(`"a/../b %2F 🏠"`):                      {"a/../b %2F 🏠", "a1"},
		`{"listing":{"id":"x"}}`:                     {"x", ""},
		`{"listing":{"id":"x","agencyId":null}}`:     {"x", ""},
		`{"listing":{"id":"x","agencyId":42}}`:       {"x", "42"},
		event(`"` + strings.Repeat("a", 1017) + `"`): {strings.Repeat("a", 1017), "a1"},
		" {\n\"listing\": {\"id\": \"x\"}}\n":        {"x", ""},
	} {
		if got, err := r.Read([]byte(given)); err != nil || got != want {
			t.Errorf("Read(%.80s) = %+v, %v, want %+v", given, got, err, want)
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	r := mustReader(t)
	tests := []struct {
		name, event, fault string
		says               []string
	}{
		{name: "no id", event: `{"listing":{}}`, fault: errs.InvalidEvent, says: []string{"nothing at $.listing.id"}},
		{name: "no object on the way", event: `{"listing":7}`, fault: errs.InvalidEvent, says: []string{"nothing at $.listing.id"}},
		{name: "an event that is an array", event: `[1,2]`, fault: errs.InvalidEvent, says: []string{"nothing at $.listing.id"}},
		{name: "an event that is a text", event: `"hello"`, fault: errs.InvalidEvent, says: []string{"$.listing.id"}},
		{name: "an empty id", event: event(`""`), fault: errs.InvalidEvent, says: []string{"$.listing.id", "empty"}},
		{name: "a null id", event: event(`null`), fault: errs.InvalidEvent, says: []string{"null at $.listing.id"}},
		{name: "an object as id", event: event(`{"a":1}`), fault: errs.InvalidEvent, says: []string{"an object at $.listing.id"}},
		{name: "an array as id", event: event(`["a"]`), fault: errs.InvalidEvent, says: []string{"an array at $.listing.id"}},
		{name: "a truth value as id", event: event(`true`), fault: errs.InvalidEvent, says: []string{"the value true at $.listing.id"}},
		{name: "a fraction as id", event: event(`1.10`), fault: errs.InvalidEvent, says: []string{"1.10", "send it as a string"}},
		{name: "a power of ten as id", event: event(`1e3`), fault: errs.InvalidEvent, says: []string{"1e3"}},
		{name: "a control character", event: event(`"a\u0000b"`), fault: errs.InvalidEvent, says: []string{"control character U+0000"}},
		{name: "a lone surrogate", event: event(`"\ud800"`), fault: errs.InvalidEvent, says: []string{"not valid Unicode"}},
		{name: "an id with too long a key", event: event(`"` + strings.Repeat("é", 170) + `"`), fault: errs.InvalidEvent, says: []string{"1027 bytes, the most is 1024"}},
		{name: "an object as owner", event: `{"listing":{"id":"x","agencyId":{}}}`, fault: errs.InvalidEvent, says: []string{"an object at $.listing.agencyId"}},
		{name: "an owner that is too long", event: `{"listing":{"id":"x","agencyId":"` + strings.Repeat("o", 1025) + `"}}`, fault: errs.InvalidEvent, says: []string{"$.listing.agencyId", "the most is 1024"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.Read([]byte(tt.event))
			var named *errs.Named
			if !errors.As(err, &named) || named.Name != tt.fault {
				t.Fatalf("got %v, want a %s", err, tt.fault)
			}
			for _, s := range tt.says {
				if !strings.Contains(named.Error(), s) {
					t.Errorf("%q does not say %q", named.Error(), s)
				}
			}
			if len(named.Error()) > 400 {
				t.Errorf("a message of %d bytes repeats the event", len(named.Error()))
			}
		})
	}
}

func sized(n int) []byte {
	head, tail := `{"listing":{"id":"x"},"pad":"`, `"}`
	return []byte(head + strings.Repeat("p", n-len(head)-len(tail)) + tail)
}

func TestReaderLimitsTheSize(t *testing.T) {
	r := mustReader(t)
	if _, err := r.Read(sized(256_000)); err != nil {
		t.Errorf("an event at the limit: %v", err)
	}
	if _, err := r.Read(compact(append([]byte(" \n"), sized(256_000)...))); err != nil {
		t.Errorf("white space around an event at the limit does not count: %v", err)
	}
	_, err := r.Read(sized(256_001))
	var named *errs.Named
	if !errors.As(err, &named) || named.Name != errs.EventTooLarge || !strings.Contains(named.Error(), "256001 bytes, the most is 256000") {
		t.Errorf("one byte more: got %v, want EventTooLarge with both sizes", err)
	}
}

func TestNewReaderNamesBothPaths(t *testing.T) {
	_, err := NewReader("listing.id", "$..agency", 1)
	if err == nil || !strings.Contains(err.Error(), "resource id path") || !strings.Contains(err.Error(), "owner id path") {
		t.Errorf("got %v, want both paths named", err)
	}
}
