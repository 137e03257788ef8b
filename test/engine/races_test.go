package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/message"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/replay"
)

func quick(t *testing.T) (*Engine, *Faults) {
	t.Helper()
	f := &Faults{}
	return InMemory(t, f, Clock{Now: time.Now, SettleAfter: 0}), f
}

// died delivers messages to a listener that dies at a call with the given name, before it takes effect.
func died(t *testing.T, e *Engine, at string, bodies ...string) {
	t.Helper()
	e.faults.Name = at
	if !e.faults.During(func() { e.Listen(bodies...) }) {
		t.Fatalf("there was no %s to die at", at)
	}
	e.faults.Name = ""
}

// A series runs although nobody noted that it was started. Cancelling its replay must not settle what it has bound and
// is about to run.
func TestACancelledSeriesWhoseStartWasNotNotedRunsWhatIsBound(t *testing.T) {
	e, _ := quick(t)
	history(t, e, "r1", 3)
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	item := drainTo(t, e, "item")
	died(t, e, "#started", item...)
	once := true
	e.Series.Between = func() bool {
		if once {
			once = false
			cancel(t, e, id, 200)
			e.Listen(item...)
		}
		return true
	}
	e.Pump()
	finished(t, e, id, replay.Cancelled, replay.Counts{Matched: 3, Started: 1, Succeeded: 1, Skipped: 2})
	if n := len(e.Machine.Names(naming.APIPrefix)); n != 1 {
		t.Errorf("%d executions, want the one that was bound", n)
	}
}

// The function dies after it bound a version to an output and before it sent that, and the series is aborted.
func TestAnOutputThatWasNotSentIsNotCountedAsSuccess(t *testing.T) {
	e, _ := quick(t)
	history(t, e, "r1", 3)
	published := len(e.Published)
	id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"versions":{"series":"all"},"reason":"a test"}`)
	e.faults.Name = "Publish"
	e.Series.Between = func() bool { return false }
	e.Pump()
	r := get(t, e, id)
	sent := len(e.Published) - published
	if r.Status != replay.Completed || r.Counts.Succeeded != sent {
		t.Errorf("got %s %+v, want as many successes as messages, %d: %+v", r.Status, r.Counts, sent, list(t, e, id, ""))
	}
	checkCounts(t, e, r)
}

// The message of a series becomes a dead letter before every version has its item.
func TestASeriesWithoutItsItemsIsClosed(t *testing.T) {
	e, _ := quick(t)
	history(t, e, "r1", 3)
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	item := drainTo(t, e, "item")
	died(t, e, "#rows", item...)
	if err := e.Dead.Send(t.Context(), item...); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	e.Pump()
	r := get(t, e, id)
	if r.Status != replay.Completed || r.Counts.Matched != 3 || r.Counts.Failed+r.Counts.Skipped != 3 {
		t.Errorf("got %s %+v, want it completed without any run", r.Status, r.Counts)
	}
	checkCounts(t, e, r)
}

// Skipping what waits must not send further sweeps of all pages, each of which would read them all.
func TestACancelledReplayIsSweptOnce(t *testing.T) {
	e, _ := quick(t)
	for i := range 1000 {
		if err := e.Book.AddOwned(t.Context(), "o1", fmt.Sprint("m", i), stampNow()); err != nil {
			t.Fatal(err)
		}
	}
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	var items []string
	for range 20 {
		for _, body := range e.Replays.TakeAll() {
			if strings.Contains(body, `"kind":"item"`) {
				items = append(items, body)
			} else {
				e.Listen(body)
			}
		}
	}
	cancel(t, e, id, 200)
	sweeps := 0
	e.Replays.OnPost = func(p post) {
		if strings.Contains(p.Body, `"kind":"`+message.KindSweep) {
			sweeps++
		}
	}
	for len(items) > 500 {
		e.Listen(items[:10]...)
		items = items[10:]
	}
	e.Pump()
	finished(t, e, id, replay.Cancelled, replay.Counts{Matched: 1000, Skipped: 1000})
	if sweeps > 3 {
		t.Errorf("%d further sweeps", sweeps)
	}
}
