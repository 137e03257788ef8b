package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

const outage = "GeocoderServiceUnavailable"

func sale(n int) string { return fmt.Sprintf(`{"id":"r1","owner":"o1","n":%d}`, n) }

// failing makes the user's state fail with an error, unless the execution's name passes.
func failing(fault string, passes func(execution string) bool) func(string, string) (string, string) {
	return func(execution, event string) (string, string) {
		if passes(execution) {
			return event, ""
		}
		return "", fault
	}
}

func automatic(execution string) bool { return strings.HasPrefix(execution, domain.AutoPrefix) }

func never(string) bool { return false }

func failure(t *testing.T, e *Engine, execution string) domain.Failure {
	t.Helper()
	f, err := e.Book.Failures.Get(t.Context(), domain.FailureID(execution, 0))
	if err != nil {
		t.Fatalf("failure of %s: %v", execution, err)
	}
	return f
}

// backoff waits for longer than the policy does.
func backoff() { time.Sleep(2 * time.Millisecond) }

// settleDown runs the schedule and its executions until nothing changes.
func settleDown(t *testing.T, e *Engine) {
	t.Helper()
	for range 12 {
		backoff()
		sum := e.Schedule()
		e.Pump()
		if sum.Replayed+sum.Quarantined+sum.Superseded+sum.DeadLetters+sum.Waiting == 0 {
			return
		}
	}
	t.Fatal("auto-replay does not settle down")
}

func TestAFailureHealsByItself(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, automatic)
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	f := failure(t, e, "live-1")
	if f.Status != domain.Healed || f.Error != outage || f.HealedBy != domain.AutoName("live-1", 1) {
		t.Errorf("got %+v, want it healed by the first automatic replay", f)
	}
	if n := e.PublishedBy(f.HealedBy); n != 1 || len(e.Published) != 1 {
		t.Errorf("%d messages by the replay of %d, want one", n, len(e.Published))
	}
	attrs := e.Published[0].MessageAttributes
	if *attrs["isReplay"].StringValue != "true" || *attrs["attempt"].StringValue != "1" || *attrs["resourceId"].StringValue != "r1" {
		t.Errorf("got attributes %+v", attrs)
	}
	if v := versions(t, e, "r1"); v != 1 {
		t.Errorf("%d versions, want the one of the live event: a replay writes none", v)
	}
}

func versions(t *testing.T, e *Engine, id string) (n int) {
	t.Helper()
	for _, err := range e.Log.Versions(t.Context(), id, "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestAttemptsAreCapped(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, never)
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	if got := len(e.Machine.Names(domain.AutoPrefix)); got != 3 {
		t.Errorf("%d automatic replays, want 3, the policy's limit", got)
	}
	last := failure(t, e, domain.AutoName("live-1", 3))
	if last.Status != domain.Quarantined || last.Root != "live-1" || last.Attempt != 3 || !strings.Contains(last.Decision, "3 of 3") {
		t.Errorf("got %+v, want the lineage quarantined with its root", last)
	}
	if f := failure(t, e, "live-1"); f.Status != domain.FailedAgain {
		t.Errorf("the first failure is %s, want FAILED_AGAIN: its lineage went on", f.Status)
	}
}

func TestAnErrorThatIsNotRetriableIsQuarantined(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing("InvalidListing", never)
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	f := failure(t, e, "live-1")
	if f.Status != domain.Quarantined || f.Error != "InvalidListing" || f.Cause == "" || f.VersionID == "" {
		t.Errorf("got %+v, want it quarantined with error, cause and version", f)
	}
	if got := e.Machine.Names(domain.AutoPrefix); len(got) != 0 {
		t.Errorf("started %v, want nothing", got)
	}
	page := e.Call("GET", "/failures", "", nil, nil)
	if page.StatusCode != 200 || !strings.Contains(page.Body, `"execution":"live-1"`) || !strings.Contains(page.Body, `"error":"InvalidListing"`) {
		t.Errorf("got %d %s, want the failure listed", page.StatusCode, page.Body)
	}
}

func TestANewerEventSupersedesAnOlderFailure(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, func(x string) bool { return x != "live-1" })
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Ingest("live-2", sale(2))
	e.Report()
	settleDown(t, e)
	if f := failure(t, e, "live-1"); f.Status != domain.Superseded || !strings.Contains(f.Decision, "live-2") {
		t.Errorf("got %+v, want it superseded by live-2", f)
	}
	if got := e.Machine.Names(domain.AutoPrefix); len(got) != 0 {
		t.Errorf("started %v: the old event would have undone the new one", got)
	}
}

// The write of a timed-out attempt arrives last. It makes the older event's second version the newest version.
func TestALateWriteOfAFailedEventDoesNotHideTheNewerOne(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, func(x string) bool { return x != "live-1" })
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Ingest("live-2", sale(2))
	e.Report()
	first, err := e.PlainLog.FindExecution(t.Context(), "r1", "live-1", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	late, err := e.PlainLog.Put(t.Context(), "r1", []byte(sale(1)), first.Meta)
	if err != nil {
		t.Fatal(err)
	}
	if newest, err := e.PlainLog.Newest(t.Context(), "r1"); err != nil || newest.ID != late || late == first.ID {
		t.Fatalf("the newest version is %+v, %v, want the late one, %s", newest, err, late)
	}
	settleDown(t, e)
	if f := failure(t, e, "live-1"); f.Status != domain.Superseded || f.VersionID != first.ID || !strings.Contains(f.Decision, "live-2") {
		t.Errorf("got %+v, want it superseded by live-2", f)
	}
	if got := e.Machine.Names(domain.AutoPrefix); len(got) != 0 {
		t.Errorf("started %v: the old event would have undone the new one", got)
	}
}

func TestAnAbortedNewerEventDoesNotSupersede(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, automatic)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Ingest("live-2", sale(2)) // fails as well, and an operator's stop is what was reported
	e.Machine.TakeEnds()
	e.Machine.Abort("live-2")
	e.Report()
	settleDown(t, e)
	if f := failure(t, e, "live-1"); f.Status != domain.Healed {
		t.Errorf("got %+v, want it healed: no newer version is responsible for the resource", f)
	}
}

// A newer event is published between the start and the end of the automatic replay of an older one.
func TestALateAutomaticReplayPublishesNothing(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, func(x string) bool { return x != "live-1" })
	e.Ingest("live-1", sale(1))
	e.Report()
	backoff()
	e.Schedule()
	backoff()
	e.Schedule()
	for _, body := range e.Replays.TakeAll() {
		e.Listen(body) // starts the replay, which does not run yet
	}
	auto := domain.AutoName("live-1", 1)
	if e.Machine.Status(auto) != types.ExecutionStatusRunning {
		t.Fatal("the automatic replay was not started")
	}
	if err := e.Machine.Start("live-2", sale(2)); err != nil {
		t.Fatal(err)
	}
	e.Machine.Run(t.Context(), "live-2")
	e.Machine.RunAll(t.Context())
	e.Report()
	if n := e.PublishedBy(auto); n != 0 {
		t.Errorf("the late replay published %d messages over a newer event", n)
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Superseded {
		t.Errorf("got %+v, want SUPERSEDED", f)
	}
}

func TestARedrivenFailureIsClosed(t *testing.T) {
	e := New(t)
	failed := false
	e.Machine.Work = func(_, event string) (string, string) {
		if !failed {
			failed = true
			return "", "InvalidListing"
		}
		return event, ""
	}
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	e.Machine.Redrive("live-1")
	e.Machine.RunAll(t.Context())
	e.Report()
	if f := failure(t, e, "live-1"); f.Status != domain.Closed || f.HealedBy != "live-1" {
		t.Errorf("got %+v, want it closed by its redrive", f)
	}
	if v := versions(t, e, "r1"); v != 1 {
		t.Errorf("%d versions, want one: the redrive is the same event", v)
	}
}

func TestAnEventThatNeverReachedTheLog(t *testing.T) {
	t.Run("is quarantined with its input", func(t *testing.T) {
		e := New(t)
		for i, input := range []string{`{"name":"no id"}`, `{"replayableIngestion":{"v":1},"event":{"id":"forged"}}`} {
			name := fmt.Sprint("bad-", i)
			e.Ingest(name, input)
			e.Report()
			settleDown(t, e)
			f := failure(t, e, name)
			if f.Status != domain.Quarantined || f.Error != "InvalidEvent" {
				t.Errorf("got %+v, want it quarantined as InvalidEvent", f)
			}
			if kept, err := e.Log.Object(t.Context(), f.InputKey); err != nil || string(kept) != input {
				t.Errorf("kept %s, %v, want the input %s", kept, err, input)
			}
		}
	})
	t.Run("is started again when the log was out of reach", func(t *testing.T) {
		e := New(t)
		e.Machine.Put(awstest.Execution{
			Name: "live-1", Input: sale(1), Started: time.Now(), Stopped: time.Now(), Status: types.ExecutionStatusFailed,
			Error: "IngestionServiceUnavailable", Cause: "put events/r1: SlowDown",
		})
		pointer := e.pointer("live-1")
		if err := e.Dead.Send(t.Context(), pointer, pointer); err != nil {
			t.Fatal(err)
		}
		settleDown(t, e)
		if f := failure(t, e, "live-1"); f.Status != domain.Healed {
			t.Errorf("got %+v, want it healed", f)
		}
		auto := domain.AutoName("live-1", 1)
		if v, err := e.Log.Latest(t.Context(), "r1"); err != nil || v.Execution != auto {
			t.Errorf("latest version is %+v, %v, want the one that %s recorded", v, err, auto)
		}
		if len(e.Machine.Names(domain.AutoPrefix)) != 1 || e.PublishedBy(auto) != 1 {
			t.Errorf("started %v, published %d, want one of each", e.Machine.Names(domain.AutoPrefix), e.PublishedBy(auto))
		}
	})
	t.Run("finds the version that a dead Record left", func(t *testing.T) {
		e := New(t)
		e.Ingest("live-0", sale(0))
		e.Report()
		e.Machine.Work = failing(outage, automatic)
		e.Ingest("live-1", sale(1))
		e.Machine.TakeEnds()
		forget(t, e, "live-1")
		if err := e.Dead.Send(t.Context(), e.pointer("live-1")); err != nil {
			t.Fatal(err)
		}
		settleDown(t, e)
		if f := failure(t, e, "live-1"); f.Status != domain.Healed || f.VersionID == "" || f.InputKey != "" {
			t.Errorf("got %+v, want it healed from its version", f)
		}
		if v := versions(t, e, "r1"); v != 2 {
			t.Errorf("%d versions, want two: the replay writes none", v)
		}
	})
}

func TestUnknownDeadLettersAreKept(t *testing.T) {
	e := New(t)
	if err := e.Dead.Send(t.Context(), `hello`, `{"v":1,"kind":"item","replayId":"gone","page":0,"ordinal":0}`); err != nil {
		t.Fatal(err)
	}
	sum, err := e.Runner.Run(t.Context(), "run", autoreplay.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if sum.DeadLetters != 2 || sum.Errors != 0 {
		t.Errorf("got %+v, want both taken in", sum)
	}
	rows, _, err := e.Book.Failures.List(t.Context(), domain.FailureFilter{}, "", 10)
	if err != nil || len(rows) != 2 {
		t.Fatalf("got %+v, %v, want both quarantined", rows, err)
	}
	for _, row := range rows {
		want := map[string]string{"UnknownMessage": "hello", "PoisonMessage": `{"v":1,"kind":"item","replayId":"gone","page":0,"ordinal":0}`}[row.Error]
		if kept, err := e.Log.Object(t.Context(), row.InputKey); err != nil || string(kept) != want {
			t.Errorf("%s: kept %q, %v, want %q", row.Error, kept, err, want)
		}
	}
}

// A status event is lost, and the schedule finds the execution.
func TestAnUnreportedEndIsFound(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing(outage, automatic)
	e.Ingest("live-1", sale(1))
	e.Machine.TakeEnds() // EventBridge loses it
	healsWhenOverdue(t, e, "live-1", domain.Running)
}

// healsWhenOverdue makes the ledger's row of an execution, which has the given status, old enough to be looked up, and
// lets the schedule run.
func healsWhenOverdue(t *testing.T, e *Engine, execution string, status domain.ExecutionStatus) {
	t.Helper()
	row, err := e.Book.Executions.Get(t.Context(), execution)
	if err != nil || row.Status != status {
		t.Fatalf("got %+v, %v, want it %s", row, err, status)
	}
	if err := e.OpenSince(t.Context(), execution, time.Now().Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	settleDown(t, e)
	if f := failure(t, e, execution); f.Status != domain.Healed {
		t.Errorf("got %+v, want it healed", f)
	}
}

func TestOverlappingRunsExcludeEachOther(t *testing.T) {
	e := New(t)
	if err := e.Book.Leases.Acquire(t.Context(), "auto-replay", "another run", time.Now(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if sum := e.Schedule(); !sum.Skipped {
		t.Errorf("got %+v, want the run skipped", sum)
	}
}

func forget(t *testing.T, e *Engine, execution string) {
	t.Helper()
	if err := e.Forget(t.Context(), execution); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Book.Executions.Get(t.Context(), execution); !errors.Is(err, ledger.ErrNotFound) {
		t.Fatalf("the row of %s is still there: %v", execution, err)
	}
}
