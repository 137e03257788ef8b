package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
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

// A series runs although its start was not recorded. Cancelling its replay must not settle a version that it has bound
// and is about to run.
func TestACancelledSeriesWhoseStartWasNotNotedRunsWhatIsBound(t *testing.T) {
	e, _ := quick(t)
	history(t, e, "r1", 3)
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	item := drainToItems(t, e)
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
	if n := len(e.Machine.Names(domain.APIPrefix)); n != 1 {
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
	item := drainToItems(t, e)
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

// Skipping waiting items must not send further sweeps of all pages, because each would read all of them.
func TestACancelledReplayIsSweptOnce(t *testing.T) {
	e, _ := quick(t)
	for i := range 1000 {
		if err := e.Book.Owners.Note(t.Context(), "o1", fmt.Sprint("m", i), stampNow()); err != nil {
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
		if strings.Contains(p.Body, `"kind":"`+protocol.KindSweep) {
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

// An execution was started, its answer was lost, and its version expires before the redelivery. It runs, and must not
// be reported as skipped.
func TestAStartedVersionThatExpiresIsStillStarted(t *testing.T) {
	for _, versions := range []string{`"latest"`, `{"series":"all"}`} {
		e, _ := quick(t)
		ids := history(t, e, "r1", 2)
		id := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":`+versions+`,"reason":"a test"}`)
		expire := func() {
			for _, v := range ids {
				e.Bucket.Expire("events/r1", v)
			}
		}
		item := drainToItems(t, e)
		if versions != `"latest"` {
			e.Series.Between = func() bool { return false }
			e.Listen(item...)
			in := seriesInput(t, e)
			in.Indexes = nil
			order, err := e.Listener.BindVersion(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Machine.Start(order.Name, string(order.Input)); err != nil {
				t.Fatal(err)
			}
			expire()
			if order, err = e.Listener.BindVersion(t.Context(), in); err != nil || order.Decision == "run" {
				t.Errorf("got %+v, %v, want no second run", order, err)
			}
			e.Pump()
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 1, Succeeded: 1, Skipped: 1})
			continue
		}
		e.Machine.StartFault = func(string) (error, bool) { return &unavailable, true }
		e.Listen(item...)
		expire()
		e.Machine.StartFault = func(string) (error, bool) { return nil, false }
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	}
}

// A user put a version into the bucket by hand, and a replay of it succeeded. It counts as newer.
func TestAVersionPutByHandGuardsOlderOnes(t *testing.T) {
	e, _ := quick(t)
	versions := history(t, e, "r1", 1)
	time.Sleep(time.Second) // S3 returns whole seconds only
	if _, err := e.Bucket.PutObject(t.Context(), &s3.PutObjectInput{
		Key: aws.String("events/r1"), Body: strings.NewReader(event("r1", "o1", 5)),
	}); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{`"latest"`, `{"series":{"last":1}}`, `{"series":"all"}`} {
		id := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":`+v+`,"allowStale":true,"reason":"a test"}`)
		e.Pump()
		if r := get(t, e, id); r.Status != replay.Completed || r.Counts.Succeeded != r.Counts.Matched {
			t.Errorf("got %s %+v, want it replayed", r.Status, r.Counts)
		}
	}
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":{"ids":["`+versions[0]+`"]},"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
	id = ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"versions":{"series":"all"},"allowStale":true,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
}

// The message of a page becomes a dead letter while the items of the page before run.
func TestAPageThatIsGivenUpHaltsAReplayThatRuns(t *testing.T) {
	e, _ := quick(t)
	many(t, e)
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	e.Listen(e.Replays.TakeAll()...)
	queued := e.Replays.TakeAll()
	e.Listen(queued[:5]...)
	if err := e.Dead.Send(t.Context(), queued[len(queued)-1]); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	for _, body := range queued[5:] {
		e.Listen(body)
	}
	e.Pump()
	r := get(t, e, id)
	if r.Status != replay.Halted || r.Counts.Started != 5 || r.Counts.Succeeded != 5 || !strings.Contains(r.Stopped.Reason, "page 1") {
		t.Errorf("got %s %+v, %+v, want it halted after what had started", r.Status, r.Counts, r.Stopped)
	}
	checkCounts(t, e, r)
}
