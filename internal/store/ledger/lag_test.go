package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// The index still has failures that have left the quarantine. Reading it page by page must neither end at them nor pass
// over others.
func TestTheQuarantineIsCompleteWhileItsIndexLags(t *testing.T) {
	for _, size := range []int{1, 2, 3, 50} {
		table := awstest.NewTable()
		l := ledger.New(table, awstest.TableName)
		var all []domain.Failure
		for i := range 40 {
			f := failure(fmt.Sprint("x-", i*i*31%997, "-", i), start.Add(time.Duration(i)*time.Second))
			f.Status = domain.Quarantined
			_, err := l.Failures.Add(t.Context(), f)
			ok(t, err)
			all = append(all, f)
		}
		table.Freeze()
		var want []string
		for i, f := range slices.Backward(all) {
			if i >= 10 && i%3 > 0 {
				ok(t, l.Failures.Move(t.Context(), f, domain.Move{To: domain.Healed}, domain.Quarantined))
				continue
			}
			want = append(want, f.Execution)
		}
		var got []string
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			rows, next, err := l.Failures.List(t.Context(), domain.FailureFilter{Since: start.Add(-time.Hour)}, cursor, size)
			ok(t, err)
			for _, f := range rows {
				got = append(got, f.Execution)
			}
			if cursor = next; pages > 100 {
				t.Fatal("pages without end")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %v, want %v", size, got, want)
		}
	}
}

// The index still has items under an outcome that they no longer have.
func TestItemsByOutcomeAreCompleteWhileTheirIndexLags(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	r := domain.Replay{ID: "p", Status: replay.Pending, CreatedAt: domain.At(start)}
	ok(t, l.Replays.Add(t.Context(), r))
	entries := make([]domain.Entry, 40)
	for i := range entries {
		entries[i].ResourceID = fmt.Sprint("r", i)
	}
	ok(t, l.Pages.Add(t.Context(), r, domain.Page{ReplayID: "p", Next: "more"}, entries, false))
	ok(t, l.Pages.Add(t.Context(), r, domain.Page{ReplayID: "p", Number: 1}, entries[:3], false))
	table.Freeze()
	var want []string
	for i := range entries {
		it, err := l.Items.Get(t.Context(), "p", 0, i, 0)
		ok(t, err)
		if i%3 == 0 {
			want = append(want, it.ResourceID)
			continue
		}
		ok(t, l.Items.Change(t.Context(), "p", []domain.ItemChange{{Item: it, To: replay.Skipped, Reason: "a test", At: domain.At(start)}}))
	}
	want = append(want, "r0", "r1", "r2")
	r, err := l.Replays.Get(t.Context(), "p")
	ok(t, err)
	for _, size := range []int{1, 7, 50} {
		var got []string
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			rows, next, err := l.Items.List(t.Context(), r, replay.Waiting, cursor, size)
			ok(t, err)
			for _, it := range rows {
				got = append(got, it.ResourceID)
			}
			if cursor = next; pages > 100 || len(rows) > size {
				t.Fatalf("page %d has %d items of at most %d", pages, len(rows), size)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %v, want %v", size, got, want)
		}
	}
}
