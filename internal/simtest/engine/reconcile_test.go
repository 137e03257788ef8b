package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// inMemory is an engine whose clock a test moves.
func inMemory(t *testing.T) *Engine {
	t.Helper()
	return InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
}

// period is the interval between two scheduled runs.
const period = 5 * time.Minute

// everyPeriod makes auto-replay look up open executions at the age of one period, like the construct's default.
func everyPeriod(e *Engine) {
	e.Reconfigure(func(p *config.AutoReplay) { p.SettleAfter, p.MaxAge = period, 14*24*time.Hour })
}

// unrecorded adds an execution to Step Functions that failed before Record did anything.
func unrecorded(e *Engine, name, input, fault string) {
	now := time.Now()
	e.Machine.Put(awstest.Execution{
		Name: name, Input: input, Started: now, Stopped: now, Status: types.ExecutionStatusFailed, Error: fault,
	})
}

// backdate moves the start of an execution back, in Step Functions and in the ledger.
func backdate(t *testing.T, e *Engine, name string, by time.Duration) {
	t.Helper()
	x := e.Machine.Execution(name)
	x.Started = x.Started.Add(-by)
	e.Machine.Put(x)
	row, err := e.Book.Executions.Get(t.Context(), name)
	if err == nil && row.StoppedAt.IsZero() {
		err = e.OpenSince(t.Context(), name, x.Started)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func ev(id string, n int) string { return fmt.Sprintf(`{"id":%q,"owner":"o1","n":%d}`, id, n) }

// With the rules switched off, ends are not reported. Two scheduled runs find all of them.
func TestEveryEndIsFoundWithoutAnyEvent(t *testing.T) {
	e := inMemory(t)
	everyPeriod(e)
	bad := map[string]bool{"live-failed": true, "live-days": true, "live-redriven-well": true, "live-redriven-badly": true}
	e.Machine.Work = func(execution, event string) (string, string) {
		if bad[execution] {
			return "", "InvalidListing"
		}
		return event, ""
	}
	e.Machine.Early = func(execution string) bool { return execution == "live-early" }
	for _, name := range []string{"live-failed", "live-early", "live-redriven-well", "live-redriven-badly"} {
		e.Ingest(name, ev(name, 1))
	}
	unrecorded(e, "live-unrecorded", ev("unrecorded", 1), "IngestionError")
	for _, name := range []string{"live-days", "live-aborted", "live-timed-out", "live-running"} {
		if err := e.Machine.Start(name, ev(name, 1)); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Recorder.Handle(t.Context(), simtest.RecordInput(e.Machine.Execution(name))); err != nil {
			t.Fatal(err)
		}
	}
	backdate(t, e, "live-days", 10*24*time.Hour)
	backdate(t, e, "live-running", 10*24*time.Hour)
	e.Machine.Finish("live-days", types.ExecutionStatusFailed, "InvalidListing", "")
	e.Machine.Finish("live-timed-out", types.ExecutionStatusTimedOut, "", "")
	e.Machine.Abort("live-aborted")
	e.Machine.TakeEnds() // to nobody

	total := 0
	for _, ahead := range []time.Duration{period, 2 * period} {
		e.Ahead = ahead + time.Second
		total += e.Schedule().Settled
	}
	for name, want := range map[string]domain.FailureStatus{
		"live-failed": domain.Quarantined, "live-days": domain.Quarantined, "live-unrecorded": domain.Quarantined,
		"live-timed-out": domain.Retrying, "live-redriven-well": domain.Quarantined, "live-redriven-badly": domain.Quarantined,
	} {
		if f := failure(t, e, name); f.Status != want {
			t.Errorf("%s: got %s (%s), want %s", name, f.Status, f.Decision, want)
		}
	}
	for name, want := range map[string]domain.ExecutionStatus{
		"live-failed": domain.Failed, "live-early": domain.Succeeded, "live-aborted": domain.Aborted,
		"live-timed-out": domain.TimedOut, "live-days": domain.Failed, "live-running": domain.Running,
	} {
		if row, err := e.Book.Executions.Get(t.Context(), name); err != nil || row.Status != want || (want != domain.Running) == row.StoppedAt.IsZero() {
			t.Errorf("%s: got %+v, %v, want it settled as %s", name, row, err, want)
		}
	}
	if total != 8 {
		t.Errorf("settled %d times, want each of 8 once", total)
	}

	// An operator redrives two of them.
	delete(bad, "live-redriven-well")
	for _, name := range []string{"live-redriven-well", "live-redriven-badly"} {
		e.Machine.Redrive(name)
	}
	running := e.Machine.Execution("live-running")
	running.Status = types.ExecutionStatusAborted // not to be run below
	e.Machine.Put(running)
	e.Machine.RunAll(t.Context())
	running.Status = types.ExecutionStatusRunning
	e.Machine.Put(running)
	e.Machine.TakeEnds()
	for _, ahead := range []time.Duration{3 * period, 4 * period} {
		e.Ahead = ahead + time.Second
		e.Schedule()
	}
	if f := failure(t, e, "live-redriven-well"); f.Status != domain.Closed {
		t.Errorf("redriven with success: got %s, want it closed", f.Status)
	}
	if f := redriven(t, e, "live-redriven-badly", 1); f.Status != domain.Quarantined {
		t.Errorf("redriven, and failed again: got %s, want it quarantined", f.Status)
	}
	if f := failure(t, e, "live-redriven-badly"); f.Status != domain.FailedAgain {
		t.Errorf("the failure before the redrive: got %s, want %s", f.Status, domain.FailedAgain)
	}
	e.Ahead = 5*period + time.Second
	if sum := e.Schedule(); sum.Settled != 0 || sum.Unaccounted != 0 {
		t.Errorf("got %+v, want nothing left to settle", sum)
	}
}

// There are more failures than a run lists. Each run records the newest, and continues with the older ones where the
// last run stopped.
func TestTheListOfEndsIsReadWithinABudget(t *testing.T) {
	e := inMemory(t)
	everyPeriod(e)
	const failures = 60
	for i := range failures {
		unrecorded(e, fmt.Sprintf("live-%d", i), ev("r", i), "IngestionError")
	}
	e.Machine.PageSize = 2
	for run := 1; run <= 6; run++ {
		e.Ahead = time.Duration(run) * period
		before := e.Machine.Lists
		e.Schedule()
		// Head and tail of the failed ones, and one page each of timed out, aborted and running ones. The list also
		// goes back to the start of due failures, to find out whether they were redriven.
		if got := e.Machine.Lists - before; got > 13+1+failures/e.Machine.PageSize {
			t.Errorf("run %d listed %d pages", run, got)
		}
		if run > 1 {
			continue
		}
		if _, err := e.Book.Failures.Get(t.Context(), domain.FailureID(fmt.Sprintf("live-%d", failures-1), 0)); err != nil {
			t.Errorf("the newest was not taken in by the first run: %v", err)
		}
	}
	for i := range failures {
		if f := failure(t, e, fmt.Sprintf("live-%d", i)); f.Status != domain.Quarantined && f.Status != domain.Superseded {
			t.Errorf("live-%d is %s", i, f.Status)
		}
	}
}

// An execution that is open in the ledger and unknown to Step Functions is reported until an operator resolves it.
func TestAnEventOfWhichNobodyKnowsIsReported(t *testing.T) {
	e := inMemory(t)
	e.Ingest("live-1", sale(1))
	if err := e.Machine.Start("live-2", ev("r2", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Recorder.Handle(t.Context(), simtest.RecordInput(e.Machine.Execution("live-2"))); err != nil {
		t.Fatal(err)
	}
	e.Report()
	e.Machine.Forget("live-2")
	gauge := 0.0
	for _, tt := range []struct {
		ahead time.Duration
		want  int
	}{{time.Minute, 0}, {2 * time.Hour, 1}, {2*time.Hour + period, 1}, {2*time.Hour + 2*period, 1}, {2*time.Hour + 3*period, 1}} {
		e.Ahead = tt.ahead
		sum, before := e.Schedule(), gauge
		gauge = emftest.Sums(e.Metrics())["UnaccountedVersions"]
		if sum.Unaccounted != tt.want || gauge-before != float64(tt.want) {
			t.Errorf("after %s: got %+v and a gauge of %v, want %d unaccounted", tt.ahead, sum, gauge-before, tt.want)
		}
	}
}

// An execution whose state machine was deleted is accounted for when a replay of its version has succeeded.
func TestAReplayAccountsForAnExecutionThatIsGone(t *testing.T) {
	e := inMemory(t)
	e.Ingest("live-1", sale(1))
	if err := e.Machine.Start("live-2", ev("r2", 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Recorder.Handle(t.Context(), simtest.RecordInput(e.Machine.Execution("live-2"))); err != nil {
		t.Fatal(err)
	}
	e.Report()
	e.Machine.Forget("live-2")
	e.Ahead = 2 * time.Hour
	if sum := e.Schedule(); sum.Unaccounted != 1 {
		t.Fatalf("got %+v, want one unaccounted", sum)
	}
	ask(t, e, `{"select":{"resourceIds":["r2"]},"reason":"its execution is gone"}`)
	e.Pump()
	e.Ahead += period
	if sum := e.Schedule(); sum.Unaccounted != 0 || sum.Errors != 0 {
		t.Errorf("got %+v, want none unaccounted", sum)
	}
	if row, err := e.Book.Executions.Get(t.Context(), "live-2"); err != nil || row.Status != domain.Aborted {
		t.Errorf("got %+v, %v, want it aborted", row, err)
	}
}

// While the look-up fails, no metric reports zero.
func TestNoFigureIsGivenWhenNobodyCouldLook(t *testing.T) {
	e := inMemory(t)
	e.faults.Refuse = "ListExecutions"
	e.faults.During(func() {
		if _, err := e.Runner.Run(t.Context(), "run", autoreplay.Request{}); err == nil {
			t.Error("got no error")
		}
	})
	got := emftest.Names(e.Metrics())
	if slices.Contains(got, "UnaccountedVersions") || slices.Contains(got, "AutoReplayRuns") || !slices.Contains(got, "InQuarantine") {
		t.Errorf("got %v, want neither unknown figures nor a heartbeat, but the others", got)
	}
}

// The look-ups of a run are bounded, and the next runs do the rest.
func TestLookUpsKeepToTheirBudget(t *testing.T) {
	e := inMemory(t)
	everyPeriod(e)
	e.Reconfigure(func(p *config.AutoReplay) { p.Interval = time.Second }) // 100 in a run, half of them for lists
	const n = 220
	for i := range n {
		unrecorded(e, fmt.Sprintf("live-%d", i), `{"owner":"o1"}`, "InvalidEvent")
	}
	settled := 0
	for run := 1; run <= 6; run++ {
		e.Ahead = time.Duration(run) * period
		before := e.Machine.Describes
		sum := e.Schedule()
		if settled += sum.Settled; sum.Settled > 50 || e.Machine.Describes-before > 200 { // and one more for each that is quarantined
			t.Errorf("run %d: settled %d with %d look-ups", run, sum.Settled, e.Machine.Describes-before)
		}
	}
	if settled != n {
		t.Errorf("settled %d of %d", settled, n)
	}
}

// An execution that was aborted between the writing of its version and of its row must not supersede an older failure.
func TestAnAbortedExecutionWithoutARowDoesNotSupersede(t *testing.T) {
	e := inMemory(t)
	everyPeriod(e)
	e.Machine.Work = failing(outage, automatic)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	if err := e.Machine.Start("live-2", sale(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Recorder.Handle(t.Context(), simtest.RecordInput(e.Machine.Execution("live-2"))); err != nil {
		t.Fatal(err)
	}
	forget(t, e, "live-2")
	e.Machine.Abort("live-2")
	e.Machine.TakeEnds() // to nobody
	for run := 1; run <= 3; run++ {
		e.Ahead = time.Duration(run) * period
		e.Schedule()
		e.Pump()
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Healed {
		t.Errorf("got %+v, want it healed: what came after it was aborted", f)
	}
}

// After an expired token, the list starts again at its head.
func TestABadTokenIsForgotten(t *testing.T) {
	e := inMemory(t)
	everyPeriod(e)
	for i := range 30 {
		unrecorded(e, fmt.Sprintf("live-%d", i), ev("r", i), "IngestionError")
	}
	e.Machine.PageSize = 1
	if err := e.Book.Marks.Save(t.Context(), domain.Mark{Name: "list-FAILED", Token: "gone", TakenAt: domain.At(time.Now().Add(period))}); err != nil {
		t.Fatal(err)
	}
	e.Ahead = period
	if _, err := e.Runner.Run(t.Context(), "run", autoreplay.Request{}); err == nil {
		t.Error("got no error")
	}
	if mark, err := e.Book.Marks.Get(t.Context(), "list-FAILED"); err != nil || mark.Token != "" {
		t.Errorf("got %+v, %v, want the token forgotten", mark, err)
	}
	e.Ahead = 2 * period
	e.Schedule()
}

// Each failure of a version remains, whatever its outcome, including those of a replay through the API and of the state
// that failed.
func TestEveryFailureOfAVersionIsKept(t *testing.T) {
	e := inMemory(t)
	broken := true
	e.Machine.Work = failing("InvalidListing", func(string) bool { return !broken })
	e.Ingest("live-1", sale(1))
	e.Report()
	settleDown(t, e)
	accepted := ask(t, e, `{"select":{"resourceIds":["r1"]},"reason":"a test"}`)
	e.Pump()
	settleDown(t, e)
	tried := ask(t, e, `{"select":{"resourceIds":["r1"]},"transform":{"mergePatch":{"n":5}},"reason":"a test"}`)
	e.Pump()
	settleDown(t, e)
	asked, patched := domain.APIName(accepted, "r1", 0), domain.APIName(tried, "r1", 0)
	for name, want := range map[string]domain.FailureStatus{"live-1": domain.Quarantined, asked: domain.Quarantined, patched: domain.Closed} {
		f := failure(t, e, name)
		if f.Status != want || f.State != "Work" || f.Error != "InvalidListing" || !strings.Contains(f.Cause, "user's state") {
			t.Errorf("%s: got %+v, want it %s, with state and cause", name, f, want)
		}
	}
	broken = false
	ask(t, e, `{"select":{"resourceIds":["r1"]},"reason":"a test"}`)
	e.Pump()
	h, err := e.Book.Executions.History(t.Context(), "r1", time.Unix(0, 0), time.Now().Add(time.Hour))
	if err != nil || len(h.Failures) != 3 {
		t.Fatalf("got %+v, %v, want all three failures kept", h.Failures, err)
	}
	for _, f := range h.Failures {
		if f.Status != domain.Healed && f.Execution != patched || f.Error == "" || f.Cause == "" {
			t.Errorf("got %+v, want it healed, with its error", f)
		}
	}
}
