package eventpath_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/event/eventpath"
)

const event = `{
	"listing": {"id": "L-1", "price": 12345678901234567890, "none": null, "": "empty", "a.b": "dotted", "it's": "quoted"},
	"ids": ["first", {"deep": true}],
	"größe": 3,
	"a b": "spaced"
}`

func decode(t *testing.T, s string) any {
	t.Helper()
	var doc any
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestFind(t *testing.T) {
	doc := decode(t, event)
	for _, tt := range []struct {
		path  string
		want  any
		found bool
	}{
		{path: "$", want: doc, found: true},
		{path: "$.listing.id", want: "L-1", found: true},
		{path: "$['listing']['id']", want: "L-1", found: true},
		{path: `$["listing"].id`, want: "L-1", found: true},
		{path: "$ .listing [ 'id' ]", want: "L-1", found: true},
		{path: "$.listing.price", want: json.Number("12345678901234567890"), found: true},
		{path: "$.listing.none", want: nil, found: true},
		{path: "$.listing['']", want: "empty", found: true},
		{path: "$.listing['a.b']", want: "dotted", found: true},
		{path: `$.listing['it\'s']`, want: "quoted", found: true},
		{path: `$.listing["it's"]`, want: "quoted", found: true},
		{path: `$.listing['\u0069d']`, want: "L-1", found: true},
		{path: "$['a b']", want: "spaced", found: true},
		{path: "$.größe", want: json.Number("3"), found: true},
		{path: "$.ids[0]", want: "first", found: true},
		{path: "$.ids[1].deep", want: true, found: true},
		{path: "$.ids[2]"},
		{path: "$.ids.first"},
		{path: "$.listing[0]"},
		{path: "$.missing.id"},
		{path: "$.listing.id.more"},
	} {
		t.Run(tt.path, func(t *testing.T) {
			p, err := eventpath.Parse(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, found := p.Find(doc)
			if found != tt.found || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v, %v; want %v, %v", got, found, tt.want, tt.found)
			}
			if p.String() != tt.path {
				t.Errorf("got path %s, want %s", p, tt.path)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, path := range []string{
		"", " ", "id", "listing.id", "@.id", "$.", "$.a.", "$[", "$.a[", "$a", "$.a$", "$.$a", "$$",
		"$.a[*]", "$.*", "$..id", "$.a[-1]", "$.a[0:1]", "$.a[::2]", "$.a[?@.b]", "$['a','b']", "$[0,1]",
		"$.a[01]", "$.a[9007199254740992]", "$.1a", "$.a-b", "$.a b", " $.a", "$.a ", "$.a\n", "$['a", "$['\x01']", `$['\x']`,
		"$.length()", "$.a[(1)]",
	} {
		t.Run(fmt.Sprintf("%q", path), func(t *testing.T) {
			if _, err := eventpath.Parse(path); !errors.Is(err, eventpath.ErrPath) {
				t.Errorf("got %v, want ErrPath", err)
			}
		})
	}
}

func TestZeroPathIsTheDocument(t *testing.T) {
	var p eventpath.Path
	if got, found := p.Find("x"); got != "x" || !found {
		t.Errorf("got %v, %v", got, found)
	}
	if p.String() != "$" {
		t.Errorf("got %q, want $", p.String())
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"$", "$.a.b", "$['a b'][0]", `$["\u0041"]`, "$.a$", "$..a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		p, err := eventpath.Parse(path)
		if err != nil {
			return
		}
		p.Find(map[string]any{"a": []any{"b"}}) // must not panic
	})
}

func ExamplePath_Find() {
	p, err := eventpath.Parse("$.listing.id")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Find(map[string]any{"listing": map[string]any{"id": "L-1"}}))
	// Output: L-1 true
}
