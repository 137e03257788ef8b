package ledger_test

import (
	"sync"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/fault"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
)

func TestStartsAreReservedWindowByWindow(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	const rate = 3
	now := start.Add(2 * time.Second)
	window := now.Truncate(ledger.PaceWindow)
	for i := range 4 * rate * 5 {
		got, err := l.Pace.Reserve(t.Context(), "p", rate, now)
		ok(t, err)
		want(t, "window", got, window.Add(time.Duration(i/(rate*5))*ledger.PaceWindow))
	}
	other, err := l.Pace.Reserve(t.Context(), "q", rate, now)
	ok(t, err)
	want(t, "window of another replay", other, window)
	late := now.Add(time.Hour)
	got, err := l.Pace.Reserve(t.Context(), "p", rate, late)
	ok(t, err)
	want(t, "window an hour later", got, late.Truncate(ledger.PaceWindow))
}

// However many reserve at once, no window has more than its share.
func TestStartsAreReservedByManyAtOnce(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	var mu sync.Mutex
	var group sync.WaitGroup
	used := map[time.Time]int{}
	for range 200 {
		group.Go(func() {
			at, err := l.Pace.Reserve(t.Context(), "p", 1, start)
			if err != nil && !fault.Transient(err) {
				t.Errorf("got %v, want a reservation or a fault that passes", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				used[at]++
			}
		})
	}
	group.Wait()
	for at, n := range used {
		if n > 5 {
			t.Errorf("%d starts in the window of %s, want at most 5", n, at)
		}
	}
}
