package ledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// note lists n ends, each row at a second of its own, of so many ends each. Every third has failed.
func note(t *testing.T, l *ledger.Ledger, from time.Time, n, each int) (names []string) {
	t.Helper()
	for i := 0; i < n; i += each {
		var ends []domain.End
		for j := i; j < min(n, i+each); j++ {
			end := domain.End{Name: fmt.Sprintf("e%05d", j), Status: replay.EndSucceeded, ResourceID: fmt.Sprint("r", j%10), OwnerID: fmt.Sprint("o", j%2)}
			if j%3 == 0 {
				end.Status, end.Error = replay.EndFailed, "Broken"
			}
			ends, names = append(ends, end), append(names, end.Name)
		}
		ok(t, l.Ends.Note(t.Context(), ends, from.Add(time.Duration(i/each)*time.Second)))
	}
	return names
}

// listed reads all pages of a list.
func listed(t *testing.T, l *ledger.Ledger, f domain.EndFilter, now time.Time, limit int) (names []string) {
	t.Helper()
	for cursor := ""; ; {
		ends, next, err := l.Ends.List(t.Context(), f, now, cursor, limit)
		ok(t, err)
		for _, e := range ends {
			names = append(names, e.Name)
		}
		if cursor = next; cursor == "" {
			return names
		}
	}
}

func TestEndsAreListedNewestFirst(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	midnight := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	from := midnight.Add(-30 * time.Second) // over the end of a day
	names := note(t, l, from, 700, 7)
	now := midnight.Add(time.Hour)
	for _, limit := range []int{1, 5, 7, 8, 100, 1000} {
		got := listed(t, l, domain.EndFilter{}, now, limit)
		if len(got) != len(names) || !slices.Equal(slices.Sorted(slices.Values(got)), names) || got[0][:4] != "e006" || got[699][:4] != "e000" {
			t.Errorf("by %d: got %d ends from %s to %s, want all %d once, the newest row first", limit, len(got), got[0], got[len(got)-1], len(names))
		}
	}
	for _, tt := range []struct {
		name   string
		filter domain.EndFilter
		want   int
	}{
		{"by status", domain.EndFilter{Status: replay.EndFailed}, 234},
		{"by resource", domain.EndFilter{ResourceID: "r4"}, 70},
		{"by owner and error", domain.EndFilter{OwnerID: "o1", Error: func(e string) bool { return e == "Broken" }}, 117},
		{"since a time", domain.EndFilter{Since: midnight}, 490},
		{"until a time", domain.EndFilter{Until: midnight}, 210},
		{"of a span", domain.EndFilter{Since: from.Add(time.Second), Until: from.Add(2 * time.Second)}, 7},
		{"of nobody", domain.EndFilter{OwnerID: "o3"}, 0},
	} {
		if got := listed(t, l, tt.filter, now, 10); len(got) != tt.want {
			t.Errorf("%s: got %d ends, want %d", tt.name, len(got), tt.want)
		}
	}
	if got := listed(t, l, domain.EndFilter{}, midnight.Add(replay.EndsKept), 100); len(got) != 490 {
		t.Errorf("got %d ends after three days, want the 490 that are not older", len(got))
	}
	if _, _, err := l.Ends.List(t.Context(), domain.EndFilter{}, now, "forged", 10); !errors.Is(err, ledger.ErrCursor) {
		t.Errorf("a forged cursor: got %v, want ErrCursor", err)
	}
}

func TestAFilteredListOfEndsLooksAtABoundedNumber(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	from := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	note(t, l, from, 25_000, 50)
	pages, cursor := 0, ""
	for more := true; more; more = cursor != "" {
		ends, next, err := l.Ends.List(t.Context(), domain.EndFilter{OwnerID: "nobody"}, from.Add(time.Hour), cursor, 10)
		if ok(t, err); len(ends) > 0 {
			t.Fatalf("got %v, want none", ends)
		}
		pages, cursor = pages+1, next
	}
	if pages != 3 {
		t.Errorf("got %d pages, want 3 of at most 10,000 ends each", pages)
	}
}

func TestEndsAreFollowedWithoutAGapOrARepeat(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	begin := time.Date(2026, 11, 2, 23, 59, 30, 0, time.UTC)
	var got, want []string
	cursor := ""
	for second := range 120 {
		now := begin.Add(time.Duration(second) * time.Second)
		if second%3 == 0 && second < 90 {
			var ends []domain.End
			for i := range 8 {
				ends = append(ends, domain.End{Name: fmt.Sprintf("e%03d-%d", second, i), Status: replay.EndSucceeded})
				want = append(want, ends[i].Name)
			}
			ok(t, l.Ends.Note(t.Context(), ends, now))
		}
		for page := true; page; {
			ends, next, err := l.Ends.Follow(t.Context(), domain.EndFilter{Since: begin}, now, cursor, 3)
			if ok(t, err); next == "" {
				t.Fatal("there is no place to go on from")
			}
			for _, e := range ends {
				got = append(got, e.Name)
				if now.Sub(e.ReportedAt.Time) < 5*time.Second {
					t.Errorf("%s was shown after %s: what has its time may still be written", e.Name, now.Sub(e.ReportedAt.Time))
				}
			}
			cursor, page = next, len(ends) > 0
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d ends %v, want the %d in their order", len(got), got, len(want))
	}
}

func TestWhoFollowsFromLongAgoBeginsWhereTheListDoes(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	begin := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	note(t, l, begin, 1, 1)
	note(t, l, begin.Add(48*time.Hour), 5, 5)
	ends, next, err := l.Ends.Follow(t.Context(), domain.EndFilter{Since: begin.Add(-30 * 24 * time.Hour)}, begin.Add(73*time.Hour), "", 100)
	if ok(t, err); len(ends) != 5 {
		t.Errorf("got %d ends, want the 5 of the last three days", len(ends))
	}
	if ends, _, err = l.Ends.Follow(t.Context(), domain.EndFilter{}, begin.Add(74*time.Hour), next, 100); err != nil || len(ends) > 0 {
		t.Errorf("got %v, %v, want nothing new", ends, err)
	}
}

func TestTheNewestExecutionOfEachResource(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for i := range 30 {
		_, err := l.Executions.Add(t.Context(), domain.Execution{
			Name: fmt.Sprint("x", i), Mode: domain.Live, Status: domain.Succeeded, ResourceID: fmt.Sprint("r", i%10), VersionID: fmt.Sprint("v", i),
			RecordedAt: domain.At(at.Add(time.Duration(i) * time.Minute)), StartedAt: domain.At(at.Add(time.Duration(i) * time.Minute)),
		})
		ok(t, err)
	}
	got, err := l.Executions.Newest(t.Context(), []string{"r0", "r3", "none", "r9"})
	if ok(t, err); len(got) != 3 || got["r0"].Name != "x20" || got["r3"].Name != "x23" || got["r9"].Name != "x29" {
		t.Errorf("got %+v, want x20, x23 and x29", got)
	}
}
