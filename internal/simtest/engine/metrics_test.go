package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// twice delivers everything twice: the ends of executions to the tracker and the dead-letter queue, and the messages of
// the Replay queue, to the same instance and in one batch.
func twice(t *testing.T, e *Engine) {
	t.Helper()
	for range 20 {
		for _, end := range e.TakeEnds() {
			e.Track(end.Message)
			e.Track(end.Message)
			if end.Failed {
				if err := e.Dead.Send(t.Context(), end.Message, end.Message); err != nil {
					t.Fatal(err)
				}
			}
		}
		backoff()
		e.Schedule()
		bodies := e.Replays.TakeAll()
		for _, body := range bodies {
			if refused := e.Listen(body, body); refused > 0 {
				t.Fatalf("the listener refused %d messages", refused)
			}
		}
		e.Series.RunAll(t.Context())
		e.Machine.RunAll(t.Context())
		for _, body := range bodies { // once more, after what it started has ended
			e.Listen(body)
		}
		if e.Replays.Empty() && len(bodies) == 0 {
			return
		}
	}
	t.Fatal("it does not come to an end")
}

func equal(t *testing.T, e *Engine, want map[string]float64) {
	t.Helper()
	got := emftest.Sums(e.Metrics())
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: got %v, want %v", name, got[name], n)
		}
	}
}

func TestWhatIsDeliveredTwiceCountsOnce(t *testing.T) {
	e := inMemory(t)
	work := map[string]string{"heals": outage, "bad": "InvalidListing", "hopeless": outage}
	e.Machine.Work = func(execution, event string) (string, string) {
		for id, fault := range work {
			if strings.Contains(event, id) && (id != "heals" || !automatic(execution)) {
				return "", fault
			}
		}
		return event, ""
	}
	for i, id := range []string{"good-1", "good-2", "heals-1", "heals-2", "bad", "hopeless"} {
		e.Ingest(fmt.Sprint("live-", i), event(id, "o1", i))
	}
	e.Ingest("live-none", `{"owner":"o1"}`) // never recorded
	twice(t, e)
	equal(t, e, map[string]float64{
		"Recorded": 6, "Published": 4, "AutoReplayed": 2 + 3, "Healed": 2, "Quarantined": 3, "Superseded": 0, "Closed": 0,
		"Failures": 2 + 1 + 1 + 1 + 3, "FailedAgain": 3, "FailureRate": 6 * 100, // also of the one without a row, twice
	})
	checkFailures(t, e, 8)

	work = map[string]string{"hopeless": "InvalidListing"}
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	twice(t, e)
	r := get(t, e, id)
	if want := (replay.Counts{Matched: 6, Started: 6, Succeeded: 5, Failed: 1}); r.Counts != want {
		t.Fatalf("got %+v, want %+v", r.Counts, want)
	}
	checkMetrics(t, e, r, true)
	equal(t, e, map[string]float64{
		"Recorded": 6, "Published": 4 + 5, "Healed": 3, "Quarantined": 4, "Failures": 9, "FailureRate": 6 * 100,
		"FailedAgain": 3, "PublishSuppressed": 0,
	})
	checkFailures(t, e, 9)
	last := 0.0
	for _, d := range e.Metrics() {
		if d.Name == "InQuarantine" {
			last = d.Values[0]
		}
	}
	if last != 3 { // live-none, hopeless, and its replay by API
		t.Errorf("got a quarantine of %v, want 3", last)
	}
}

// checkFailures checks that the outcomes of failures add up, and that none is open.
func checkFailures(t *testing.T, e *Engine, failures float64) {
	t.Helper()
	m := emftest.Sums(e.Metrics())
	// Those that healed in quarantine were counted there before.
	out := m["FailedAgain"] + m["Superseded"] + m["Closed"] + m["Healed"] + m["Quarantined"]
	healed := 0.0
	rows, _, err := e.Book.Failures.List(t.Context(), domain.FailureFilter{}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	healed = m["Quarantined"] - float64(len(rows))
	if m["Failures"] != failures || out-healed != failures {
		t.Errorf("%v failures, want %v; %v came to an end, %v of them out of the quarantine: %v", m["Failures"], failures, out, healed, m)
	}
}

// checkMetrics compares the metrics of an engine that had one replay with its counts. With faults, a change with a lost
// answer is not counted, and nothing is counted twice.
func checkMetrics(t tester, e *Engine, r replay.Replay, exact bool) {
	t.Helper()
	m := emftest.Sums(e.Metrics())
	planned := 0
	for _, it := range list(t, e, r.ReplayID, string(replay.WouldRun)) {
		if it.Outcome == replay.WouldRun {
			planned++
		}
	}
	for name, n := range map[string]int{
		"ReplayItemsSucceeded": r.Counts.Succeeded, "ReplayItemsFailed": r.Counts.Failed, "ReplayItemsSkipped": r.Counts.Skipped,
		"ReplayItemsPlanned": planned,
	} {
		if got := m[name]; got > float64(n) || exact && got != float64(n) {
			t.Errorf("%s: got %v, the replay has %d", name, got, n)
		}
	}
	if exact && m["ReplayItemsStarted"] < float64(r.Counts.Started) {
		t.Errorf("ReplayItemsStarted: got %v, the replay has %d", m["ReplayItemsStarted"], r.Counts.Started)
	}
	if halted := m["ReplaysHalted"]; halted > 1 || (r.Status == replay.Halted) != (halted == 1) && exact {
		t.Errorf("ReplaysHalted: got %v of a replay that is %s", halted, r.Status)
	}
}

func TestARepublishCountsMessages(t *testing.T) {
	e := inMemory(t)
	for i := range 3 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	twice(t, e)
	id := ask(t, e, `{"action":"republish","select":{"ownerId":"o1"},"reason":"a test"}`)
	e.Pump()
	checkMetrics(t, e, get(t, e, id), true)
	equal(t, e, map[string]float64{"Republished": 3, "Published": 3, "ReplayItemsStarted": 3})
	if len(e.Published) != 6 {
		t.Errorf("%d messages, want 6", len(e.Published))
	}
}

func TestASupersededReplayCountsWhereItMeetsTheNewerOne(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing(outage, never)
	e.Ingest("live-1", sale(1))
	e.Report()
	backoff()
	e.Schedule() // sends its replay
	newer := false
	e.Machine.Work = func(execution, event string) (string, string) {
		if automatic(execution) && !newer { // arrives and is published while the replay runs
			newer = true
			e.Ingest("live-2", sale(2))
		}
		return event, ""
	}
	twice(t, e)
	equal(t, e, map[string]float64{"Published": 1, "PublishSuperseded": 1, "Superseded": 1, "AutoReplayed": 1, "Healed": 0, "Failures": 1})
}

func TestAPoisonMessageIsAQuarantinedFailure(t *testing.T) {
	e := inMemory(t)
	poison := protocol.ReplayMessage{Kind: protocol.KindSweep, ReplayID: "01J"}.Encode()
	if err := e.Dead.Send(t.Context(), poison); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	equal(t, e, map[string]float64{"Failures": 1, "Quarantined": 1, "InQuarantine": 1, "AutoReplayRuns": 1})
}
