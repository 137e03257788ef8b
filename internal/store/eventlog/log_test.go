package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/replay"
)

var bg = context.Background()

var start = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

func meta(execution string, startedAt time.Time) Meta {
	return Meta{Execution: execution, OwnerID: "Agence Zürich", RecordedAt: startedAt.Add(time.Second), StartedAt: startedAt}
}

func executions(t interface{ Fatal(...any) }, l *Log, resourceID string) (names []string) {
	for v, err := range l.Versions(bg, resourceID, "") {
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
	b := newBucket()
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
	for _, m := range b.metadata("events/a%2Fb") {
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
	b := newBucket()
	l := New(b, "log")
	id, err := l.Put(t.Context(), "r", []byte("{}"), meta("Größe-1 100%", start))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := l.Version(t.Context(), "r", id); err != nil || v.Execution != "Größe-1 100%" || b.metadata("events/r")["execution"] != "Gr%C3%B6%C3%9Fe-1%20100%25" {
		t.Errorf("got %+v as %v, %v", v.Meta, b.metadata("events/r"), err)
	}
}

// S3 takes 2 KB of metadata: what a correction says of itself is cut to what is left, between characters.
func TestTheMetadataOfACorrectionFits(t *testing.T) {
	long := strings.Repeat("ü", 500)
	for _, tt := range []struct {
		name, owner, by, reason string
		whole                   bool
	}{
		{"what is usual", "agency-7", "arn:aws:sts::123456789012:assumed-role/operator/ada", "the price had a digit too many", true},
		{"everything is long", strings.Repeat("o", 1024), long, long, false},
	} {
		b := newBucket()
		l := New(b, "log")
		m := meta("rp-"+strings.Repeat("a", 52), start)
		m.OwnerID, m.FirstStartedAt = tt.owner, start
		m.Correction = Correction{Of: strings.Repeat("v", 32), By: tt.by, Reason: tt.reason, ReplayID: strings.Repeat("0", 26)}
		id, err := l.Put(t.Context(), "r", []byte("{}"), m)
		if err != nil {
			t.Fatal(err)
		}
		size := 0
		for k, v := range b.metadata("events/r") {
			size += len(k) + len(v)
		}
		v, err := l.Version(t.Context(), "r", id)
		got := v.Correction
		if err != nil || size > 2048 || got.Of != m.Correction.Of || got.ReplayID != m.Correction.ReplayID ||
			!strings.HasPrefix(tt.by, got.By) || !strings.HasPrefix(tt.reason, got.Reason) || got.By == "" || got.Reason == "" {
			t.Errorf("%s: got %+v of %d bytes, %v", tt.name, got, size, err)
		}
		if tt.whole && got != m.Correction {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, m.Correction)
		}
	}
}

func TestABucketWithoutVersionsIsRefused(t *testing.T) {
	for _, id := range []string{"", "null"} {
		b := newBucket()
		b.version = &id
		_, err := New(b, "log").Put(t.Context(), "r", []byte("{}"), meta("e1", start))
		var named *errs.Named
		if !errors.As(err, &named) || named.Name != errs.ServiceUnavailable || !strings.Contains(err.Error(), "turn versioning on") {
			t.Errorf("version id %q: got %v, want an error that is retried and says what to do", id, err)
		}
	}
}

func TestLatest(t *testing.T) {
	b := newBucket()
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
	if got, want := executions(t, l, "res1"), []string{"deleted", "e1"}; !slices.Equal(got, want) {
		t.Errorf("history of a deleted resource: got %v, want %v", got, want)
	}
	b.add("events/res1", "4", meta("e4", start.Add(3*time.Hour)), start.Add(3*time.Hour))
	if v, err := l.Latest(t.Context(), "res1"); err != nil || v.Execution != "e4" {
		t.Errorf("written again: got %+v, %v, want e4", v, err)
	}
}

func TestNewestIsOneRequest(t *testing.T) {
	b := newBucket()
	l := New(b, "log")
	b.add("events/r", "1", meta("e1", start), start.Add(time.Second))
	second := b.add("events/r", "2", meta("e2", start.Add(time.Minute)), start.Add(time.Minute))
	b.add("events/r2", "3", meta("e3", start.Add(time.Hour)), start.Add(time.Hour))
	if got, err := l.Newest(t.Context(), "r"); err != nil || got.ID != second || got.Execution != "e2" {
		t.Errorf("got %+v, %v, want %q", got, err, second)
	}
	if b.heads.Load() != 1 || b.lists != 0 {
		t.Errorf("%d heads and %d lists, want one head", b.heads.Load(), b.lists)
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
	b := newBucket()
	for i := range 500 {
		at := start.Add(time.Duration(i) * time.Minute)
		b.add("events/r", "x", meta(fmt.Sprint("e", i), at), at.Add(time.Second))
	}
	if _, err := New(b, "log").Latest(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if b.lists != 1 || int(b.heads.Load()) > firstPage {
		t.Errorf("%d lists and %d heads for the newest of 500 versions, want 1 and a few", b.lists, b.heads.Load())
	}
}

// A late write of a timed-out first attempt lands after another execution's event: it must not make the older event
// the newest one.
func TestASecondVersionOfAnExecutionCountsAtTheOldest(t *testing.T) {
	b := newBucket()
	l := New(b, "log")
	first := b.add("events/r", "1", meta("e1", start), start.Add(1*time.Second))
	b.add("events/r", "2", meta("e2", start.Add(20*time.Second)), start.Add(21*time.Second))
	second := b.add("events/r", "1", meta("e1", start), start.Add(40*time.Second))
	if got, want := executions(t, l, "r"), []string{"e2", "e1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if v, err := l.FindExecution(t.Context(), "r", "e1", start); err != nil || v.ID != first {
		t.Errorf("got %+v, %v, want the oldest version %s", v, err, first)
	}
	if v, err := l.First(t.Context(), "r", second); err != nil || v.ID != first {
		t.Errorf("got %+v, %v, want the oldest version %s", v, err, first)
	}
}

func TestFindExecutionDoesNotReadBackForEver(t *testing.T) {
	b := newBucket()
	for i := range 100 {
		at := start.Add(time.Duration(i) * time.Hour)
		b.add("events/r", "x", meta(fmt.Sprint("e", i), at), at.Add(time.Second))
	}
	_, err := New(b, "log").FindExecution(t.Context(), "r", "nope", start.Add(98*time.Hour))
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if int(b.heads.Load()) > firstPage {
		t.Errorf("%d heads, want only the versions since the execution started", b.heads.Load())
	}
}

// For any order of writes, places and page size, each execution counts once, at its oldest version, newest place first.
// Reading on from any page gives the rest.
func TestHistoryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBucket()
		b.pages = rapid.Int32Range(1, 4).Draw(t, "page")
		var want []Version
		at := start
		for i := range rapid.IntRange(0, 150).Draw(t, "versions") {
			at = at.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "gap")) * time.Second)
			name := fmt.Sprint("e", rapid.IntRange(0, 2*i).Draw(t, "execution"))
			m := meta(name, at.Add(-time.Duration(rapid.IntRange(0, 3000).Draw(t, "took"))*time.Millisecond))
			if rapid.IntRange(0, 2).Draw(t, "restarted") == 0 {
				m.FirstStartedAt = m.StartedAt.Add(-time.Duration(rapid.IntRange(1, 2000).Draw(t, "late")) * time.Second)
			}
			if again := slices.IndexFunc(want, func(v Version) bool { return v.Execution == name }); again >= 0 {
				m = want[again].Meta
			}
			id := b.add("events/r", name, m, at)
			b.add("events/r2", "other", meta("other", at), at)
			if !slices.ContainsFunc(want, func(v Version) bool { return v.Execution == name }) {
				want = slices.Insert(want, 0, Version{ID: id, Meta: m})
			}
		}
		slices.SortStableFunc(want, func(a, b Version) int { return b.Place().Compare(a.Place()) })
		var ids []string
		for _, v := range want {
			ids = append(ids, v.ID)
		}
		l := New(b, "log")
		limit := rapid.IntRange(1, 60).Draw(t, "limit")
		var got []string
		for cursor, pages := "", 0; cursor != "" || pages == 0; pages++ {
			page, next, err := l.Page(bg, "r", cursor, limit)
			if err != nil || len(next) > 8000 {
				t.Fatalf("a cursor of %d bytes, %v", len(next), err)
			}
			for _, v := range page {
				got = append(got, v.ID)
			}
			cursor = next
		}
		if !slices.Equal(got, ids) {
			t.Fatalf("got %v, want %v", got, ids)
		}
	})
}

func TestADeletedResourceStaysDeleted(t *testing.T) {
	b := newBucket()
	l := New(b, "log")
	b.add("events/r", "1", meta("e1", start), start.Add(time.Second))
	b.remove("events/r", start.Add(2*time.Second))
	late := meta("ar-1", start.Add(time.Hour))
	late.FirstStartedAt = start.Add(-time.Hour)
	b.add("events/r", "0", late, start.Add(time.Hour))
	if _, err := l.Latest(t.Context(), "r"); !errors.Is(err, ErrDeleted) {
		t.Errorf("an event from before the deletion reached the log after it: got %v, want ErrDeleted", err)
	}
	if got, want := executions(t, l, "r"), []string{"deleted", "e1", "ar-1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	b.add("events/r", "3", meta("e3", start.Add(3*time.Second)), start.Add(2*time.Hour))
	if v, err := l.Latest(t.Context(), "r"); err != nil || v.Execution != "e3" {
		t.Errorf("got %+v, %v, want the event that came after the deletion", v, err)
	}
}

// refusing answers every HEAD with an error.
type refusing struct {
	*bucket
	err error
}

func (r refusing) HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	return nil, r.err
}

func TestARefusedHeadSaysNothingAboutExistence(t *testing.T) {
	b := newBucket()
	id := b.add("events/r", "1", meta("e1", start), start.Add(time.Second))
	for _, code := range []string{"BadRequest", "ExpiredToken", "Forbidden", "InvalidArgument"} { // of an expired token, a wrong key …
		l := New(refusing{b, &smithy.GenericAPIError{Code: code, Message: "400"}}, "log")
		if _, err := l.Version(t.Context(), "r", id); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: got %v for a version that is there, want the error", code, err)
		}
		if _, err := l.Latest(t.Context(), "r"); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: got %v, want the error instead of an empty history", code, err)
		}
	}
}

func TestOtherObjectsAreSkipped(t *testing.T) {
	b := newBucket()
	b.pages = 2
	var log strings.Builder
	l := New(b, "log").Logging(slog.New(slog.NewTextHandler(&log, nil)))
	for _, key := range []string{"events/a", "events/a b", "events/a\n", "events/%zz", "events/c"} {
		b.add(key, "1", meta("e"+key, start), start.Add(time.Second))
	}
	from := start.Add(-time.Hour)
	for _, w := range []*replay.Window{nil, {From: &from}} {
		var got []string
		log.Reset()
		for cursor, pages := "", 0; cursor != "" || pages == 0; pages++ {
			ids, next, err := l.Resources(t.Context(), w, cursor, 1)
			if err != nil || pages > 10 {
				t.Fatalf("page %d: %v", pages, err)
			}
			got, cursor = append(got, ids...), next
		}
		if want := []string{"a", "c"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if n := strings.Count(log.String(), "objects that are not events skipped"); n == 0 {
			t.Error("the skipped objects were not logged")
		}
	}
	var walked []string
	for cursor, pages := "", 0; cursor != "" || pages == 0; pages++ {
		entries, next, err := l.Walk(t.Context(), cursor, 1)
		if err != nil || pages > 10 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, e := range entries {
			walked = append(walked, e.ResourceID)
		}
		cursor = next
	}
	if want := []string{"a", "c"}; !slices.Equal(walked, want) {
		t.Errorf("walked %v, want %v", walked, want)
	}
	big := b.add("events/big", strings.Repeat("x", 64<<20), Meta{}, start)
	if got, err := l.Event(t.Context(), "big", big); !errors.Is(err, ErrNotAnEvent) {
		t.Errorf("read %d bytes of an object put by hand, %v, want ErrNotAnEvent", len(got), err)
	}
}

func TestAWindowAllowsForClocks(t *testing.T) {
	b := newBucket()
	// S3's clock is behind that of Record's function.
	b.add("events/r", "1", Meta{Execution: "e1", RecordedAt: start.Add(9 * time.Second), StartedAt: start}, start.Add(2*time.Second))
	from := start.Add(8 * time.Second)
	ids, _, err := New(b, "log").Resources(t.Context(), &replay.Window{From: &from}, "", 10)
	if err != nil || !slices.Equal(ids, []string{"r"}) {
		t.Errorf("got %v, %v, want r, which was recorded in the window", ids, err)
	}
}

// Step Functions' clock may be further ahead of S3's than the allowance. Such a version is sorted where it is read, and
// is not left out.
func TestAVersionFromTheFutureIsNotLeftOut(t *testing.T) {
	b := newBucket()
	b.add("events/r", "v", meta("future", start.Add(200*time.Second)), start.Add(40*time.Second))
	b.add("events/r", "y", meta("older", start.Add(50*time.Second)), start.Add(50*time.Second))
	b.add("events/r", "x", meta("newest", start.Add(100*time.Second)), start.Add(100*time.Second))
	l := New(b, "log")
	if got, want := executions(t, l, "r"), []string{"newest", "future", "older"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var paged []string
	for cursor, pages := "", 0; cursor != "" || pages == 0; pages++ {
		page, next, err := l.Page(t.Context(), "r", cursor, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page {
			paged = append(paged, v.Execution)
		}
		cursor = next
	}
	if len(paged) != 3 {
		t.Errorf("pages have %v, want all three", paged)
	}
}
