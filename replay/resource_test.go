package replay

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEventKey(t *testing.T) {
	tests := []struct {
		name, id, want string
		bad            bool
	}{
		{name: "keeps unreserved characters", id: "A-z_0.9~", want: "events/A-z_0.9~"},
		{name: "encodes a slash", id: "a/b", want: "events/a%2Fb"},
		{name: "encodes a percent sign", id: "100%", want: "events/100%25"},
		{name: "encodes a space and an emoji", id: "a 🏠", want: "events/a%20%F0%9F%8F%A0"},
		{name: "encodes an id of dots", id: "..", want: "events/%2E%2E"},
		{name: "keeps dots beside other characters", id: "../a", want: "events/..%2Fa"},
		{name: "takes the longest key", id: strings.Repeat("a", 1017), want: "events/" + strings.Repeat("a", 1017)},
		{name: "refuses one byte more", id: strings.Repeat("a", 1018), bad: true},
		{name: "counts encoded bytes", id: strings.Repeat("é", 170), bad: true},
		{name: "refuses an empty id", id: "", bad: true},
		{name: "refuses a control character", id: "a\nb", bad: true},
		{name: "refuses DEL", id: "a\x7f", bad: true},
		{name: "refuses a C1 control character", id: "a\u0085", bad: true},
		{name: "refuses bytes that are not UTF-8", id: "a\xff", bad: true},
		{name: "refuses what is left of a lone surrogate", id: "a\uFFFD", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := EventKey(tt.id)
			if errors.Is(err, ErrResourceID) != tt.bad || got != tt.want {
				t.Errorf("EventKey(%q) = %q, %v, want %q, bad %v", tt.id, got, err, tt.want, tt.bad)
			}
		})
	}
}

func TestEventKeyIsReversible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.String().Draw(t, "id")
		key, err := EventKey(id)
		if err != nil {
			return
		}
		back, err := url.PathUnescape(strings.TrimPrefix(key, "events/"))
		if err != nil || back != id {
			t.Errorf("key %q of %q reads as %q, %v", key, id, back, err)
		}
	})
}

func TestCheckOwnerID(t *testing.T) {
	for id, ok := range map[string]bool{
		"agency-98029": true, "Agence Zürich": true, "": false, "a\tb": false,
		strings.Repeat("a", 1024): true, strings.Repeat("a", 1025): false,
	} {
		if err := CheckOwnerID(id); (err == nil) != ok {
			t.Errorf("CheckOwnerID(%q) = %v, want ok %v", Shorten(id), err, ok)
		}
	}
}
