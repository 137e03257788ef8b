package ledger_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/errs"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

const perWindow = int(ledger.PaceWindow / time.Second) // of one start per second

func reserve(t *testing.T, l *ledger.Ledger, b ledger.Budget, c ledger.Claimant, n int, now time.Time) ledger.Reserved {
	t.Helper()
	got, err := l.Pace.Reserve(t.Context(), b, c, n, now)
	ok(t, err)
	return got
}

func TestStartsAreReservedWindowByWindow(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	b, c := ledger.Own("p", 3), ledger.Claimant{Name: "p"}
	now := start.Add(2 * time.Second)
	window := now.Truncate(ledger.PaceWindow)
	for w := range 4 {
		at := window.Add(time.Duration(w) * ledger.PaceWindow)
		want(t, "two chunks", reserve(t, l, b, c, 10, now), ledger.Reserved{At: at, N: 10})
		want(t, "what is left of the window", reserve(t, l, b, c, 10, now), ledger.Reserved{At: at, N: 5})
	}
	want(t, "when all are full", reserve(t, l, b, c, 10, now), ledger.Reserved{At: window.Add(ledger.PaceWindow)})
	late := now.Add(time.Hour)
	want(t, "an hour later", reserve(t, l, b, c, 1, late), ledger.Reserved{At: late.Truncate(ledger.PaceWindow), N: 1})
}

func TestAPatientClaimIsReservedFarAhead(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	b, c := ledger.Own("p", 1), ledger.Claimant{Name: "p", Patient: true}
	for i := range 60 * perWindow {
		at := start.Truncate(ledger.PaceWindow).Add(time.Duration(i/perWindow) * ledger.PaceWindow)
		want(t, fmt.Sprint("start ", i), reserve(t, l, b, c, 1, start), ledger.Reserved{At: at, N: 1})
	}
}

// run has claimants reserve all that they can in every second, and returns what each got in every window.
func run(t *testing.T, l *ledger.Ledger, b ledger.Budget, seconds int, claims func(second int) []ledger.Claimant) map[string]map[int64]int {
	t.Helper()
	got := map[string]map[int64]int{}
	for s := range seconds {
		for _, c := range claims(s) {
			for {
				r := reserve(t, l, b, c, 10, start.Add(time.Duration(s)*time.Second))
				if r.N == 0 {
					break
				}
				if got[c.Name] == nil {
					got[c.Name] = map[int64]int{}
				}
				got[c.Name][r.At.Unix()] += r.N
			}
		}
	}
	return got
}

func TestASmallReplayIsNotStarvedByALargeOne(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	b := ledger.Starts(30)
	large, small := ledger.Claimant{Name: "large"}, ledger.Claimant{Name: "small"}
	got := run(t, l, b, 120, func(s int) []ledger.Claimant {
		if s < 60 {
			return []ledger.Claimant{large}
		}
		return []ledger.Claimant{large, small}
	})
	for at := start.Unix(); at < start.Unix()+120; at += 5 {
		if sum := got["large"][at] + got["small"][at]; sum > 150 {
			t.Errorf("%d starts in a window, want at most 150", sum)
		}
	}
	for at, share := range map[int64]int{start.Unix() + 30: 150, start.Unix() + 100: 75} {
		if got["large"][at] != share || got["small"][at] != 150-share {
			t.Errorf("after %d s got %d and %d, want %d for the large one", at-start.Unix(), got["large"][at], got["small"][at], share)
		}
	}
	first := start.Unix() + 60
	for ; got["small"][first] == 0; first++ {
	}
	if wait := first - start.Unix() - 60; wait > 25 {
		t.Errorf("the small replay waited %d s, want at most 25", wait)
	}
}

func TestWhatOneDoesNotWantIsForTheOthers(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	b := ledger.Starts(30)
	claims := []ledger.Claimant{{Name: "a"}, {Name: "b", MaxPerSecond: 2}, {Name: ledger.AutoClaimant}}
	got := run(t, l, b, 120, func(int) []ledger.Claimant { return claims })
	at := start.Unix() + 100
	want(t, "a", got["a"][at], 70)
	want(t, "b", got["b"][at], 10)
	want(t, "auto", got[ledger.AutoClaimant][at], 70)
	for c, share := range map[ledger.Claimant]float64{claims[0]: 14, claims[1]: 2, {Name: "new"}: 9.4} {
		s, err := l.Pace.Rate(t.Context(), b, c, start.Add(119*time.Second))
		ok(t, err)
		if s < share-0.21 || s > share+0.21 {
			t.Errorf("share of %s is %.2f, want %.2f", c.Name, s, share)
		}
	}
	s, err := l.Pace.Rate(t.Context(), b, claims[0], start.Add(10*time.Minute))
	ok(t, err)
	want(t, "share alone", s, 30)
}

// However many reserve at once, no window has more than the budget.
func TestStartsAreReservedByManyAtOnce(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	var mu sync.Mutex
	var group sync.WaitGroup
	used := map[time.Time]int{}
	for i := range 200 {
		group.Go(func() {
			r, err := l.Pace.Reserve(t.Context(), ledger.Starts(10), ledger.Claimant{Name: fmt.Sprint("r", i%3)}, 1+i%10, start)
			if err != nil && !errs.Transient(err) {
				t.Errorf("got %v, want a reservation or a fault that passes", err)
			}
			mu.Lock()
			defer mu.Unlock()
			used[r.At] += r.N
		})
	}
	group.Wait()
	total := 0
	for at, n := range used {
		if total += n; n > 50 {
			t.Errorf("%d starts in the window of %s, want at most 50", n, at)
		}
	}
	if total < 150 {
		t.Errorf("reserved %d in 4 windows of 50, want most of them", total)
	}
}
