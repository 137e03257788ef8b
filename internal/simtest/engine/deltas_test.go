package engine

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// deltas are events each of which counts.
func deltas(t *testing.T) *Engine {
	t.Helper()
	e := inMemory(t)
	e.Policy.SupersedeOlder = false
	functions, err := simtest.Wire(e.config(), e.services, e.telemetry)
	if err != nil {
		t.Fatal(err)
	}
	e.Functions = functions
	return e
}

// Without SupersedeOlder, an older event is replayed and published after a newer one.
func TestWithoutSupersedingEveryEventCounts(t *testing.T) {
	e := deltas(t)
	e.Machine.Work = failing(outage, func(x string) bool { return x != "live-1" })
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Ingest("live-2", sale(2))
	e.Report()
	settleDown(t, e)
	replayed := domain.AutoName("live-1", 1)
	if f := failure(t, e, "live-1"); f.Status != domain.Healed || f.HealedBy != replayed {
		t.Errorf("got %s: %s, want it healed", f.Status, f.Decision)
	}
	if n := e.PublishedBy(replayed); n != 1 {
		t.Errorf("%d messages by the replay, want one", n)
	}
}

// Without SupersedeOlder, what was deleted stays deleted too, and nothing is sent for it.
func TestWithoutSupersedingADeletedEventIsNotRetried(t *testing.T) {
	e := deltas(t)
	e.Machine.Work = failing(outage, never)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Bucket.Delete("events/r1")
	for range 2 { // it may be due in the second run only
		backoff()
		if sum := e.Schedule(); sum.Replayed != 0 {
			t.Errorf("got %+v, want nothing sent", sum)
		}
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Quarantined || !strings.Contains(f.Decision, "deleted from the event log") {
		t.Errorf("got %s: %s, want it quarantined as deleted", f.Status, f.Decision)
	}
}

// Without SupersedeOlder, a failure is closed whose own version has succeeded before its dead letter was taken in.
func TestWithoutSupersedingAFailureOfWhatSucceededIsClosed(t *testing.T) {
	e := deltas(t)
	e.Machine.Work = failing("InvalidListing", never)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Schedule()
	first := ask(t, e, selecting("r1"))
	e.Pump()
	e.Machine.Work = succeeding
	backoff()
	second := ask(t, e, selecting("r1"))
	e.Pump()
	e.Schedule()
	by := domain.APIName(second, "r1", 0)
	if f := failure(t, e, domain.APIName(first, "r1", 0)); f.Status != domain.Closed || f.HealedBy != by {
		t.Errorf("got %s by %q: %s, want CLOSED by %s", f.Status, f.HealedBy, f.Decision, by)
	}
}
