package ledgertest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Finish ends a replay if all of its items have outcomes.
func Finish(t *testing.T, l *ledger.Ledger, id string, at time.Time) {
	t.Helper()
	r, err := l.Replays.Get(t.Context(), id)
	ok(t, err)
	r, err = l.Replays.Count(t.Context(), r)
	ok(t, err)
	ok(t, l.Replays.Finish(t.Context(), r, domain.At(at)))
}

// NewReplay adds a replay with pages of the given numbers of items.
func NewReplay(t *testing.T, l *ledger.Ledger, id string, pages ...int) domain.Replay {
	t.Helper()
	ok(t, l.Replays.Add(t.Context(), domain.Replay{ID: id, Status: replay.Pending, CreatedAt: domain.At(Start), Reason: "x"}))
	for n, size := range pages {
		ids := make([]string, size)
		for i := range ids {
			ids[i] = fmt.Sprintf("%s-%d-%d", id, n, i)
		}
		p := domain.Page{ReplayID: id, Number: n, Next: "more"}
		if n == len(pages)-1 {
			p.Next = ""
		}
		ok(t, l.Pages.Add(t.Context(), domain.Replay{ID: id}, p, Entries(ids), false))
		if err := l.Pages.Add(t.Context(), domain.Replay{ID: id}, p, Entries(ids), false); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("page %d again: got %v, want ErrConflict", n, err)
		}
	}
	r, err := l.Replays.Get(t.Context(), id)
	ok(t, err)
	return r
}

func addReplay(t *testing.T, l *ledger.Ledger) {
	r := domain.Replay{ID: "again", Status: replay.Pending, CreatedAt: domain.At(Start), Reason: "x", RequestedBy: "me"}
	ok(t, l.Replays.Add(t.Context(), r))
	ok(t, l.Replays.Add(t.Context(), r)) // as the SDK does after a lost response
	r.Reason = "another"
	if err := l.Replays.Add(t.Context(), r); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("another replay under the same id: got %v, want ErrConflict", err)
	}
}

func counts(t *testing.T, l *ledger.Ledger) {
	r := NewReplay(t, l, "counts", ledger.MaxPageItems, 3)
	want(t, "matched", r.Matched, ledger.MaxPageItems+3)
	want(t, "status", r.Status, replay.Running)
	Finish(t, l, r.ID, Start)
	r, err := l.Replays.Get(t.Context(), r.ID)
	ok(t, err)
	want(t, "status while items are open", r.Status, replay.Running)
	for page, size := range []int{ledger.MaxPageItems, 3} {
		var changes []domain.ItemChange
		for i := range size {
			it, err := l.Items.Get(t.Context(), r.ID, page, i, 0)
			ok(t, err)
			to := []replay.Outcome{replay.Succeeded, replay.Failed, replay.Skipped}[i%3]
			ch := domain.ItemChange{Item: it, To: to, Reason: "why", At: domain.At(Start)}
			if to != replay.Skipped {
				ch.ARN = "arn"
			}
			changes = append(changes, ch)
		}
		ok(t, l.Items.Change(t.Context(), r.ID, changes))
		if err := l.Items.Change(t.Context(), r.ID, changes); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("the same changes again: got %v, want ErrConflict", err)
		}
	}
	Finish(t, l, r.ID, Start.Add(time.Hour))
	r, err = l.Replays.Get(t.Context(), r.ID)
	ok(t, err)
	want(t, "status", r.Status, replay.Completed)
	want(t, "counts", r.Counts(), replay.Counts{Matched: 101, Started: 68, Skipped: 33, Succeeded: 34, Failed: 34})
	want(t, "open", r.Open(), 0)
}

func concurrentItems(t *testing.T, l *ledger.Ledger) {
	r := NewReplay(t, l, "race", 40)
	var wg sync.WaitGroup
	var won sync.Map
	for worker := range 4 {
		wg.Go(func() {
			for i := range 40 {
				it, err := l.Items.Get(t.Context(), r.ID, 0, i, 0)
				if err != nil {
					t.Error(err)
					return
				}
				if it.Outcome.Final() {
					continue
				}
				err = l.Items.Change(t.Context(), r.ID, []domain.ItemChange{{Item: it, To: replay.Succeeded, ARN: "arn", At: domain.At(Start)}})
				if err == nil {
					if other, twice := won.LoadOrStore(i, worker); twice {
						t.Errorf("item %d was changed by %v and %d", i, other, worker)
					}
				} else if !errors.Is(err, ledger.ErrConflict) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	r, err := l.Replays.Get(t.Context(), r.ID)
	ok(t, err)
	r, err = l.Replays.Count(t.Context(), r)
	ok(t, err)
	want(t, "counts", r.Counts(), replay.Counts{Matched: 40, Started: 40, Succeeded: 40})
}

func listItems(t *testing.T, l *ledger.Ledger) {
	r := NewReplay(t, l, "list", 5, 0, 4)
	it, err := l.Items.Get(t.Context(), r.ID, 2, 1, 0)
	ok(t, err)
	ok(t, l.Items.Change(t.Context(), r.ID, []domain.ItemChange{{Item: it, To: replay.Failed, Reason: "Boom", At: domain.At(Start)}}))
	for _, size := range []int{100, 4, 1} {
		for outcome, expect := range map[replay.Outcome]int{"": 9, replay.Waiting: 8, replay.Failed: 1, replay.Skipped: 0} {
			seen := map[string]bool{}
			for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
				items, next, err := l.Items.List(t.Context(), r, outcome, cursor, size)
				ok(t, err)
				for _, i := range items {
					if seen[i.ResourceID] || outcome != "" && i.Outcome != outcome {
						t.Errorf("%s pages of %d: item %+v comes twice or has another outcome", outcome, size, i)
					}
					seen[i.ResourceID] = true
				}
				if cursor = next; pages > 20 {
					t.Fatal("pages without end")
				}
			}
			want(t, fmt.Sprintf("%q items in pages of %d", outcome, size), len(seen), expect)
		}
	}
	if _, _, err := l.Items.List(t.Context(), r, "", "99#x", 10); !errors.Is(err, ledger.ErrCursor) {
		t.Errorf("a made-up cursor: got %v, want ErrCursor", err)
	}
}

func bind(t *testing.T, l *ledger.Ledger) {
	r := NewReplay(t, l, "bind", 1)
	it, err := l.Items.Get(t.Context(), r.ID, 0, 0, 0)
	ok(t, err)
	e := Live("rp-bind", it.ResourceID, Start)
	e.Mode, e.Status = domain.API, domain.Starting
	ok(t, l.Items.Bind(t.Context(), it, e))
	other := e
	other.Name, other.VersionID = "rp-other", "v-other"
	if err := l.Items.Bind(t.Context(), it, other); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("bound twice: got %v, want ErrConflict", err)
	}
	if _, err := l.Executions.Get(t.Context(), "rp-other"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("the second binding left a row: %v", err)
	}
	it, err = l.Items.Get(t.Context(), r.ID, 0, 0, 0)
	ok(t, err)
	want(t, "bound version", it.VersionID, e.VersionID)
}

func lease(t *testing.T, l *ledger.Ledger) {
	until := Start.Add(time.Minute)
	ok(t, l.Leases.Acquire(t.Context(), "job", "a", Start, until))
	ok(t, l.Leases.Acquire(t.Context(), "job", "a", Start, until))
	if err := l.Leases.Acquire(t.Context(), "job", "b", Start, until); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("held by another: got %v, want ErrConflict", err)
	}
	ok(t, l.Leases.Release(t.Context(), "job", "b"))
	if err := l.Leases.Acquire(t.Context(), "job", "b", Start, until); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("released by another: got %v, want ErrConflict", err)
	}
	ok(t, l.Leases.Acquire(t.Context(), "job", "b", until.Add(time.Second), until.Add(time.Hour)))
	ok(t, l.Leases.Release(t.Context(), "job", "b"))
	ok(t, l.Leases.Acquire(t.Context(), "job", "c", Start, until))
}

func notFound(t *testing.T, l *ledger.Ledger) {
	if _, err := l.Executions.RecordOutcome(t.Context(), domain.Ended{Name: "nobody", Status: domain.Failed, StoppedAt: Start}); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("recording the outcome of an execution without a row: got %v, want ErrNotFound", err)
	}
	if _, err := l.Replays.Get(t.Context(), "nobody"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func Entries(ids []string) (out []domain.Entry) {
	for _, id := range ids {
		out = append(out, domain.Entry{ResourceID: id})
	}
	return out
}
