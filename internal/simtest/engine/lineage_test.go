package engine

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// quarantine puts a failure into quarantine, whatever it was.
func quarantine(t *testing.T, e *Engine, execution string) {
	t.Helper()
	f := failure(t, e, execution)
	if err := e.Book.Failures.Move(t.Context(), f, domain.Move{To: domain.Quarantined, Decision: "a test"}, f.Status); err != nil {
		t.Fatal(err)
	}
}

// lastAttempt fails an event and its three automatic replays: the last failure is in quarantine.
func lastAttempt(t *testing.T, e *Engine) (attempts []string) {
	t.Helper()
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	for n := 1; n <= 3; n++ {
		attempts = append(attempts, domain.AutoName("live-1", n))
	}
	if f := failure(t, e, attempts[2]); f.Status != domain.Quarantined {
		t.Fatalf("got %+v, want the last attempt quarantined", f)
	}
	return attempts
}

// An automatic replay succeeds. The quarantined failures of its lineage leave the quarantine, and those that failed
// again do not change.
func TestASuccessHealsItsWholeLineage(t *testing.T) {
	e := inMemory(t)
	third := domain.AutoName("live-1", 3)
	e.Machine.Work = failing(outage, func(x string) bool { return x == third })
	e.Ingest("live-1", sale(1))
	e.Report()
	for e.Machine.Status(third) != types.ExecutionStatusRunning {
		backoff()
		e.Schedule()
		e.Listen(e.Replays.TakeAll()...)
		if e.Machine.Status(third) == "" {
			e.Machine.RunAll(t.Context())
			e.Report()
		}
	}
	quarantine(t, e, "live-1")
	e.Pump()
	for execution, want := range map[string]domain.FailureStatus{
		"live-1": domain.Healed, domain.AutoName("live-1", 1): domain.FailedAgain, domain.AutoName("live-1", 2): domain.Healed,
	} {
		if f := failure(t, e, execution); f.Status != want {
			t.Errorf("%s is %s, want %s: %+v", execution, f.Status, want, f)
		}
	}
}

// An operator redrives one run of a lineage with success. The failures that followed it leave the quarantine.
func TestARedriveWithSuccessClosesTheAttemptsThatFollowed(t *testing.T) {
	for _, redriven := range []int{0, 1, 2} {
		e := inMemory(t)
		up := false
		e.Machine.Work = failing(outage, func(string) bool { return up })
		attempts := lastAttempt(t, e)
		up = true
		execution := append([]string{"live-1"}, attempts...)[redriven]
		e.Machine.Redrive(execution)
		e.Machine.RunAll(t.Context())
		e.Report()
		if f := failure(t, e, attempts[2]); f.Status != domain.Closed && f.Status != domain.Healed || f.HealedBy != execution {
			t.Errorf("%s was redriven with success: got %+v, want the last attempt closed by it", execution, f)
		}
		if f := failure(t, e, attempts[0]); f.Status != domain.FailedAgain {
			t.Errorf("got %+v, want it left as it was", f)
		}
		if rows := inQuarantine(t, e); len(rows) != 0 {
			t.Errorf("got %+v, want an empty quarantine", rows)
		}
	}
}

// A failure was quarantined while its automatic replay ran, and the replay fails as well. The event is in quarantine
// only once.
func TestALineageIsInTheQuarantineOnce(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing(outage, never)
	e.Listen(dueReplay(t, e)...)
	quarantine(t, e, "live-1")
	settleDown(t, e)
	settleDown(t, e)
	rows := inQuarantine(t, e)
	if len(rows) != 1 || rows[0].Execution != domain.AutoName("live-1", 3) {
		t.Errorf("got %+v, want the last attempt alone", rows)
	}
}

// A newer event supersedes an automatic replay. The quarantined failures of its lineage are superseded as well.
func TestWhatGivesWaySupersedesItsWholeLineage(t *testing.T) {
	e := inMemory(t)
	second := domain.AutoName("live-1", 2)
	e.Machine.Work = failing(outage, func(x string) bool { return x == second || x == "live-2" })
	e.Listen(dueReplay(t, e)...)
	e.Machine.RunAll(t.Context())
	e.Report()
	backoff()
	e.Schedule()
	backoff()
	e.Schedule()
	e.Listen(e.Replays.TakeAll()...)
	if e.Machine.Status(second) != types.ExecutionStatusRunning {
		t.Fatal("the second attempt does not run")
	}
	quarantine(t, e, "live-1")
	if err := e.Machine.Start("live-2", sale(2)); err != nil {
		t.Fatal(err)
	}
	e.Machine.Run(t.Context(), "live-2")
	e.Pump()
	if n := e.PublishedBy(second); n != 0 {
		t.Fatalf("the older event was published %d times after the newer one", n)
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Superseded {
		t.Errorf("got %+v, want it superseded", f)
	}
}

// A requested replay succeeds while the automatic replay of the same version runs. Then the automatic replay fails. The
// event has succeeded, and is not replayed again.
func TestAFailureOfWhatHasSucceededMeanwhileIsClosed(t *testing.T) {
	e := inMemory(t)
	first := domain.AutoName("live-1", 1)
	e.Machine.Work = failing(outage, func(x string) bool { return strings.HasPrefix(x, domain.APIPrefix) })
	e.Listen(dueReplay(t, e)...)
	if err := e.Replays.Send(t.Context(), drainOf(t, e, oneItem)...); err != nil {
		t.Fatal(err)
	}
	e.Listen(e.Replays.TakeAll()...)
	asked := e.Machine.Names(domain.APIPrefix)[0]
	e.Machine.Run(t.Context(), asked)
	e.Report()
	if f := failure(t, e, "live-1"); f.Status != domain.Healed || f.HealedBy != asked {
		t.Errorf("got %+v, want it healed by %s", f, asked)
	}
	settleDown(t, e)
	settleDown(t, e)
	if f := failure(t, e, first); f.Status != domain.Closed || !strings.Contains(f.Decision, asked) {
		t.Errorf("got %+v, want it closed: %s had succeeded", f, asked)
	}
	if names := e.Machine.Names(domain.AutoPrefix); len(names) != 1 {
		t.Errorf("got %v, want no further automatic replay", names)
	}
}

// drainOf asks for a replay and returns the messages of its items.
func drainOf(t *testing.T, e *Engine, body string) []string {
	t.Helper()
	ask(t, e, body)
	return drainToItems(t, e)
}
