package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

func redriven(t *testing.T, e *Engine, execution string, count int) domain.Failure {
	t.Helper()
	f, err := e.Book.Failures.Get(t.Context(), domain.FailureID(execution, count))
	if err != nil {
		t.Fatalf("failure of run %d of %s: %v", count, execution, err)
	}
	return f
}

// All attempts failed, and an operator redrives the root while the dependency is still down. The run fails again. Its
// automatic replays must not be mistaken for those of the first run.
func TestARedriveThatFailsBeginsItsAttemptsAnew(t *testing.T) {
	e := New(t)
	up := false
	e.Machine.Work = failing(outage, func(string) bool { return up })
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	e.Machine.Redrive("live-1")
	e.Machine.RunAll(t.Context())
	e.Report()
	backoff()
	e.Schedule()
	up = true
	settleDown(t, e)
	f := redriven(t, e, "live-1", 1)
	if f.Status != domain.Healed || f.HealedBy != domain.AutoName("live-1#1", 1) {
		t.Errorf("got %+v, want it healed by the first attempt of its own lineage", f)
	}
	if first := redriven(t, e, "live-1", 0); first.Status.Open() || first.Status == domain.Quarantined {
		t.Errorf("the first run's failure is %s, want it closed", first.Status)
	}
}

func TestARedrivenAutomaticReplayClosesItsQuarantine(t *testing.T) {
	e := New(t)
	up := false
	e.Machine.Work = failing(outage, func(string) bool { return up })
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	last := domain.AutoName("live-1", 3)
	if f := failure(t, e, last); f.Status != domain.Quarantined {
		t.Fatalf("got %+v, want the last attempt quarantined", f)
	}
	up = true
	e.Machine.Redrive(last)
	e.Machine.RunAll(t.Context())
	e.Report()
	if f := failure(t, e, last); f.Status != domain.Closed {
		t.Errorf("got %+v, want it closed by its redrive", f)
	}
}

// The redriven run fails as well, and its status event is lost. The decision about the first run must not be the final
// state of the event.
func TestAnUnreportedEndOfARedriveIsFound(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, automatic)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Machine.Redrive("live-1")
	e.Machine.RunAll(t.Context())
	e.Machine.TakeEnds() // EventBridge loses it
	settleDown(t, e)
	if f := redriven(t, e, "live-1", 1); f.Status != domain.Healed {
		t.Errorf("got %+v, want it healed", f)
	}
}

func TestARedriveThatIsStoppedIsClosed(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, automatic)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Machine.Redrive("live-1")
	e.Machine.Abort("live-1")
	e.Machine.TakeEnds()
	settleDown(t, e)
	if f := failure(t, e, "live-1"); f.Status != domain.Closed || !strings.Contains(f.Decision, "stopped by an operator") {
		t.Errorf("got %+v, want it closed", f)
	}
}

// Tracker received the end, but the dead-letter queue did not, because the two rules deliver independently.
func TestALostDeadLetterIsMadeUpFor(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, automatic)
	e.Ingest("live-1", sale(1))
	for _, end := range e.Machine.TakeEnds() {
		e.Track(end.Message)
	}
	healsWhenOverdue(t, e, "live-1", domain.Failed)
	for shard := range ledger.Shards {
		open, _, err := e.Book.Executions.Open(t.Context(), shard, time.Now().Add(time.Hour), nil, "", 100)
		if err != nil || len(open) != 0 {
			t.Errorf("executions are still looked at: %+v, %v", open, err)
		}
	}
}

// An event that never reached the log must not be recorded on top of a newer one.
func TestARestartDoesNotOvertakeANewerEvent(t *testing.T) {
	e := New(t)
	e.Machine.Put(awstest.Execution{
		Name: "live-1", Input: sale(1), Started: time.Now(), Stopped: time.Now(), Status: types.ExecutionStatusFailed,
		Error: "IngestionServiceUnavailable",
	})
	pointer := e.pointer("live-1")
	backoff()
	e.Ingest("live-2", sale(2))
	e.Report()
	if err := e.Dead.Send(t.Context(), pointer); err != nil {
		t.Fatal(err)
	}
	settleDown(t, e)
	if f := failure(t, e, "live-1"); f.Status != domain.Superseded {
		t.Errorf("got %+v, want it superseded by live-2", f)
	}
	if v, err := e.Log.Latest(t.Context(), "r1"); err != nil || v.Execution != "live-2" {
		t.Errorf("the latest version is %+v, %v, want live-2's", v, err)
	}
}

// A replay whose start was given up leaves an announced row. It must not be looked up for ever.
func TestAnExecutionThatNeverStartedIsSettled(t *testing.T) {
	e := New(t)
	old := domain.At(time.Now().Add(-15 * 24 * time.Hour))
	_, err := e.Book.Executions.Add(t.Context(), domain.Execution{
		Name: "rp-gone", Mode: domain.Auto, Status: domain.Starting, ResourceID: "r1", VersionID: "v", StartedAt: old, RecordedAt: old,
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	if row, err := e.Book.Executions.Get(t.Context(), "rp-gone"); err != nil || row.Status != domain.Aborted || row.Error != "NeverStarted" {
		t.Errorf("got %+v, %v, want it settled as never started", row, err)
	}
}

// An event that was never recorded is in quarantine. An operator redrives its execution with success, and the end is
// not reported. The schedule finds it.
func TestAnUnreportedRedriveOfAnUnrecordedEventLeavesTheQuarantine(t *testing.T) {
	e := inMemory(t)
	lostEvent(t, e, ev("r1", 1))
	e.Machine.Redrive("live-1")
	e.Machine.RunAll(t.Context())
	e.Machine.TakeEnds() // to nobody
	for range 2 {
		e.Ahead += time.Hour
		e.Schedule()
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Closed || f.HealedBy != "live-1" {
		t.Errorf("got %+v, want it closed: it was redriven with success", f)
	}
	if row, err := e.Book.Executions.Get(t.Context(), "live-1"); err != nil || row.StoppedAt.IsZero() {
		t.Errorf("got %+v, %v, want its end noted", row, err)
	}
}
