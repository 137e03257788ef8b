package engine

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestARepublishOfWhatWasDeletedMeanwhileIsSkipped(t *testing.T) {
	for versions, n := range map[string]int{`"latest"`: 1, `{"series":"all"}`: 2} {
		e := inMemory(t)
		history(t, e, "r1", 2)
		before := len(e.Published)
		id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"versions":`+versions+`,"reason":"x"}`)
		item := drainToItems(t, e)
		e.faults.Refuse = "GetObject outputs/" // it is bound, and not sent
		deleted := func() bool {
			e.faults.Refuse = ""
			e.Bucket.Delete("events/r1")
			return true
		}
		e.Series.Between = deleted
		e.faults.During(func() { e.Listen(item...) })
		if n == 1 {
			deleted()
		}
		e.Pump()
		if len(e.Published) != before {
			t.Errorf("%s: published %d messages about a resource that was deleted", versions, len(e.Published)-before)
		}
		if it := list(t, e, id, "")[0]; it.Outcome != replay.Failed || !strings.Contains(it.Reason, "not known whether it was sent") {
			t.Errorf("%s: got %s (%s), want it to say that an earlier delivery may have sent it", versions, it.Outcome, it.Reason)
		}
		if r := get(t, e, id); !r.Status.Final() || r.Counts.Matched != n || r.Counts.Failed+r.Counts.Skipped != n {
			t.Errorf("%s: got %s %+v, want no item succeeded", versions, r.Status, r.Counts)
		}
	}
}

// A republish was sent, but its item was not recorded. On redelivery it must not be sent again, because it is unknown
// whether it was sent.
func TestARepublishThatWasSentIsNotSaidToBeSkipped(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"reason":"x"}`)
	item := drainToItems(t, e)
	n := len(e.Published)
	died(t, e, "#outcome", item...)
	if len(e.Published) != n+1 {
		t.Fatalf("published %d messages, want the output", len(e.Published)-n)
	}
	backoff()
	e.Ingest("live-9", event("r1", "o1", 9))
	e.Listen(item...)
	if it := list(t, e, id, "")[0]; it.Outcome != replay.Failed || !strings.Contains(it.Reason, "not known whether it was sent") {
		t.Errorf("got %s (%s), want it to say that the output may have been sent", it.Outcome, it.Reason)
	}
}

func TestARepublishSendsWhatWasPublished(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"publish":"suppress","transform":{"mergePatch":{"price":-1}},"reason":"what if"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	n := len(e.Published)
	id = ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"reason":"downstream lost it"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	for _, p := range e.Published[n:] {
		if strings.Contains(*p.Message, "-1") {
			t.Errorf("sent the output of a suppressed, patched try: %s", *p.Message)
		}
	}
}

func TestARepublishOfATryOnlySaysThatThereIsNothing(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing("InvalidListing", func(x string) bool { return x != "live-1" })
	e.Ingest("live-1", sale(1))
	e.Report()
	ask(t, e, `{"select":{"resourceIds":["r1"]},"publish":"suppress","reason":"what if"}`)
	e.Pump()
	id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"reason":"x"}`)
	e.Pump()
	if it := list(t, e, id, "")[0]; it.Outcome != replay.Skipped || len(e.Published) != 0 {
		t.Errorf("got %s (%s), %d published, want it skipped", it.Outcome, it.Reason, len(e.Published))
	}
}

func TestAPatchSetsNoReservedKey(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"transform":{"mergePatch":{"replayableIngestion":{"a":1}}},"reason":"x"}`)
	e.Pump()
	it := list(t, e, id, "")[0]
	if it.Outcome != replay.Failed || !strings.Contains(it.Reason, "reserved key") || len(e.Machine.Names(domain.APIPrefix)) != 0 {
		t.Errorf("got %s (%s), want it refused", it.Outcome, it.Reason)
	}
}
