package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var bg = context.Background()

var start = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

func meta(execution string, startedAt time.Time) Meta {
	return Meta{Execution: execution, OwnerID: "Agence Zürich", RecordedAt: startedAt.Add(time.Second), StartedAt: startedAt}
}

func executions(t interface{ Fatal(...any) }, l *Log, resourceID, after string) (names []string) {
	for v, err := range l.Versions(bg, resourceID, after) {
		if err != nil {
			t.Fatal(err)
		}
		name := v.Execution
		if v.Deleted {
			name = "deleted"
		}
		names = append(names, name)
	}
	return names
}

func TestPutAndRead(t *testing.T) {
	b := &bucket{}
	l := New(b, "log")
	event := []byte(`{"id": 12345678901234567890,"a":"é<&>"}`)
	id, err := l.Put(t.Context(), "a/b", event, meta("e1", start))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := l.Event(t.Context(), "a/b", id); err != nil || string(got) != string(event) {
		t.Errorf("got %s, %v, want the event byte for byte", got, err)
	}
	v, err := l.Version(t.Context(), "a/b", id)
	if err != nil || v.Meta != meta("e1", start) {
		t.Errorf("got %+v, %v, want %+v", v.Meta, err, meta("e1", start))
	}
	for _, m := range b.objects[0].meta {
		for _, c := range m {
			if c > 127 {
				t.Errorf("metadata %q is not ASCII", m)
			}
		}
	}
	if _, err := l.Event(t.Context(), "a/b", "nope"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown version: got %v, want ErrNotFound", err)
	}
	if _, err := l.Object(t.Context(), "derived/x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown object: got %v, want ErrNotFound", err)
	}
}

func TestMetadataOfAnyExecutionNameIsASCII(t *testing.T) {
	b := &bucket{}
	l := New(b, "log")
	id, err := l.Put(t.Context(), "r", []byte("{}"), meta("Größe-1 100%", start))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := l.Version(t.Context(), "r", id); err != nil || v.Execution != "Größe-1 100%" || b.objects[0].meta["execution"] != "Gr%C3%B6%C3%9Fe-1%20100%25" {
		t.Errorf("got %+v as %v, %v", v.Meta, b.objects[0].meta, err)
	}
}

func TestABucketWithoutVersionsIsRefused(t *testing.T) {
	for _, id := range []string{"", "null"} {
		b := &bucket{version: &id}
		if _, err := New(b, "log").Put(t.Context(), "r", []byte("{}"), meta("e1", start)); err == nil || !strings.Contains(err.Error(), "turn versioning on") {
			t.Errorf("version id %q: got %v, want an error that says what to do", id, err)
		}
	}
}

func TestLatest(t *testing.T) {
	b := &bucket{}
	l := New(b, "log")
	b.add("events/res1", "1", meta("e1", start), start.Add(time.Second))
	b.add("events/res10", "2", meta("e2", start.Add(time.Minute)), start.Add(time.Minute))
	b.add("events/res1%2F0", "3", meta("e3", start.Add(time.Hour)), start.Add(time.Hour))
	if v, err := l.Latest(t.Context(), "res1"); err != nil || v.Execution != "e1" {
		t.Errorf("got %+v, %v, want e1: other resources share the prefix", v, err)
	}
	if _, err := l.Latest(t.Context(), "res"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a prefix of a resource: got %v, want ErrNotFound", err)
	}
	b.remove("events/res1", start.Add(2*time.Hour))
	if _, err := l.Latest(t.Context(), "res1"); !errors.Is(err, ErrDeleted) {
		t.Errorf("a deleted resource: got %v, want ErrDeleted", err)
	}
	if got, want := executions(t, l, "res1", ""), []string{"deleted", "e1"}; !slices.Equal(got, want) {
		t.Errorf("history of a deleted resource: got %v, want %v", got, want)
	}
	b.add("events/res1", "4", meta("e4", start.Add(3*time.Hour)), start.Add(3*time.Hour))
	if v, err := l.Latest(t.Context(), "res1"); err != nil || v.Execution != "e4" {
		t.Errorf("written again: got %+v, %v, want e4", v, err)
	}
}

func TestNewestIsOneRequest(t *testing.T) {
	b := &bucket{}
	l := New(b, "log")
	b.add("events/r", "1", meta("e1", start), start.Add(time.Second))
	second := b.add("events/r", "2", meta("e2", start.Add(time.Minute)), start.Add(time.Minute))
	b.add("events/r2", "3", meta("e3", start.Add(time.Hour)), start.Add(time.Hour))
	if got, err := l.Newest(t.Context(), "r"); err != nil || got.ID != second || got.Execution != "e2" {
		t.Errorf("got %+v, %v, want %q", got, err, second)
	}
	if b.heads != 1 || b.lists != 0 {
		t.Errorf("%d heads and %d lists, want one head", b.heads, b.lists)
	}
	if _, err := l.Newest(t.Context(), "r1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown resource: got %v, want ErrNotFound", err)
	}
	b.remove("events/r", start.Add(2*time.Hour))
	if _, err := l.Newest(t.Context(), "r"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted resource: got %v, want ErrNotFound", err)
	}
}

func TestLatestIsCheap(t *testing.T) {
	b := &bucket{}
	for i := range 500 {
		at := start.Add(time.Duration(i) * time.Minute)
		b.add("events/r", "x", meta(fmt.Sprint("e", i), at), at.Add(time.Second))
	}
	if _, err := New(b, "log").Latest(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if b.lists != 1 || b.heads > firstPage {
		t.Errorf("%d lists and %d heads for the newest of 500 versions, want 1 and a few", b.lists, b.heads)
	}
}

// A late write of a timed-out first attempt lands after another execution's event: it must not make the older event
// the newest one.
func TestASecondVersionOfAnExecutionCountsAtTheOldest(t *testing.T) {
	b := &bucket{}
	l := New(b, "log")
	first := b.add("events/r", "1", meta("e1", start), start.Add(1*time.Second))
	b.add("events/r", "2", meta("e2", start.Add(20*time.Second)), start.Add(21*time.Second))
	b.add("events/r", "1", meta("e1", start), start.Add(40*time.Second))
	if got, want := executions(t, l, "r", ""), []string{"e2", "e1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if v, err := l.FindExecution(t.Context(), "r", "e1", start); err != nil || v.ID != first {
		t.Errorf("got %+v, %v, want the oldest version %s", v, err, first)
	}
	var newer []string
	for v, err := range l.Newer(t.Context(), "r", "v2") { // the second version of e1
		if err != nil {
			t.Fatal(err)
		}
		newer = append(newer, v.Execution)
	}
	if !slices.Equal(newer, []string{"e2"}) {
		t.Errorf("newer than the second version of e1: got %v, want e2 only", newer)
	}
}

func TestFindExecutionDoesNotReadBackForEver(t *testing.T) {
	b := &bucket{}
	for i := range 100 {
		at := start.Add(time.Duration(i) * time.Hour)
		b.add("events/r", "x", meta(fmt.Sprint("e", i), at), at.Add(time.Second))
	}
	_, err := New(b, "log").FindExecution(t.Context(), "r", "nope", start.Add(98*time.Hour))
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if b.heads > firstPage {
		t.Errorf("%d heads, want only the versions since the execution started", b.heads)
	}
}

// Whatever the order of writes and the size of pages: each execution counts once, at its oldest version, newest first,
// and reading on from any version gives the rest.
func TestHistoryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &bucket{pages: rapid.IntRange(1, 4).Draw(t, "page")}
		n := rapid.IntRange(0, 12).Draw(t, "versions")
		started := map[string]time.Time{}
		var want []string
		for i := range n {
			at := start.Add(time.Duration(i*rapid.IntRange(1, 30).Draw(t, "gap")) * time.Second)
			if n := len(b.objects); n > 0 && at.Before(b.objects[n-1].at) {
				at = b.objects[n-1].at
			}
			name := fmt.Sprint("e", rapid.IntRange(0, 5).Draw(t, "execution"))
			if _, again := started[name]; !again {
				started[name] = at
				want = append(want, name)
			}
			b.add("events/r", name, meta(name, started[name]), at)
			b.add("events/r2", "other", meta("other", at), at)
		}
		slices.Reverse(want)
		l := New(b, "log")
		if got := executions(t, l, "r", ""); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		i := 0
		for v, err := range l.Versions(bg, "r", "") {
			if err != nil {
				t.Fatal(err)
			}
			i++
			if rest := executions(t, l, "r", v.ID); !slices.Equal(rest, want[i:]) {
				t.Fatalf("after %s: got %v, want %v", v.Execution, rest, want[i:])
			}
		}
	})
}
