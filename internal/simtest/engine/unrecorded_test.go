package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// lostEvent is an execution, live-1, that failed before its event was recorded, in the quarantine.
func lostEvent(t *testing.T, e *Engine, input string) {
	t.Helper()
	const name = "live-1"
	unrecorded(e, name, input, "IngestionError")
	e.Ahead += period
	e.Schedule()
	if f := failure(t, e, name); f.Status != domain.Quarantined || f.InputKey == "" || f.VersionID != "" {
		t.Fatalf("got %+v, want it quarantined with its input", f)
	}
}

const failed = `{"select":{"failures":{"error":"IngestionError"}},"reason":"a test"%s}`

func failedWith(fields string) string { return strings.Replace(failed, "%s", fields, 1) }

// An event that never reached the log is replayed from unrecorded/. It is recorded, run and published, and leaves the
// quarantine.
func TestAnUnrecordedEventIsReplayedByAPI(t *testing.T) {
	e := inMemory(t)
	lostEvent(t, e, ev("r1", 1))
	plan := ask(t, e, failedWith(`,"dryRun":true`))
	e.Pump()
	finished(t, e, plan, replay.Planned, replay.Counts{Matched: 1})
	if len(e.Machine.Names("rp-")) != 0 {
		t.Error("a dry run started it")
	}

	id := ask(t, e, failedWith(""))
	bodies := e.Replays.TakeAll()
	e.Listen(bodies...)
	items := e.Replays.TakeAll()
	e.Listen(items...)
	e.Listen(items...) // delivered again
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	versions := versionIDs(t, e, "r1")
	if len(versions) != 1 {
		t.Fatalf("%d versions, want one", len(versions))
	}
	it := list(t, e, id, "")[0]
	name := it.ExecutionARN[strings.LastIndex(it.ExecutionARN, ":")+1:]
	if it.VersionID != versions[0] || e.Machine.Starts[name] != 1 || e.PublishedBy(name) != 1 {
		t.Errorf("got %+v, started %d times, published %d times, want version %s once", it, e.Machine.Starts[name], e.PublishedBy(name), versions[0])
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Healed || f.HealedBy != name {
		t.Errorf("got %+v, want it healed by %s", f, name)
	}
	if event, err := e.Log.Event(t.Context(), "r1", versions[0]); err != nil || string(event) != ev("r1", 1) {
		t.Errorf("recorded %s, %v", event, err)
	}
}

// The transform corrects an event without a usable id.
func TestAnUnrecordedEventIsPatched(t *testing.T) {
	e := inMemory(t)
	lostEvent(t, e, `{"owner":"o1","n":1}`)
	raw := ask(t, e, failedWith(""))
	e.Pump()
	finished(t, e, raw, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
	if it := list(t, e, raw, "")[0]; !strings.Contains(it.Reason, "correct it with a transform") {
		t.Errorf("got %+v, want why it cannot run", it)
	}
	const patch = `,"transform":{"mergePatch":{"id":"r7"}}`
	dry := ask(t, e, failedWith(patch+`,"dryRun":true`))
	e.Pump()
	r := finished(t, e, dry, replay.Planned, replay.Counts{Matched: 1})
	var shown replay.Replay
	answer := e.Call("GET", "/replays/{replayId}", "", map[string]string{"replayId": dry}, nil)
	if err := json.Unmarshal([]byte(answer.Body), &shown); err != nil || shown.Plan == nil || !strings.Contains(string(shown.Plan.Sample[0].Diff), "/id") {
		t.Errorf("got plan %+v of %+v, want the diff", shown.Plan, r)
	}
	id := ask(t, e, failedWith(patch))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if n := len(versionIDs(t, e, "r7")); n != 1 {
		t.Errorf("%d versions of r7, want the patched event recorded", n)
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Healed {
		t.Errorf("got %+v, want it healed", f)
	}
}

// Its replay fails. The new failure replaces the old one, so the next replay runs the event once. A later replay heals
// it.
func TestAnUnrecordedEventThatFailsAgainIsInTheQuarantineOnce(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing("InvalidListing", never)
	lostEvent(t, e, ev("r1", 1))
	id := ask(t, e, failedWith(""))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Failed: 1})
	e.Ahead += period
	e.Schedule()
	rows, _, err := e.Book.Failures.List(t.Context(), domain.FailureFilter{}, "", 10)
	if err != nil || len(rows) != 1 || rows[0].VersionID == "" || rows[0].ReplayID != id {
		t.Fatalf("got %+v, %v, want the failure of the replay alone, with the version that it recorded", rows, err)
	}
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	again := ask(t, e, `{"select":{"failures":{}},"reason":"a test"}`)
	e.Pump()
	finished(t, e, again, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if rows, _, err = e.Book.Failures.List(t.Context(), domain.FailureFilter{}, "", 10); err != nil || len(rows) != 0 {
		t.Errorf("got %+v, %v, want nothing in quarantine", rows, err)
	}
}

func TestAnUnrecordedEventDoesNotOvertakeANewerOne(t *testing.T) {
	e := inMemory(t)
	lostEvent(t, e, ev("r1", 1))
	time.Sleep(2 * time.Millisecond)
	e.Ingest("live-2", ev("r1", 2))
	e.Report()
	guarded := ask(t, e, failedWith(""))
	e.Pump()
	finished(t, e, guarded, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
	allowed := ask(t, e, failedWith(`,"allowStale":true,"publish":"suppress"`))
	e.Pump()
	finished(t, e, allowed, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if f := failure(t, e, "live-1"); f.Status != domain.Quarantined {
		t.Errorf("got %+v, want it in quarantine: its output was not published", f)
	}
}

// An unreadable input is kept, and does not run as an event.
func TestAMessageIsNoEvent(t *testing.T) {
	e := inMemory(t)
	if err := e.Dead.Send(t.Context(), ev("r1", 1)); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	id := ask(t, e, `{"select":{"failures":{}},"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
	if n := len(e.Machine.Names("")); n != 0 {
		t.Errorf("%d executions were started", n)
	}
}
