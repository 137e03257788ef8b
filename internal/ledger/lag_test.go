package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/memory"
	"github.com/ce873799/replayable-ingestion/dev/testkit"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

// The index still has failures that have left the quarantine. Reading it page by page must neither end at them nor pass
// over others.
func TestTheQuarantineIsCompleteWhileItsIndexLags(t *testing.T) {
	for _, size := range []int{1, 2, 3, 50} {
		table := memory.NewTable()
		l := ledger.New(table, testkit.Table)
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
