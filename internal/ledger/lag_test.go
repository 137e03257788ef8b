package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// The index still has failures that have left the quarantine. Reading it page by page must neither end at them nor pass
// over others.
func TestTheQuarantineIsCompleteWhileItsIndexLags(t *testing.T) {
	for _, size := range []int{1, 2, 3, 50} {
		table := awstest.NewTable()
		l := ledger.New(table, awstest.TableName)
		var all []ledger.Failure
		for i := range 40 {
			f := failure(fmt.Sprint("x-", i*i*31%997, "-", i), start.Add(time.Duration(i)*time.Second))
			f.Status = ledger.Quarantined
			_, err := l.AddFailure(t.Context(), f)
			ok(t, err)
			all = append(all, f)
		}
		table.Freeze()
		var want []string
		for i, f := range slices.Backward(all) {
			if i >= 10 && i%3 > 0 {
				ok(t, l.MoveFailure(t.Context(), f, ledger.Move{To: ledger.Healed}, ledger.Quarantined))
				continue
			}
			want = append(want, f.Execution)
		}
		var got []string
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			rows, next, err := l.Quarantine(t.Context(), ledger.QuarantineFilter{Since: start.Add(-time.Hour)}, cursor, size)
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
	r := ledger.Replay{ID: "p", Status: replay.Pending, CreatedAt: ledger.At(start)}
	ok(t, l.AddReplay(t.Context(), r))
	entries := make([]ledger.Entry, 40)
	for i := range entries {
		entries[i].ResourceID = fmt.Sprint("r", i)
	}
	ok(t, l.AddPage(t.Context(), r, ledger.Page{ReplayID: "p", Next: "more"}, entries, false))
	ok(t, l.AddPage(t.Context(), r, ledger.Page{ReplayID: "p", Number: 1}, entries[:3], false))
	table.Freeze()
	var want []string
	for i := range entries {
		it, err := l.Item(t.Context(), "p", 0, i, 0)
		ok(t, err)
		if i%3 == 0 {
			want = append(want, it.ResourceID)
			continue
		}
		ok(t, l.ChangeItems(t.Context(), "p", []ledger.ItemChange{{Item: it, To: replay.Skipped, Reason: "a test", At: ledger.At(start)}}))
	}
	want = append(want, "r0", "r1", "r2")
	r, err := l.Replay(t.Context(), "p")
	ok(t, err)
	for _, size := range []int{1, 7, 50} {
		var got []string
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			rows, next, err := l.Items(t.Context(), r, replay.Waiting, cursor, size)
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
