package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/replay"
)

func merge(t testing.TB, patch string) *Transform {
	t.Helper()
	tr, err := New(t.Context(), &replay.Transform{MergePatch: json.RawMessage(patch)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func operations(t testing.TB, patch string) *Transform {
	t.Helper()
	tr, err := New(t.Context(), &replay.Transform{JSONPatch: json.RawMessage(patch)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestApply(t *testing.T) {
	tests := []struct {
		name, event, want string
		transform         *Transform
	}{
		{"RFC 7396: replace", `{"a":"b"}`, `{"a":"c"}`, merge(t, `{"a":"c"}`)},
		{"RFC 7396: remove", `{"a":"b","b":"c"}`, `{"b":"c"}`, merge(t, `{"a":null}`)},
		{"RFC 7396: arrays are replaced", `{"a":[{"b":"c"}]}`, `{"a":[1]}`, merge(t, `{"a":[1]}`)},
		{"RFC 7396: nested", `{"a":{"b":"c"}}`, `{"a":{"b":"d"}}`, merge(t, `{"a":{"b":"d","c":null}}`)},
		{"RFC 6902 A.1: add", `{"foo":"bar"}`, `{"foo":"bar","baz":"qux"}`, operations(t, `[{"op":"add","path":"/baz","value":"qux"}]`)},
		{"RFC 6902 A.2: add to an array", `{"foo":["bar","baz"]}`, `{"foo":["bar","qux","baz"]}`, operations(t, `[{"op":"add","path":"/foo/1","value":"qux"}]`)},
		{"RFC 6902 A.6: move", `{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`, operations(t, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`)},
		{"digits", `{"id":12345678901234567890,"price":1.10,"n":{"x":1e2}}`, `{"id":12345678901234567890,"price":1.10,"n":{"x":1e2,"y":98765432109876543210}}`, merge(t, `{"n":{"y":98765432109876543210}}`)},
		{"digits, by operations", `{"price":1.10,"a":1}`, `{"price":1.10,"a":2.50}`, operations(t, `[{"op":"replace","path":"/a","value":2.50}]`)},
		{"no escapes are added", `{"a":"<&>","b":1}`, `{"a":"<&>","b":"<x>"}`, merge(t, `{"b":"<x>"}`)},
		{"an escaped backslash is none", `{"a":"\\u003c","b":1}`, `{"a":"\\u003c","b":2}`, merge(t, `{"b":2}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.transform.Apply(t.Context(), []byte(tt.event), Subject{})
			if err != nil {
				t.Fatal(err)
			}
			if !jsonpatch.Equal(got, []byte(tt.want)) || len(got) != len(tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	tests := []struct {
		name, event string
		transform   *Transform
		want        string
	}{
		{"a test that fails", `{"a":1}`, operations(t, `[{"op":"test","path":"/a","value":2}]`), "test"},
		{"remove of nothing", `{"a":1}`, operations(t, `[{"op":"remove","path":"/b"}]`), "/b"},
		{"replace of nothing", `{"a":1}`, operations(t, `[{"op":"replace","path":"/b/c","value":1}]`), "/b/c"},
		{"an array", `[1]`, merge(t, `{"a":1}`), "not a JSON object"},
		{"a text", `"x"`, operations(t, `[{"op":"add","path":"/a","value":1}]`), "not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.transform.Apply(t.Context(), []byte(tt.event), Subject{})
			if !errors.Is(err, ErrTransform) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %s, %v; want an error about %q", got, err, tt.want)
			}
		})
	}
}

func TestCopiesDoNotGrowWithoutBound(t *testing.T) {
	event := []byte(`{"a":"` + strings.Repeat("x", 100_000) + `"}`)
	ops := `[` + strings.TrimSuffix(strings.Repeat(`{"op":"copy","from":"/a","path":"/b"},`, 50), ",") + `]`
	if _, err := operations(t, ops).Apply(t.Context(), event, Subject{}); !errors.Is(err, ErrTransform) {
		t.Errorf("got %v, want %v", err, ErrTransform)
	}
}

func TestDiff(t *testing.T) {
	got, err := Diff([]byte(`{"id":12345678901234567890,"a":"<"}`), []byte(`{"id":12345678901234567891,"a":"<"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"value":12345678901234567890,"op":"test","path":"/id"},{"value":12345678901234567891,"op":"replace","path":"/id"}]`
	if !jsonpatch.Equal(got, []byte(want)) {
		t.Errorf("got %s, want %s", got, want)
	}
	if same, err := Diff([]byte(`{"a":1}`), []byte(`{"a":1}`)); err != nil || string(same) != "[]" {
		t.Errorf("no change: got %s, %v", same, err)
	}
	large := []byte(`{"a":"` + strings.Repeat("x", maxDiffBytes) + `"}`)
	if _, err := Diff([]byte(`{}`), large); !errors.Is(err, ErrDiffTooLarge) {
		t.Errorf("large: got %v, want %v", err, ErrDiffTooLarge)
	}
}

func TestDiffLeadsToThePatchedEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.SampledFrom([]string{`1`, `1.10`, `"x"`, `null`, `[1,2]`, `{"z":1}`, `12345678901234567890`})
		doc := func(label string) string {
			var fields []string
			for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c/d", "e~f"}), rapid.ID).Draw(t, label) {
				fields = append(fields, `"`+k+`":`+value.Draw(t, label))
			}
			return "{" + strings.Join(fields, ",") + "}"
		}
		event := []byte(doc("event"))
		tr, err := New(t.Context(), &replay.Transform{MergePatch: json.RawMessage(doc("patch"))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		after, err := tr.Apply(t.Context(), event, Subject{})
		if err != nil {
			t.Fatal(err)
		}
		diff, err := Diff(event, after)
		if err != nil {
			t.Fatal(err)
		}
		patch, err := New(t.Context(), &replay.Transform{JSONPatch: diff}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := patch.Apply(t.Context(), event, Subject{})
		if err != nil || !jsonpatch.Equal(got, after) {
			t.Fatalf("%s by %s: got %s, %v; want %s", event, diff, got, err, after)
		}
	})
}

func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"a":1}`), []byte(`{"a":null,"b":{"c":[1]}}`), true)
	f.Add([]byte(`{"a":[1,2]}`), []byte(`[{"op":"move","from":"/a/0","path":"/b"}]`), false)
	f.Add([]byte(`{"a":"\u003c\\"}`), []byte(`{"b":"\u0026"}`), true)
	f.Fuzz(func(t *testing.T, event, patch []byte, asMerge bool) {
		in := &replay.Transform{JSONPatch: patch}
		if asMerge {
			in = &replay.Transform{MergePatch: patch}
		}
		if !json.Valid(event) || !json.Valid(patch) {
			return
		}
		tr, err := New(t.Context(), in, nil)
		if err != nil {
			return
		}
		if got, err := tr.Apply(t.Context(), event, Subject{}); err == nil && (!json.Valid(got) || bytes.ContainsRune(got, '\n')) {
			t.Errorf("%s by %s: got %s", event, patch, got)
		}
	})
}
