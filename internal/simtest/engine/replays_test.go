package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

func event(id, owner string, n int) string {
	return fmt.Sprintf(`{"id":%q,"owner":%q,"n":%d}`, id, owner, n)
}

// ask asks for a replay and returns its id.
func ask(t *testing.T, e *Engine, body string) string {
	t.Helper()
	answer := e.Call("POST", "/replays", body, nil, nil)
	var accepted replay.Accepted
	if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil || answer.StatusCode != 202 {
		t.Fatalf("got %d %s, want 202", answer.StatusCode, answer.Body)
	}
	return accepted.ReplayID
}

func get(t tester, e *Engine, id string) replay.Replay {
	t.Helper()
	answer := e.Call("GET", "/replays/{replayId}", "", map[string]string{"replayId": id}, nil)
	var r replay.Replay
	if err := json.Unmarshal([]byte(answer.Body), &r); err != nil || answer.StatusCode != 200 {
		t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
	}
	return r
}

// items returns the items of a replay by resource, read in pages of three.
func items(t *testing.T, e *Engine, id string) map[string]replay.Item {
	t.Helper()
	all := map[string]replay.Item{}
	query := map[string]string{"limit": "3"}
	for {
		answer := e.Call("GET", "/replays/{replayId}/items", "", map[string]string{"replayId": id}, query)
		var page replay.Items
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 {
			t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
		}
		for _, it := range page.Items {
			if _, twice := all[it.ResourceID]; twice {
				t.Errorf("item %s is listed twice", it.ResourceID)
			}
			all[it.ResourceID] = it
		}
		if page.NextCursor == "" {
			return all
		}
		query["cursor"] = page.NextCursor
	}
}

func selecting(ids ...string) string {
	body, err := json.Marshal(map[string]any{"select": map[string]any{"resourceIds": ids}, "reason": "a test"})
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(body)
}

func TestAReplayByResourceIDs(t *testing.T) {
	e := New(t)
	for i, id := range []string{"res1", "res10", "a/b", ".."} {
		e.Ingest(fmt.Sprint("live-", i), event(id, "o1", i))
	}
	e.Report()
	published := len(e.Published)
	id := ask(t, e, selecting("res1", "a/b", "..", "unknown", "res1"))
	if r := get(t, e, id); r.Status != replay.Pending || r.RequestedBy != "unknown" || r.Request.Reason != "a test" {
		t.Errorf("got %+v, want it pending with its request", r)
	}
	e.Pump()
	r := get(t, e, id)
	if want := (replay.Counts{Matched: 4, Started: 3, Skipped: 1, Succeeded: 3}); r.Status != replay.Completed || r.Counts != want || r.CompletedAt == nil {
		t.Errorf("got %s %+v, want COMPLETED %+v", r.Status, r.Counts, want)
	}
	all := items(t, e, id)
	if it := all["unknown"]; it.Outcome != replay.Skipped || !strings.Contains(it.Reason, "no such resource") {
		t.Errorf("got %+v, want it skipped with the reason", it)
	}
	if it := all["a/b"]; it.Outcome != replay.Succeeded || it.VersionID == "" || !strings.Contains(it.ExecutionARN, domain.APIPrefix) {
		t.Errorf("got %+v, want its version and execution", it)
	}
	if got := len(e.Published) - published; got != 3 {
		t.Errorf("%d messages published, want 3", got)
	}
	if n := versions(t, e, "res1"); n != 1 {
		t.Errorf("%d versions of res1, want 1: a replay writes none", n)
	}
}

func TestAReplayByOwner(t *testing.T) {
	e := New(t)
	for i := range 230 { // three pages
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Ingest("moved", event("r7", "o2", 1))
	e.Ingest("other", event("x", "o2", 1))
	e.Report()
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	e.Pump()
	r := get(t, e, id)
	if want := (replay.Counts{Matched: 230, Started: 229, Skipped: 1, Succeeded: 229}); r.Status != replay.Completed || r.Counts != want {
		t.Errorf("got %s %+v, want COMPLETED %+v", r.Status, r.Counts, want)
	}
	if it := items(t, e, id)["r7"]; it.Outcome != replay.Skipped || !strings.Contains(it.Reason, `belongs to owner "o2"`) {
		t.Errorf("got %+v, want the resource that moved skipped", it)
	}
	empty := ask(t, e, `{"select":{"ownerId":"nobody"},"reason":"a test"}`)
	e.Pump()
	if r := get(t, e, empty); r.Status != replay.Completed || r.Counts.Matched != 0 {
		t.Errorf("got %s %+v, want an owner without resources completed at once", r.Status, r.Counts)
	}
}

func TestAFailedReplayIsItsItemsOutcome(t *testing.T) {
	e := New(t)
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Report()
	e.Machine.Work = failing(outage, never)
	id := ask(t, e, selecting("r1"))
	e.Pump()
	if r := get(t, e, id); r.Status != replay.Completed || r.Counts != (replay.Counts{Matched: 1, Started: 1, Failed: 1}) {
		t.Errorf("got %s %+v, want one failed item", r.Status, r.Counts)
	}
	if it := items(t, e, id)["r1"]; it.Reason != outage {
		t.Errorf("got %+v, want the error as the reason", it)
	}
	settleDown(t, e)
	if got := e.Machine.Names(domain.AutoPrefix); len(got) != 0 {
		t.Errorf("started %v: a failed API replay is never retried automatically", got)
	}
}

func TestAReplayEmptiesTheQuarantineOfItsVersion(t *testing.T) {
	e := New(t)
	e.Machine.Work = failing("InvalidListing", func(x string) bool { return strings.HasPrefix(x, domain.APIPrefix) })
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Report()
	settleDown(t, e)
	ask(t, e, selecting("r1"))
	e.Pump()
	if answer := e.Call("GET", "/failures", "", nil, nil); strings.Contains(answer.Body, "live-1") {
		t.Errorf("still quarantined after a replay succeeded: %s", answer.Body)
	}
}

// A live event arrives between two deliveries of the same item: the second delivery runs the version bound by the
// first.
func TestARedeliveredItemKeepsItsVersion(t *testing.T) {
	e := New(t)
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Report()
	id := ask(t, e, selecting("r1"))
	e.Listen(e.Replays.TakeAll()...) // expand
	deliveries := e.Replays.TakeAll()
	broken := errors.New("the listener dies")
	e.Machine.StartFault = func(string) (error, bool) { return broken, false }
	if refused := e.Listen(deliveries...); refused != 1 {
		t.Fatalf("refused %d, want 1", refused)
	}
	e.Machine.StartFault = func(string) (error, bool) { return nil, false }
	e.Ingest("live-2", event("r1", "o1", 2))
	e.Listen(deliveries...)
	e.Machine.RunAll(t.Context())
	e.Report()
	first, err := e.Book.Executions.Get(t.Context(), "live-1")
	if err != nil {
		t.Fatal(err)
	}
	if it := items(t, e, id)["r1"]; it.VersionID != first.VersionID || it.Outcome != replay.Succeeded {
		t.Errorf("got %+v, want the version of live-1, which was the latest when the item was bound", it)
	}
}

// The answer of StartExecution is lost after it took effect.
func TestALostAnswerStartsNothingTwice(t *testing.T) {
	e := New(t)
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Report()
	id := ask(t, e, selecting("r1"))
	e.Listen(e.Replays.TakeAll()...)
	item := e.Replays.TakeAll()
	e.Machine.StartFault = func(string) (error, bool) { return errors.New("connection reset"), true }
	if refused := e.Listen(item...); refused != 0 || e.Replays.Empty() {
		t.Fatalf("refused %d, want the message sent again", refused)
	}
	e.Machine.RunAll(t.Context())
	e.Report() // the execution ends before the redelivery
	e.Machine.StartFault = func(string) (error, bool) { return nil, false }
	if refused := e.Listen(item...); refused != 0 {
		t.Errorf("the redelivery was refused")
	}
	if r := get(t, e, id); r.Status != replay.Completed || r.Counts != (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}) {
		t.Errorf("got %s %+v, want it completed", r.Status, r.Counts)
	}
	if n := e.Machine.Starts[domain.APIName(id, "r1", 0)]; n != 1 {
		t.Errorf("started %d times, want once", n)
	}
}

// The execution has ended, its end is not reported yet, and the message is redelivered. Step Functions answers that the
// name exists, which counts as success.
func TestAnEndedExecutionIsNotStartedAgain(t *testing.T) {
	e := New(t)
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Report()
	id := ask(t, e, selecting("r1"))
	e.Listen(e.Replays.TakeAll()...)
	item := e.Replays.TakeAll()
	e.Machine.StartFault = func(string) (error, bool) { return errors.New("connection reset"), true }
	e.Listen(item...)
	e.Machine.StartFault = func(string) (error, bool) { return nil, false }
	e.Machine.RunAll(t.Context())
	if refused := e.Listen(item...); refused != 0 {
		t.Errorf("refused %d redeliveries of a started item", refused)
	}
	if it := items(t, e, id)["r1"]; it.Outcome != replay.Started || it.ExecutionARN == "" {
		t.Errorf("got %+v, want it started", it)
	}
	e.Report()
	if r := get(t, e, id); r.Status != replay.Completed || e.Machine.Starts[domain.APIName(id, "r1", 0)] != 1 {
		t.Errorf("got %s after %d starts, want COMPLETED after one", r.Status, e.Machine.Starts[domain.APIName(id, "r1", 0)])
	}
}

func TestARedeliveredPageDoesNotMultiply(t *testing.T) {
	e := New(t)
	for i := range 120 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Report()
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	first := e.Replays.TakeAll()
	e.Listen(first...)
	queued := e.Replays.TakeAll()
	if len(queued) != 98+1 {
		t.Fatalf("the first page queued %d messages, want 98 items and the next page", len(queued))
	}
	e.Listen(first[0], first[0])
	if again := e.Replays.TakeAll(); len(again) != 0 {
		t.Errorf("the page delivered again queued %d messages, want none", len(again))
	}
	if r := get(t, e, id); r.Status != replay.Expanding || r.Counts.Matched != 98 {
		t.Errorf("got %s %+v, want EXPANDING with one page", r.Status, r.Counts)
	}
}

func TestAPageThatCannotBeExpandedHaltsItsReplay(t *testing.T) {
	e := New(t)
	id := ask(t, e, selecting("r1"))
	if err := e.Dead.Send(t.Context(), e.Replays.TakeAll()...); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	if r := get(t, e, id); r.Status != replay.Halted || r.CompletedAt == nil {
		t.Errorf("got %s, want HALTED", r.Status)
	}
	if answer := e.Call("GET", "/failures", "", nil, nil); !strings.Contains(answer.Body, "PoisonMessage") || !strings.Contains(answer.Body, id) {
		t.Errorf("got %s, want the message quarantined with the replay's id", answer.Body)
	}
}

func TestAThrottledStartComesAgain(t *testing.T) {
	e := New(t)
	for i := range 5 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Report()
	id := ask(t, e, selecting("r0", "r1", "r2", "r3", "r4"))
	e.Listen(e.Replays.TakeAll()...)
	deliveries := e.Replays.TakeAll()
	e.Machine.StartFault = func(name string) (error, bool) {
		if name == domain.APIName(id, "r2", 0) {
			return &smithy.GenericAPIError{Code: "ThrottlingException", Message: "rate exceeded"}, false
		}
		return nil, false
	}
	if refused := e.Listen(deliveries...); refused != 0 {
		t.Errorf("refused %d, want none: a refused message counts a receive", refused)
	}
	for try := 1; try <= 20; try++ { // a minute of throttling, and more
		again := e.Replays.TakeAll()
		if len(again) != 1 || !strings.Contains(again[0], fmt.Sprintf(`"tries":%d`, try)) {
			t.Fatalf("try %d: in the queue %q, want the throttled one once", try, again)
		}
		if refused := e.Listen(again...); refused != 0 {
			t.Fatalf("try %d: refused", try)
		}
	}
	for i, d := range e.Replays.Delays[len(e.Replays.Delays)-20:] {
		if d <= 0 || d > 8*time.Minute {
			t.Errorf("try %d waits %s", i, d)
		}
	}
	e.Machine.StartFault = func(string) (error, bool) { return nil, false }
	e.Listen(deliveries...)
	e.Machine.RunAll(t.Context())
	e.Report()
	if r := get(t, e, id); r.Status != replay.Completed || r.Counts.Succeeded != 5 {
		t.Errorf("got %s %+v, want all five", r.Status, r.Counts)
	}
}

func TestAnEventAtTheSizeLimitIsReplayed(t *testing.T) {
	e := New(t)
	head := `{"id":"big","pad":"`
	big := head + strings.Repeat("x", replay.MaxEventBytes-len(head)-2) + `"}`
	e.Ingest("live-1", big)
	e.Report()
	id := ask(t, e, `{"select":{"resourceIds":["big"]},"reason":"`+strings.Repeat("y", replay.MaxReasonBytes)+`"}`)
	e.Pump()
	if r := get(t, e, id); r.Counts.Succeeded != 1 {
		t.Errorf("got %s %+v, want it replayed", r.Status, r.Counts)
	}
	e.Ingest("live-2", big[:len(big)-2]+`x"}`)
	e.Report()
	settleDown(t, e)
	f := failure(t, e, "live-2")
	if kept, err := e.Log.Object(t.Context(), f.InputKey); f.Error != "EventTooLarge" || err != nil || len(kept) != replay.MaxEventBytes+1 {
		t.Errorf("got %+v with %d bytes, %v; want EventTooLarge with its input kept", f, len(kept), err)
	}
}

func TestATimeoutWithoutAnErrorIsRetried(t *testing.T) {
	e := New(t)
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Machine.TakeEnds()
	x := e.Machine.Execution("live-1")
	x.Status = types.ExecutionStatusTimedOut
	e.Machine.Put(x)
	if err := e.Dead.Send(t.Context(), e.pointer("live-1")); err != nil {
		t.Fatal(err)
	}
	settleDown(t, e)
	if f := failure(t, e, "live-1"); f.Error != "States.Timeout" || f.HealedBy == "" {
		t.Errorf("got %+v, want States.Timeout, healed", f)
	}
}

// For any order and number of deliveries, crashes and status messages, every selected resource of a finished replay ran
// exactly once or is skipped with a reason. The counts equal the items.
//
// The table and the bucket are the emulator's. TestAnyReplayInAnyWeather injects more faults with those in memory.
func TestDeliveriesInAnyOrderAndNumber(t *testing.T) {
	checks(t, "25") // about 5 s
	e := New(t)
	const resources = 12
	for i := range resources {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Report()
	rapid.Check(t, func(rt *rapid.T) {
		faults := rapid.SliceOfN(rapid.IntRange(0, 5), 1, 40).Draw(rt, "faults of starts") // by the listener's goroutines
		var starts atomic.Int64
		ids := []string{"unknown"}
		for i := range rapid.IntRange(1, resources).Draw(rt, "resources") {
			ids = append(ids, fmt.Sprint("r", i))
		}
		e.Machine.Work = func(execution, event string) (string, string) {
			if strings.HasPrefix(execution, domain.APIPrefix) && len(event)%2 == 0 {
				return "", outage
			}
			return event, ""
		}
		e.Machine.StartFault = func(string) (error, bool) {
			switch faults[int(starts.Add(1))%len(faults)] {
			case 4:
				return errors.New("dies before the start"), false
			case 5:
				return errors.New("dies after the start"), true
			}
			return nil, false
		}
		id := ask(t, e, selecting(ids...))
		anyOrder(t, e, id, drawn{rt})
		verify(rt, t, e, id, ids)
	})
}

// anyOrder delivers messages again, shuffled and in batches of any size, then all that is left until the replay is
// completed.
func anyOrder(t *testing.T, e *Engine, id string, d drawn) {
	t.Helper()
	seen := []string{protocol.ReplayMessage{Kind: protocol.KindExpand, ReplayID: id}.Encode()}
	var statuses []string
	for range d.IntN(100) {
		seen = shuffled(d, append(seen, e.Replays.TakeAll()...))
		e.Listen(seen[:min(len(seen), 1+d.IntN(10))]...)
		if d.rarely(2) {
			e.Machine.RunAll(t.Context())
		}
		for _, end := range e.Machine.TakeEnds() {
			statuses = append(statuses, end.Message)
		}
		statuses = shuffled(d, statuses)
		for _, s := range statuses[:min(len(statuses), d.IntN(6))] {
			e.Track(s)
		}
		if get(t, e, id).Status == replay.Completed {
			return
		}
	}
	e.Machine.StartFault = func(string) (error, bool) { return nil, false }
	for range 3 {
		seen = append(seen, e.Replays.TakeAll()...)
		for _, body := range seen {
			e.Listen(body)
		}
		e.Machine.RunAll(t.Context())
		for _, s := range statuses {
			e.Track(s)
		}
		e.Report()
	}
	if r := get(t, e, id); r.Status != replay.Completed {
		t.Fatalf("not completed: %+v", r)
	}
}

func verify(rt *rapid.T, t *testing.T, e *Engine, id string, ids []string) {
	t.Helper()
	r, all := get(t, e, id), items(t, e, id)
	var got replay.Counts
	for _, want := range ids {
		it, ok := all[want]
		if !ok {
			rt.Fatalf("%s has no item", want)
		}
		got.Matched++
		starts := e.Machine.Starts[domain.APIName(id, want, 0)]
		switch it.Outcome {
		case replay.Skipped:
			got.Skipped++
			if starts != 0 || it.Reason == "" {
				rt.Errorf("%s was skipped with reason %q and started %d times", want, it.Reason, starts)
			}
			continue
		case replay.Succeeded:
			got.Succeeded++
		case replay.Failed:
			got.Failed++
		default:
			rt.Errorf("%s is %s in a completed replay", want, it.Outcome)
		}
		got.Started++
		if starts != 1 {
			rt.Errorf("%s was started %d times, want once", want, starts)
		}
	}
	if got != r.Counts || len(all) != len(ids) {
		rt.Errorf("the replay counts %+v, its %d items %+v", r.Counts, len(all), got)
	}
}
