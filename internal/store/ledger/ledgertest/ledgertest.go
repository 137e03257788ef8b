// Package ledgertest tests that a ledger does what the handlers expect of it, over any table. The ledger's own tests
// run it over the table in memory, those of module test over a served one. That shows that the two behave alike.
package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// Start is the time at which tests begin.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// Run runs all tests. Each uses its own keys.
func Run(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *ledger.Ledger){
		"an execution is added once":                       addedOnce,
		"an execution moves forward only":                  forwardOnly,
		"a live execution leaves the open ones":            leavesOpen,
		"a replay stays open until it is followed up":      followedUp,
		"failures move between statuses":                   failureMoves,
		"the quarantine is listed newest first":            quarantine,
		"an owner's resources come page by page":           owned,
		"a history holds what is about its versions":       history,
		"a replay is added once, also after a lost answer": addReplay,
		"a replay counts as many items as it has":          counts,
		"items change once, whoever comes first":           concurrentItems,
		"items are listed by page and by outcome":          listItems,
		"an item is bound once, before its execution":      bind,
		"a lease excludes others until it ends":            lease,
		"a failed condition without a row is not found":    notFound,
	} {
		t.Run(name, func(t *testing.T) { test(t, l) })
	}
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Live is an execution that records an event.
func Live(name, resource string, at time.Time) domain.Execution {
	return domain.Execution{
		Name: name, Mode: domain.Live, Status: domain.Running, ResourceID: resource, VersionID: "v-" + name,
		StartedAt: domain.At(at), RecordedAt: domain.At(at),
	}
}

// addExecution adds a row that does not exist. It also succeeds if the row exists: the emulator may close a connection
// before its response has arrived, and the SDK tries again.
func addExecution(t *testing.T, l *ledger.Ledger, e domain.Execution) {
	t.Helper()
	present, err := l.Executions.Add(t.Context(), e)
	if errors.Is(err, ledger.ErrConflict) && present.VersionID == e.VersionID && present.StartedAt == e.StartedAt {
		return
	}
	ok(t, err)
}

func addFailure(t *testing.T, l *ledger.Ledger, f domain.Failure) {
	t.Helper()
	present, err := l.Failures.Add(t.Context(), f)
	if errors.Is(err, ledger.ErrConflict) && present.FailedAt == f.FailedAt && present.Error == f.Error {
		return
	}
	ok(t, err)
}

func addedOnce(t *testing.T, l *ledger.Ledger) {
	first := Live("once", "r-once", Start)
	addExecution(t, l, first)
	second := first
	second.VersionID = "another"
	got, err := l.Executions.Add(t.Context(), second)
	if !errors.Is(err, ledger.ErrConflict) || got.VersionID != "v-once" {
		t.Errorf("got version %q, %v, want the first one and ErrConflict", got.VersionID, err)
	}
	read, err := l.Executions.Get(t.Context(), "once")
	ok(t, err)
	want(t, "started", read.StartedAt, first.StartedAt)
	want(t, "stopped", read.StoppedAt.IsZero(), true)
}

func forwardOnly(t *testing.T, l *ledger.Ledger) {
	addExecution(t, l, Live("fwd", "r-fwd", Start))
	end := func(s domain.ExecutionStatus, after time.Duration, redrive int) domain.Ended {
		return domain.Ended{Name: "fwd", Status: s, Error: "E-" + string(s), StoppedAt: Start.Add(after), RedriveCount: redrive}
	}
	steps := []struct {
		name  string
		ended domain.Ended
		err   error
		want  domain.ExecutionStatus
	}{
		{"the first end counts", end(domain.Failed, time.Minute, 0), nil, domain.Failed},
		{"the same end again changes nothing", end(domain.Failed, time.Minute, 0), ledger.ErrConflict, domain.Failed},
		{"an earlier one changes nothing", end(domain.Aborted, time.Second, 0), ledger.ErrConflict, domain.Failed},
		{"a redrive counts", end(domain.Succeeded, 2*time.Minute, 1), nil, domain.Succeeded},
		{"a late message of the first run does not", end(domain.Failed, time.Hour, 0), ledger.ErrConflict, domain.Succeeded},
	}
	for _, s := range steps {
		row, err := l.Executions.RecordOutcome(t.Context(), s.ended)
		if !errors.Is(err, s.err) || row.Status != s.want {
			t.Errorf("%s: got %s, %v, want %s, %v", s.name, row.Status, err, s.want, s.err)
		}
	}
	row, err := l.Executions.Get(t.Context(), "fwd")
	ok(t, err)
	want(t, "error of a succeeded execution", row.Error, "")
}

func openNames(t *testing.T, l *ledger.Ledger, by time.Time) (names []string) {
	t.Helper()
	for shard := range ledger.Shards {
		rows, _, err := l.Executions.Open(t.Context(), shard, by, nil, "", 100)
		ok(t, err)
		for _, r := range rows {
			names = append(names, r.Name)
		}
	}
	return names
}

func leavesOpen(t *testing.T, l *ledger.Ledger) {
	for _, mode := range []domain.Mode{domain.Live, domain.API} {
		e := Live("open-"+string(mode), "r-open", Start)
		e.Mode = mode
		addExecution(t, l, e)
		want(t, "open before", slices.Contains(openNames(t, l, Start.Add(time.Hour)), e.Name), true)
		want(t, "open before its time", slices.Contains(openNames(t, l, Start.Add(-time.Hour)), e.Name), false)
		e, err := l.Executions.MarkPublished(t.Context(), e, domain.Published{Name: e.Name, At: Start.Add(time.Minute)})
		ok(t, err)
		want(t, "status", e.Status, domain.Succeeded)
		// Only the end of its execution records the item of a requested replay.
		want(t, "open after publishing "+string(mode), slices.Contains(openNames(t, l, Start.Add(time.Hour)), e.Name), mode == domain.API)
		_, err = l.Executions.RecordOutcome(t.Context(), domain.Ended{Name: e.Name, Status: domain.Succeeded, StoppedAt: Start.Add(time.Minute)})
		ok(t, err)
		want(t, "open after its end", slices.Contains(openNames(t, l, Start.Add(time.Hour)), e.Name), false)
	}
}

// Failure is a waiting failure.
func Failure(name string, at time.Time) domain.Failure {
	return domain.Failure{
		Execution: name, Root: name, Status: domain.Waiting, ResourceID: "r-" + name, VersionID: "v", Error: "Boom",
		FailedAt: domain.At(at), FirstAt: domain.At(at), RecordedAt: domain.At(at), DueAt: domain.At(at.Add(time.Minute)),
	}
}

func dueNames(t *testing.T, l *ledger.Ledger, now time.Time) (names []string) {
	t.Helper()
	for shard := range ledger.Shards {
		rows, _, err := l.Failures.Due(t.Context(), shard, now, "", 100)
		ok(t, err)
		for _, r := range rows {
			names = append(names, r.Execution)
		}
	}
	return names
}

func followedUp(t *testing.T, l *ledger.Ledger) {
	e := Live("rp-followed", "r-followed", Start)
	e.Mode = domain.API
	addExecution(t, l, e)
	_, err := l.Executions.RecordOutcome(t.Context(), domain.Ended{Name: e.Name, Status: domain.Succeeded, StoppedAt: Start.Add(time.Minute)})
	ok(t, err)
	want(t, "open after its end", slices.Contains(openNames(t, l, Start.Add(time.Hour)), e.Name), true)
	ok(t, l.Executions.MarkFollowedUp(t.Context(), e.Name))
	want(t, "open after it was followed up", slices.Contains(openNames(t, l, Start.Add(time.Hour)), e.Name), false)
}

func failureMoves(t *testing.T, l *ledger.Ledger) {
	f, err := l.Failures.Add(t.Context(), Failure("moves", Start))
	ok(t, err)
	want(t, "due too early", slices.Contains(dueNames(t, l, Start), "moves"), false)
	want(t, "due", slices.Contains(dueNames(t, l, Start.Add(time.Minute)), "moves"), true)
	ok(t, l.Failures.Move(t.Context(), f, domain.Move{To: domain.Retrying, Decision: "sent", DueAt: Start.Add(time.Hour)}, domain.Waiting))
	want(t, "due while it is retried", slices.Contains(dueNames(t, l, Start.Add(time.Minute)), "moves"), false)
	want(t, "due for a second look", slices.Contains(dueNames(t, l, Start.Add(time.Hour)), "moves"), true)
	if err := l.Failures.Move(t.Context(), f, domain.Move{To: domain.Superseded}, domain.Waiting); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("a stale move: got %v, want ErrConflict", err)
	}
	f, err = l.Failures.Get(t.Context(), domain.FailureID("moves", 0))
	ok(t, err)
	want(t, "decision", f.Decision, "sent")
	ok(t, l.Failures.Move(t.Context(), f, domain.Move{To: domain.Healed, HealedBy: "ar-1"}, domain.Retrying))
	want(t, "due after it healed", slices.Contains(dueNames(t, l, Start.Add(2*time.Hour)), "moves"), false)
	if _, err := l.Failures.Add(t.Context(), Failure("moves", Start)); !errors.Is(err, ledger.ErrConflict) {
		t.Errorf("the same failure again: got %v, want ErrConflict", err)
	}
}

func quarantine(t *testing.T, l *ledger.Ledger) {
	var expect []string
	for i := range 25 {
		f := Failure(fmt.Sprintf("quarantined-%02d", i), Start.Add(time.Duration(i)*time.Second))
		f.Status = domain.Quarantined
		addFailure(t, l, f)
		expect = append([]string{f.Execution}, expect...)
	}
	var got []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		rows, next, err := l.Failures.List(t.Context(), domain.FailureFilter{}, cursor, 7)
		ok(t, err)
		for _, r := range rows {
			got = append(got, r.Execution)
		}
		if cursor = next; pages > 10 {
			t.Fatal("pages without end")
		}
	}
	if !slices.Equal(got, expect) {
		t.Errorf("got %v, want %v", got, expect)
	}
}

func owned(t *testing.T, l *ledger.Ledger) {
	expect := map[string]bool{}
	for i := range 150 {
		id := fmt.Sprintf("res/%d #%d", i, i%7)
		expect[id] = true
		ok(t, l.Owners.Note(t.Context(), "owner#1", id, domain.At(Start)))
	}
	ok(t, l.Owners.Note(t.Context(), "owner", "of another owner", domain.At(Start)))
	for _, size := range []int{1000, 98, 7, 1} {
		got := map[string]bool{}
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			ids, next, err := l.Owners.Resources(t.Context(), "owner#1", time.Time{}, cursor, size)
			ok(t, err)
			if len(ids) > size || pages > 400 {
				t.Fatalf("page %d has %d ids of at most %d", pages, len(ids), size)
			}
			for _, id := range ids {
				if got[id] || !expect[id] {
					t.Errorf("pages of %d: %q comes twice or is not the owner's", size, id)
				}
				got[id] = true
			}
			cursor = next
		}
		want(t, fmt.Sprintf("resources in pages of %d", size), len(got), len(expect))
	}
	if _, _, err := l.Owners.Resources(t.Context(), "owner#1", time.Time{}, "nonsense", 10); !errors.Is(err, ledger.ErrCursor) {
		t.Errorf("a made-up cursor: got %v, want ErrCursor", err)
	}
	ids, next, err := l.Owners.Resources(t.Context(), "nobody", time.Time{}, "", 10)
	ok(t, err)
	want(t, "resources of an unknown owner", len(ids)+len(next), 0)
}

func history(t *testing.T, l *ledger.Ledger) {
	old, recent := Live("h-old", "r-h", Start), Live("h-new", "r-h", Start.Add(time.Hour))
	again := Live("h-again", "r-h", Start.Add(2*time.Hour))
	again.VersionID, again.RecordedAt, again.Mode = old.VersionID, old.RecordedAt, domain.API
	for _, e := range []domain.Execution{old, recent, again} {
		addExecution(t, l, e)
	}
	f := Failure("h-old", Start.Add(time.Minute))
	f.ResourceID, f.RecordedAt = "r-h", old.RecordedAt
	addFailure(t, l, f)
	h, err := l.Executions.History(t.Context(), "r-h", Start, Start)
	ok(t, err)
	var names []string
	for _, e := range h.Executions {
		names = append(names, e.Name)
	}
	if !slices.Equal(names, []string{"h-old", "h-again"}) || len(h.Failures) != 1 {
		t.Errorf("got executions %v and %d failures, want those of the old version, in order, and its failure", names, len(h.Failures))
	}
	h, err = l.Executions.History(t.Context(), "r-h", Start, Start.Add(time.Hour))
	ok(t, err)
	want(t, "executions of both versions", len(h.Executions), 3)
}
