package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// dead turns messages into dead letters and lets the schedule process them.
func dead(t *testing.T, e *Engine, bodies ...string) {
	t.Helper()
	if err := e.Dead.Send(t.Context(), bodies...); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
}

func inQuarantine(t *testing.T, e *Engine) []domain.Failure {
	t.Helper()
	rows, _, err := e.Book.Failures.List(t.Context(), domain.FailureFilter{}, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

const oneItem = `{"select":{"resourceIds":["r1"]},"reason":"a test"}`

// The listener started the execution of an item and died before it noted that, until its message was given up: the item
// has the outcome of the execution, whether that still runs when the message is given up or has ended.
func TestAnItemThatWasStartedIsNotGivenUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  string // of the execution
		before bool   // it ends before the message is given up
		want   replay.Counts
	}{
		{"it runs", "", false, replay.Counts{Matched: 1, Started: 1, Succeeded: 1}},
		{"it runs and fails", "BadListing", false, replay.Counts{Matched: 1, Started: 1, Failed: 1}},
		{"it has succeeded", "", true, replay.Counts{Matched: 1, Started: 1, Succeeded: 1}},
		{"it has failed", "BadListing", true, replay.Counts{Matched: 1, Started: 1, Failed: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := inMemory(t)
			history(t, e, "r1", 1)
			e.Machine.Work = func(_, event string) (string, string) { return event, tt.fault }
			id := ask(t, e, oneItem)
			item := drainToItems(t, e)
			died(t, e, "#outcome", item...)
			if tt.before {
				e.Machine.RunAll(t.Context())
				e.Machine.TakeEnds() // EventBridge loses it
			}
			dead(t, e, item...)
			if !tt.before {
				if it := list(t, e, id, "")[0]; it.Outcome != replay.Started {
					t.Errorf("got %+v while its execution runs, want it STARTED", it)
				}
			}
			e.Pump()
			finished(t, e, id, replay.Completed, tt.want)
			if it := list(t, e, id, "")[0]; tt.fault != "" && it.Reason != tt.fault {
				t.Errorf("got %+v, want the execution's error", it)
			}
		})
	}
}

// An item is bound, but its execution never started. The item fails with the reason, the announced row is settled, and
// a late delivery of the message starts nothing.
func TestAnItemThatWasNotStartedIsGivenUpForGood(t *testing.T) {
	for _, at := range []string{"StartExecution", "TransactWriteItems"} { // bound, and not bound
		e := inMemory(t)
		history(t, e, "r1", 1)
		id := ask(t, e, oneItem)
		item := drainToItems(t, e)
		died(t, e, at, item...)
		dead(t, e, item...)
		e.Listen(item...)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
		if it := list(t, e, id, "")[0]; !strings.Contains(it.Reason, "came back too often") {
			t.Errorf("got %+v, want why it was given up", it)
		}
		if names := e.Machine.Names(domain.APIPrefix); len(names) != 0 {
			t.Errorf("a late delivery started %v", names)
		}
		row, err := e.Book.Executions.Get(t.Context(), domain.APIName(id, "r1", 0))
		if announced := at == "StartExecution"; announced != (err == nil) || announced && row.Error != domain.NeverStarted {
			t.Errorf("died at %s: got %+v, %v, want the announced execution recorded as never started", at, row, err)
		}
		for shard := range ledger.Shards {
			open, _, err := e.Book.Executions.Open(t.Context(), shard, time.Now().Add(time.Hour), nil, "", 10)
			if err != nil || len(open) != 0 {
				t.Errorf("got %+v, %v, want nothing left open", open, err)
			}
		}
	}
}

// The item of a republish is bound to an execution that ran long ago. The success of that execution is not the item's
// outcome.
func TestARepublishThatIsGivenUpDoesNotTakeTheOutcomeOfItsSource(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"reason":"a test"}`)
	item := drainToItems(t, e)
	died(t, e, "Publish", item...)
	dead(t, e, item...)
	e.Listen(item...)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
	if it := list(t, e, id, "")[0]; !strings.Contains(it.Reason, "not known whether the output was sent") {
		t.Errorf("got %+v, want a reason that says that it is unknown", it)
	}
}

// dueReplay fails a live event until its automatic replay is in the queue, and returns that message.
func dueReplay(t *testing.T, e *Engine) []string {
	t.Helper()
	e.Ingest("live-1", sale(1))
	e.Report()
	backoff()
	e.Schedule()
	backoff()
	e.Schedule()
	bodies := e.Replays.TakeAll()
	if len(bodies) != 1 {
		t.Fatalf("%d messages, want an automatic replay", len(bodies))
	}
	return bodies
}

// The message of an automatic replay is given up while the replay runs. The outcome of the event follows from the
// replay and later ones. Nothing remains in quarantine after the event has succeeded.
func TestAnAutomaticReplayThatWasStartedIsNotGivenUp(t *testing.T) {
	for _, attempts := range []int{1, 2} {
		for _, before := range []bool{true, false} {
			e := inMemory(t)
			last := domain.AutoName("live-1", attempts)
			e.Machine.Work = failing(outage, func(x string) bool { return x == last })
			bodies := dueReplay(t, e)
			e.Listen(bodies...)
			if before {
				e.Machine.RunAll(t.Context())
				e.Machine.TakeEnds() // EventBridge loses it
			}
			dead(t, e, bodies...)
			if f := failure(t, e, "live-1"); f.Status == domain.Quarantined {
				t.Errorf("got %+v, want it left to its automatic replay", f)
			}
			settleDown(t, e)
			settleDown(t, e)
			if e.Machine.Status(last) != types.ExecutionStatusSucceeded {
				t.Errorf("replay %d is %q, want it to have succeeded", attempts, e.Machine.Status(last))
			}
			if rows := inQuarantine(t, e); len(rows) != 0 {
				t.Errorf("the event succeeded by replay %d and is in quarantine: %+v", attempts, rows)
			}
		}
	}
}

// The automatic replay was announced or not, and never started: a person sees the failure with the reason, and a late
// delivery of the message starts nothing.
func TestAnAutomaticReplayThatWasNotStartedIsGivenUpForGood(t *testing.T) {
	for _, at := range []string{"StartExecution", "PutItem"} { // announced, and not announced
		e := inMemory(t)
		e.Machine.Work = failing(outage, never)
		bodies := dueReplay(t, e)
		died(t, e, at, bodies...)
		dead(t, e, bodies...)
		e.Listen(bodies...)
		settleDown(t, e)
		f := failure(t, e, "live-1")
		if f.Status != domain.Quarantined || !strings.Contains(f.Decision, "came back too often") {
			t.Errorf("died at %s: got %+v, want it in quarantine with the reason", at, f)
		}
		name := domain.AutoName("live-1", 1)
		if e.Machine.Starts[name] != 0 {
			t.Errorf("died at %s: a late delivery started it", at)
		}
		row, err := e.Book.Executions.Get(t.Context(), name)
		if announced := at == "StartExecution"; announced != (err == nil) || announced && row.Error != domain.NeverStarted {
			t.Errorf("died at %s: got %+v, %v, want the announced execution recorded as never started", at, row, err)
		}
	}
}

// The listener started a series and died before it noted that, until the message was given up: every version has the
// outcome of its execution, whether the series still runs then or has ended.
func TestASeriesThatWasStartedIsNotGivenUp(t *testing.T) {
	for _, before := range []bool{false, true} {
		e := inMemory(t)
		history(t, e, "r1", 3)
		id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
		item := drainToItems(t, e)
		died(t, e, "#started", item...)
		if before {
			e.Series.RunAll(t.Context())
			e.Series.TakeEnds() // EventBridge loses them
			e.Machine.TakeEnds()
		}
		dead(t, e, item...)
		if !before {
			if s, err := e.Book.Series.Get(t.Context(), domain.SeriesName(id, 0, 0)); err != nil || !s.Started || !s.Open() {
				t.Errorf("got %+v, %v, want the series noted as started", s, err)
			}
		}
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 3})
	}
}

// A series that was not started fails at its first version and is closed. A late delivery does not start it, even while
// the closing message is in the queue or lost.
func TestASeriesThatWasNotStartedIsGivenUpForGood(t *testing.T) {
	for _, lost := range []bool{false, true} {
		e := inMemory(t)
		history(t, e, "r1", 3)
		id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
		item := drainToItems(t, e)
		died(t, e, "StartExecution", item...)
		dead(t, e, item...)
		closes := e.Replays.TakeAll()
		e.Listen(item...)
		if lost {
			e.Ahead += 2 * time.Hour
			e.Schedule()
		} else {
			e.Listen(closes...)
		}
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Failed: 1, Skipped: 2})
		if n := len(e.Machine.Names(domain.APIPrefix)); n != 0 {
			t.Errorf("%d executions were started", n)
		}
		if s, err := e.Book.Series.Get(t.Context(), domain.SeriesName(id, 0, 0)); err != nil || s.Open() {
			t.Errorf("got %+v, %v, want the series closed", s, err)
		}
	}
}

// A page was bound, but its messages were never sent. The page is sent again, a few times at most. Then its replay
// halts, and the message is left to a person.
func TestABoundPageThatIsADeadLetterIsSentAgain(t *testing.T) {
	for _, healed := range []bool{true, false} {
		e := inMemory(t)
		history(t, e, "r1", 1)
		id := ask(t, e, oneItem)
		page := e.Replays.TakeAll()
		for range 4 {
			died(t, e, "SendMessageBatch", page...)
			dead(t, e, page...)
			if healed {
				break
			}
			if page = e.Replays.TakeAll(); !strings.Contains(fmt.Sprint(page), protocol.KindExpand) {
				break
			}
		}
		if healed {
			e.Pump()
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
			continue
		}
		if err := e.Replays.Send(t.Context(), page...); err != nil { // the messages that halting sent
			t.Fatal(err)
		}
		e.Pump()
		finished(t, e, id, replay.Halted, replay.Counts{Matched: 1, Skipped: 1})
		if rows := inQuarantine(t, e); len(rows) != 1 || rows[0].Error != "PoisonMessage" || !strings.Contains(rows[0].Cause, id) {
			t.Errorf("got %+v, want the message kept with its replay", rows)
		}
	}
}

// If the sweep of a stopped replay became a dead letter, the sweep continues from its position. A replay that is
// already swept needs no action.
func TestASweepThatIsADeadLetterIsSentAgain(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, oneItem)
	item := drainToItems(t, e)
	cancel(t, e, id, 200)
	sweeps := e.Replays.TakeAll()
	dead(t, e, sweeps...)
	e.Pump()
	finished(t, e, id, replay.Cancelled, replay.Counts{Matched: 1, Skipped: 1})
	dead(t, e, sweeps...)
	e.Listen(item...)
	if rows := inQuarantine(t, e); len(rows) != 0 || !e.Replays.Empty() {
		t.Errorf("got %+v, want a sweep that is done left alone", rows)
	}
}

// The message that settles an ended series became a dead letter several times. It is sent again, and finally
// quarantined.
func TestACloseThatIsADeadLetterIsSentAgain(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 3)
	e.Series.Before = func(_ string, index int) bool { return index < 1 }
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	e.Listen(drainToItems(t, e)...)
	e.Series.RunAll(t.Context())
	e.Report()
	body := e.Replays.TakeAll()
	for range 3 {
		dead(t, e, body...)
		if body = e.Replays.TakeAll(); len(body) != 1 || !strings.Contains(body[0], "its series was aborted") {
			t.Fatalf("got %v, want the message again, with its reason", body)
		}
	}
	dead(t, e, body...)
	if rows := inQuarantine(t, e); len(rows) != 1 || !e.Replays.Empty() {
		t.Errorf("got %+v, want the message quarantined when it died for the fourth time", rows)
	}
	e.Listen(body...)
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 1, Succeeded: 1, Skipped: 2})
	n := len(inQuarantine(t, e))
	e.Pump() // the evidence
	dead(t, e, body...)
	if rows := inQuarantine(t, e); len(rows) != n || !e.Replays.Empty() {
		t.Errorf("got %+v, want the message of a closed series left alone", rows)
	}
}

// The listener dies at any call, and the message becomes a dead letter and is delivered late once more. Counts, items
// and executions always agree.
func TestAGivenUpMessageLeavesNothingOpen(t *testing.T) {
	for _, body := range []string{
		oneItem, fmt.Sprintf(seriesOf, `"all"`, "stop"),
		`{"action":"republish","select":{"resourceIds":["r1"]},"reason":"a test"}`,
		`{"select":{"resourceIds":["r1"]},"versions":{"series":"all"},"dryRun":true,"reason":"a test"}`,
	} {
		for _, after := range []bool{false, true} {
			for n := 1; ; n++ {
				e := inMemory(t)
				history(t, e, "r1", 2)
				published := len(e.Published)
				id := ask(t, e, body)
				item := drainToItems(t, e)
				e.faults.Arm(n, true, after)
				died := e.faults.During(func() { e.Listen(item...) })
				e.faults.At = 0
				dead(t, e, item...)
				e.Listen(item...)
				e.Pump()
				r := get(t, e, id)
				if !r.Status.Final() {
					t.Fatalf("died at %s: still %s %+v: %+v", e.faults.Broken, r.Status, r.Counts, list(t, e, id, ""))
				}
				checkCounts(t, e, r)
				checkRuns(t, e, r, published)
				if t.Failed() {
					t.Fatalf("died at %s: %s %+v: %+v", e.faults.Broken, r.Status, r.Counts, list(t, e, id, ""))
				}
				if !died {
					break
				}
			}
		}
	}
}

// An item is bound and never started, and its message is lost. It fails when none of its messages can exist any more.
func TestABoundItemWithoutAMessageFailsInTheEnd(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := ask(t, e, oneItem)
	died(t, e, "StartExecution", drainToItems(t, e)...)
	e.Ahead += 15 * 24 * time.Hour
	e.Schedule()
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
}
