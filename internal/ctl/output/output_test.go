package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
)

type row struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

func columns() []Column[row] {
	return []Column[row]{
		{Title: "ID", Cell: func(r row) string { return r.ID }, Color: func(row) Color { return Green }},
		{Title: "N", Right: true, Cell: func(r row) string { return fmt.Sprint(len(r.ID)) }},
		{Title: "REASON", Flex: true, Cell: func(r row) string { return r.Reason }},
	}
}

func rows(all ...row) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestListsInEveryFormat(t *testing.T) {
	list := rows(row{"L-1", "<a> & b"}, row{"住宅-2", "two\nlines"})
	for format, want := range map[Format]string{
		Table: "ID      N  REASON\nL-1     3  <a> & b\n住宅-2  8  two\\nlines\n",
		JSON:  "{\n  \"rows\": [\n    {\n      \"id\": \"L-1\",\n      \"reason\": \"<a> & b\"\n    },\n    {\n      \"id\": \"住宅-2\",\n      \"reason\": \"two\\nlines\"\n    }\n  ]\n}\n",
		Lines: `{"id":"L-1","reason":"<a> & b"}` + "\n" + `{"id":"住宅-2","reason":"two\nlines"}` + "\n",
	} {
		var out bytes.Buffer
		n, err := List(&Printer{Out: &out, Format: format}, "rows", columns(), list)
		if err != nil || n != 2 || out.String() != want {
			t.Errorf("%s: got %d, %v\n%s\nwant\n%s", format, n, err, out.String(), want)
		}
	}
	for format, want := range map[Format]string{Table: "", JSON: "{\n  \"rows\": []\n}\n", Lines: ""} {
		var out bytes.Buffer
		n, err := List(&Printer{Out: &out, Format: format}, "rows", columns(), rows())
		if err != nil || n != 0 || out.String() != want {
			t.Errorf("%s without entries: got %d, %v, %q, want %q", format, n, err, out.String(), want)
		}
	}
}

// No line is wider than the terminal, however long an id is: columns for texts give way first, and ids keep their ends.
func TestTablesFitTheTerminal(t *testing.T) {
	ulid, text := "01KAV7Q0ZJ4M3T5W8X9Y2B6C7D", strings.Repeat("word ", 12)
	for _, tt := range []struct {
		name    string
		row     row
		width   int
		longest int
		has     string
	}{
		{"no terminal", row{ulid, text}, 0, 91, ulid},
		{"a wide one", row{ulid, text}, 200, 91, ulid},
		{"texts give way", row{ulid, text}, 80, 80, ulid},
		{"ids give way", row{ulid, text}, 20, 20, "01K…C7D"},
		{"an id of 400 characters", row{"a" + strings.Repeat("x", 398) + "z", text}, 80, 80, "xxx…xxx"},
		{"one into a pipe", row{strings.Repeat("x", 400), ""}, 0, 413, strings.Repeat("x", 400)},
		{"wide characters", row{strings.Repeat("住", 100), text}, 80, 80, "…"},
		{"hardly any room", row{ulid, text}, 8, 8, "…"},
	} {
		var out bytes.Buffer
		if _, err := List(&Printer{Out: &out, Format: Table, Width: tt.width}, "rows", columns(), rows(tt.row)); err != nil {
			t.Fatal(err)
		}
		most := 0
		for line := range strings.Lines(out.String()) {
			most = max(most, runewidth.StringWidth(strings.TrimRight(line, "\n")))
		}
		if tt.width > 0 && most > tt.width || most > tt.longest || most < tt.longest-1 || !strings.Contains(out.String(), tt.has) {
			t.Errorf("%s: the longest line has %d columns, want %d and %q in it:\n%s", tt.name, most, tt.longest, tt.has, out.String())
		}
	}
}

func TestColorsAreOnlyWhereTheyAreWanted(t *testing.T) {
	var plain, painted bytes.Buffer
	for out, color := range map[*bytes.Buffer]bool{&plain: false, &painted: true} {
		if _, err := List(&Printer{Out: out, Format: Table, Color: color}, "rows", columns(), rows(row{"a", "x"}, row{"bb", "y"})); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(painted.String(), "\x1b[32ma\x1b[0m") {
		t.Errorf("got %q and %q", plain.String(), painted.String())
	}
	var stripped = strings.NewReplacer("\x1b[32m", "", "\x1b[1m", "", "\x1b[0m", "").Replace(painted.String())
	if stripped != plain.String() {
		t.Errorf("colors move columns:\n%s\n%s", stripped, plain.String())
	}
}

// What came before an error is written, and in JSON it still is JSON.
func TestAnErrorEndsAList(t *testing.T) {
	down := errors.New("down")
	list := func(yield func(row, error) bool) { _ = yield(row{"a", "x"}, nil) && yield(row{}, down) }
	for _, format := range []Format{Table, JSON, Lines} {
		var out bytes.Buffer
		n, err := List(&Printer{Out: &out, Format: format}, "rows", columns(), list)
		if !errors.Is(err, down) || n != 1 || !strings.Contains(out.String(), "a") {
			t.Errorf("%s: got %d, %v, %q", format, n, err, out.String())
		}
		if format == JSON && !json.Valid(out.Bytes()) {
			t.Errorf("got %s, want JSON", out.String())
		}
	}
}

type full struct{}

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAFullDiskIsAnError(t *testing.T) {
	for _, format := range []Format{Table, JSON, Lines} {
		if _, err := List(&Printer{Out: full{}, Format: format}, "rows", columns(), rows(row{"a", "x"})); !errors.Is(err, errFull) {
			t.Errorf("%s: got %v", format, err)
		}
	}
}

// A table has one header, and is written while the list is still being read.
func TestLongListsAreWrittenAsTheyCome(t *testing.T) {
	const n = 100_000
	for _, format := range []Format{Table, JSON, Lines} {
		var before, during runtime.MemStats
		written := &counter{}
		runtime.GC()
		runtime.ReadMemStats(&before)
		list := func(yield func(row, error) bool) {
			for i := range n {
				if i == n-1 {
					runtime.GC()
					runtime.ReadMemStats(&during)
					if written.lines < n-2*chunk {
						t.Errorf("%s: %d lines are written when the last entry comes", format, written.lines)
					}
				}
				if !yield(row{fmt.Sprintf("resource-%06d", i), "because"}, nil) {
					return
				}
			}
		}
		if got, err := List(&Printer{Out: written, Format: format}, "rows", columns(), list); err != nil || got != n {
			t.Fatalf("%s: got %d, %v", format, got, err)
		}
		if during.HeapAlloc > before.HeapAlloc+4<<20 {
			t.Errorf("%s: keeps %d bytes", format, during.HeapAlloc-before.HeapAlloc)
		}
		if format == Table && written.headers != 1 {
			t.Errorf("the table has %d headers", written.headers)
		}
	}
}

type counter struct{ lines, headers int }

func (c *counter) Write(b []byte) (int, error) {
	c.lines += bytes.Count(b, []byte("\n"))
	c.headers += bytes.Count(b, []byte("REASON"))
	return len(b), nil
}

func TestFieldsWithoutAValueAreLeftOut(t *testing.T) {
	p := &Printer{Zone: time.FixedZone("CET", 3600)}
	at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	err := p.Fields(&out, Field{Name: "created", Value: p.Time(&at)}, Field{Name: "a very long name"}, Field{Name: "id", Value: "x\x1b"})
	if want := "created  2026-11-25 03:00:00 CET\nid       x\\x1b\n"; err != nil || out.String() != want {
		t.Errorf("got %q, %v, want %q", out.String(), err, want)
	}
	if got := p.Time(nil); got != "" {
		t.Errorf("got %q for no time", got)
	}
	if err := (&Printer{Out: io.Discard, Format: JSON}).Value(func() {}, nil); err == nil {
		t.Error("a function is not JSON")
	}
}

// Two ids that differ in a character without width do not look the same.
func TestInvisibleCharactersAreShown(t *testing.T) {
	for text, want := range map[string]string{
		"L-1\u200b": `L-1\u200b`, "\ufeffL-1": `\ufeffL-1`, "a\u00adb": `a\u00adb`, "a\u2028b": `a\u2028b`, "\u3164": `\u3164`,
		"a\tb": `a\tb`, "é 中 😀": "é 中 😀",
	} {
		if got := Printable(text); got != want {
			t.Errorf("%+q became %s, want %s", text, got, want)
		}
	}
}

// FuzzPrintable checks that nothing that could steer a terminal is left.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2J", "\u202eb", "\xff\x00", "é\u0085"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := Printable(s); strings.ContainsFunc(got, unprintable) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
