package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// scenario is a small replay of one kind, from the request to its end.
type scenario struct {
	name   string
	setup  func(t *testing.T, e *Engine)
	body   func(t *testing.T, e *Engine) string
	path   string // what is asked for; empty: a replay
	cancel int    // after so many batches that the listener handled; 0: not
	pause  int    // the same, for as long as nothing else happens; -1: before the first
	want   replay.Status
	loose  bool // the number of items that run depends on the order
	stride int  // between the calls that are broken; 0: every one
}

func bad(t *testing.T, e *Engine) { // the second version of each resource, and r2, fail
	three(t, e)
	e.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, `"n":1`) || strings.Contains(event, `"r2"`) {
			return "", "BadListing"
		}
		return event, ""
	}
}

func three(t *testing.T, e *Engine) {
	history(t, e, "r1", 3)
	history(t, e, "r2", 1)
	history(t, e, "r3", 2)
	e.Ingest("moved", event("r3", "o2", 9))
	e.Report()
}

// fixed has a function that fails for r2.
func fixed(t *testing.T, e *Engine) {
	three(t, e)
	e.OnInvoke = func(_ context.Context, payload []byte) ([]byte, string, error) {
		if strings.Contains(string(payload), `"resourceId":"r2"`) {
			return nil, "ValueError", nil
		}
		return []byte(event("r1", "o1", 7)), "", nil
	}
}

func quarantined(t *testing.T, e *Engine) {
	e.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	three(t, e)
	e.Dead.TakeAll()
	for _, x := range []string{"live-r1-2", "live-r1-1", "live-r2-0"} {
		row, err := e.Book.Executions.Get(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Book.Failures.Add(t.Context(), domain.Failure{
			Execution: x, Root: x, Status: domain.Quarantined, ResourceID: row.ResourceID, VersionID: row.VersionID,
			RecordedAt: row.RecordedAt, Error: "BadListing", FailedAt: stampNow(), FirstAt: stampNow(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
}

func many(t *testing.T, e *Engine) {
	for i := range 105 {
		logged(t, e, fmt.Sprint("m", i), 1)
		if err := e.Book.Owners.Note(t.Context(), "o1", fmt.Sprint("m", i), stampNow()); err != nil {
			t.Fatal(err)
		}
	}
}

func body(s string) func(*testing.T, *Engine) string {
	return func(*testing.T, *Engine) string { return `{` + s + `,"reason":"a test"}` }
}

func scenarios() []scenario {
	const r123 = `"select":{"resourceIds":["r1","r2","r3"]}`
	const r123Ramp = `"select":{"resourceIds":["r1","x1","r2","x2","x3","r3"]},"ramp":true`
	return []scenario{
		{name: "by ids", setup: three, body: body(`"select":{"resourceIds":["r1","r2","unknown"]}`), want: replay.Completed},
		{name: "by owner", setup: three, body: body(`"select":{"ownerId":"o1"}`), want: replay.Completed},
		{name: "all up to maxItems", setup: three, body: body(`"select":{"all":true},"maxItems":2`), want: replay.Completed},
		{name: "two pages", setup: many, body: body(`"select":{"ownerId":"o1"}`), want: replay.Completed, stride: 97},
		{name: "of an owner without resources", setup: three, body: body(`"select":{"ownerId":"nobody"}`), want: replay.Completed},
		{name: "with failures", setup: bad, body: body(r123), want: replay.Completed},
		{name: "an old version", setup: three, body: body(`"select":{"resourceIds":["r1"]},"versions":{"asOf":"-PT0S"}`), want: replay.Completed},
		{name: "paced", setup: three, body: body(r123 + `,"maxPerSecond":1000`), want: replay.Completed},
		{name: "of failures", setup: quarantined, body: body(`"select":{"failures":{"error":"Bad*"}},"allowStale":true`), want: replay.Completed},
		{name: "with a transform", setup: three, body: body(r123 + `,"transform":{"jsonPatch":[{"op":"test","path":"/n","value":0},{"op":"replace","path":"/n","value":7}]}`), want: replay.Completed},
		{name: "with a function", setup: fixed, body: body(`"select":{"resourceIds":["r1","r2"]},"transform":{"function":"fix"}`), want: replay.Completed},
		{name: "a dry run with a transform", setup: three, body: body(r123 + `,"transform":{"jsonPatch":[{"op":"test","path":"/n","value":0},{"op":"replace","path":"/n","value":7}]},"dryRun":true`), want: replay.Planned},
		{name: "a dry run of series", setup: three, body: body(r123 + `,"versions":{"series":"all"},"dryRun":true`), want: replay.Planned},
		{name: "republish", setup: three, body: body(`"action":"republish",` + r123), want: replay.Completed},
		{name: "a dry run of republish", setup: three, body: body(`"action":"republish",` + r123 + `,"dryRun":true`), want: replay.Planned},
		{name: "republish of series", setup: three, body: body(`"action":"republish",` + r123 + `,"versions":{"series":"all"}`), want: replay.Completed},
		{name: "redrive", setup: broken, body: body(`"action":"redrive",` + r123), want: replay.Completed},
		{name: "redrive of failures", setup: broken, body: body(`"action":"redrive","select":{"failures":{}}`), want: replay.Completed},
		{name: "redrive that fails", setup: brokenStill, body: body(`"action":"redrive",` + r123), want: replay.Completed},
		{name: "redrive of what was aborted", setup: aborted, body: body(`"action":"redrive",` + r123), want: replay.Completed},
		{name: "redrive of what was never recorded", setup: unrecordedFailure, body: body(`"action":"redrive","select":{"failures":{}}`), want: replay.Completed},
		{name: "a dry run of redrive", setup: broken, body: body(`"action":"redrive",` + r123 + `,"dryRun":true`), want: replay.Planned},
		{name: "redrive cancelled", setup: broken, body: body(`"action":"redrive",` + r123), cancel: 2, want: replay.Cancelled, loose: true},
		{name: "series", setup: three, body: body(r123 + `,"versions":{"series":"all"}`), want: replay.Completed},
		{name: "a paced series", setup: three, body: body(r123 + `,"versions":{"series":"all"},"maxPerSecond":1000`), want: replay.Completed},
		{name: "series that stop", setup: bad, body: body(r123 + `,"versions":{"series":"all"}`), want: replay.Completed},
		{name: "series that go on", setup: bad, body: body(r123 + `,"versions":{"series":"all","onFailure":"continue"}`), want: replay.Completed},
		{name: "series up to maxItems", setup: three, body: body(r123 + `,"versions":{"series":"all"},"maxItems":4`), want: replay.Completed, loose: true},
		{name: "a series with a transform", setup: three, body: body(`"select":{"resourceIds":["r1"]},"versions":{"series":{"last":2}},"transform":{"jsonPatch":[{"op":"test","path":"/n","value":2}]}`), want: replay.Completed},
		{name: "a correction", setup: three, path: "/versions", body: body(`"resourceId":"r1","transform":{"mergePatch":{"n":7}}`), want: replay.Completed},
		{name: "a correction that fails", setup: bad, path: "/versions", body: body(`"resourceId":"r1","transform":{"mergePatch":{"n":1}}`), want: replay.Completed},
		{name: "a correction of what failed", setup: quarantined, path: "/versions", body: body(`"resourceId":"r1","transform":{"mergePatch":{"n":7}}`), want: replay.Completed},
		{name: "a dry run of a correction", setup: three, path: "/versions", body: body(`"resourceId":"r1","transform":{"mergePatch":{"n":7}},"dryRun":true`), want: replay.Planned},
		{name: "a ramp", setup: three, body: body(r123Ramp), want: replay.Completed},
		{name: "a ramp of series", setup: three, body: body(r123 + `,"versions":{"series":"all"},"ramp":true`), want: replay.Completed},
		{name: "a ramp among its pages", setup: many, body: body(`"select":{"ownerId":"o1"},"ramp":true`), want: replay.Completed, stride: 211},
		{name: "a ramp that pauses", setup: bad, body: body(`"select":{"resourceIds":["r2","r1","r3"]},"ramp":true`), want: replay.Completed},
		{name: "a ramp that is redriven", setup: broken, body: body(`"action":"redrive",` + r123 + `,"ramp":true`), want: replay.Completed},
		{name: "a ramp paused", setup: three, body: body(r123Ramp), pause: 3, want: replay.Completed},
		{name: "a ramp cancelled", setup: three, body: body(r123Ramp), cancel: 3, want: replay.Cancelled, loose: true},
		{name: "halted", setup: bad, body: body(r123 + `,"maxFailures":0`), want: replay.Halted, loose: true},
		{name: "series halted", setup: bad, body: body(r123 + `,"versions":{"series":"all","onFailure":"continue"},"maxFailures":0`), want: replay.Halted, loose: true},
		{name: "cancelled before its page", setup: three, body: body(r123), cancel: -1, want: replay.Cancelled, loose: true},
		{name: "cancelled after its page", setup: three, body: body(r123), cancel: 1, want: replay.Cancelled, loose: true},
		{name: "cancelled among its items", setup: three, body: body(r123), cancel: 2, want: replay.Cancelled, loose: true},
		{name: "cancelled among its pages", setup: many, body: body(`"select":{"ownerId":"o1"}`), cancel: 30, want: replay.Cancelled, loose: true, stride: 61},
		{name: "series cancelled", setup: three, body: body(r123 + `,"versions":{"series":"all"}`), cancel: 2, want: replay.Cancelled, loose: true},
		{name: "paused before its page", setup: three, body: body(r123), pause: -1, want: replay.Completed},
		{name: "paused among its items", setup: three, body: body(r123), pause: 2, want: replay.Completed},
		{name: "paused among its pages", setup: many, body: body(`"select":{"ownerId":"o1"}`), pause: 30, want: replay.Completed, stride: 61},
		{name: "paced and paused", setup: three, body: body(r123 + `,"maxPerSecond":1000`), pause: 1, want: replay.Completed},
		{name: "series paused", setup: three, body: body(r123 + `,"versions":{"series":"all"}`), pause: 2, want: replay.Completed},
		{name: "republish of series paused", setup: three, body: body(`"action":"republish",` + r123 + `,"versions":{"series":"all"}`), pause: 2, want: replay.Completed},
		{name: "paused and cancelled", setup: three, body: body(r123 + `,"versions":{"series":"all"}`), pause: 1, cancel: 3, want: replay.Cancelled, loose: true},
		{name: "republish of series cancelled", setup: three, body: body(`"action":"republish",` + r123 + `,"versions":{"series":"all"}`), cancel: 2, want: replay.Cancelled, loose: true},
	}
}

// Each call of the listener, the tracker, the series' function or the API breaks in turn. It breaks before or after its
// effect, if it has one, with or without the function. The message is redelivered, the replay ends as it does without the
// fault, and its counts equal its items.
func TestASingleCrashAtEveryCall(t *testing.T) {
	for _, s := range scenarios() {
		// Delays are skipped here.
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, s.crashEverywhere)
		})
	}
}

func (s scenario) crashEverywhere(t *testing.T) {
	calm := &Faults{}
	want := s.run(t, calm)
	if want.Status != s.want {
		t.Fatalf("got %s %+v without any fault, want %s", want.Status, want.Counts, s.want)
	}
	breaks := func(f *Faults) {
		got := s.run(t, f)
		if got.Status != want.Status || !s.loose && got.Counts != want.Counts {
			t.Errorf("%+v: got %s %+v, want %s %+v", f, got.Status, got.Counts, want.Status, want.Counts)
		}
		if t.Failed() {
			t.Fatalf("broken: %s (dies %t, after %t)", f.Broken, f.Dies, f.After)
		}
	}
	for n := 1; n <= calm.calls; n += max(s.stride, 1) {
		for _, dies := range []bool{true, false} {
			f := &Faults{At: n, Dies: dies}
			breaks(f)
			if !f.brokeRead() {
				breaks(&Faults{At: n, Dies: dies, After: true})
			}
		}
	}
	t.Logf("%d calls", calm.calls)
}

// run makes the replay of a scenario and checks what must hold of every replay that ended.
func (s scenario) run(t *testing.T, f *Faults) replay.Replay {
	t.Helper()
	e := InMemory(t, f, Clock{Now: time.Now, SettleAfter: 0})
	s.setup(t, e)
	before := len(e.Published)
	id := s.ask(t, e)
	d := &driver{e: e, batch: 1}
	d.after = func(batches int) {
		if batches == s.pause {
			d.until(t, "/replays/{replayId}/pause", `{"reason":"a test"}`, map[string]string{"replayId": id})
		}
		if batches == s.cancel {
			d.until(t, "/replays/{replayId}/cancel", "", map[string]string{"replayId": id})
		}
	}
	if s.cancel < 0 {
		d.until(t, "/replays/{replayId}/cancel", "", map[string]string{"replayId": id})
	}
	if s.pause < 0 {
		d.until(t, "/replays/{replayId}/pause", `{"reason":"a test"}`, map[string]string{"replayId": id})
	}
	d.drive(t)
	r := get(t, e, id)
	if r.Status == replay.Paused {
		d.until(t, "/replays/{replayId}/resume", "", map[string]string{"replayId": id})
		d.drive(t)
		r = get(t, e, id)
	} else if s.pause != 0 && f.Broken == "" && s.cancel == 0 {
		t.Errorf("got %s after the pause, want PAUSED", r.Status)
	}
	if !r.Status.Final() {
		t.Errorf("still %s %+v: %+v", r.Status, r.Counts, list(t, e, id, ""))
		return r
	}
	checkCounts(t, e, r)
	checkMetrics(t, e, r, f.Broken == "")
	checkRuns(t, e, r, before)
	return r
}

func (s scenario) ask(t *testing.T, e *Engine) string {
	t.Helper()
	d := &driver{e: e}
	var accepted replay.Accepted
	if err := json.Unmarshal([]byte(d.until(t, cmp.Or(s.path, "/replays"), s.body(t, e), nil)), &accepted); err != nil || accepted.ReplayID == "" {
		t.Fatalf("got %+v, %v, want a replay", accepted, err)
	}
	return accepted.ReplayID
}

// checkRuns checks that exactly the items with a run outcome ran, each once.
func checkRuns(t tester, e *Engine, r replay.Replay, published int) {
	t.Helper()
	claimed, unknown := map[string]bool{}, false
	for _, it := range list(t, e, r.ReplayID, "") {
		if it.ExecutionARN != "" {
			claimed[it.ExecutionARN[strings.LastIndex(it.ExecutionARN, ":")+1:]] = true
		}
		unknown = unknown || strings.Contains(it.Reason, "not known whether")
		if it.Outcome == replay.Skipped && it.ExecutionARN != "" || it.Outcome == replay.Succeeded && it.ExecutionARN == "" {
			t.Errorf("%+v has the wrong execution", it)
		}
		if !it.Outcome.Final() {
			t.Errorf("%+v is not finished", it)
		}
	}
	sent := map[string]bool{}
	for _, p := range e.Published[published:] {
		if *p.MessageAttributes["isReplay"].StringValue == "false" {
			continue
		}
		sent[*p.MessageAttributes["execution"].StringValue] = true
	}
	if r.DryRun && (len(sent) > 0 || len(claimed) > 0) {
		t.Errorf("a dry run published %v and started %v", sent, claimed)
	}
	for _, name := range e.Machine.Names(domain.APIPrefix) {
		if n := e.Machine.Starts[name]; n != 1 || !claimed[name] {
			t.Errorf("%s was started %d times, an item says so: %t", name, n, claimed[name])
		}
		delete(claimed, name)
	}
	for name, n := range e.Machine.Redriven {
		if n != 1 || !claimed[name] {
			t.Errorf("%s was redriven %d times, an item says so: %t", name, n, claimed[name])
		}
		delete(claimed, name)
	}
	for name := range claimed { // of a republish
		if r.Action != replay.Republish || !sent[name] {
			t.Errorf("an item says that %s ran", name)
		}
		delete(sent, name)
	}
	if r.Action == replay.Republish && len(sent) > 0 && !unknown {
		t.Errorf("published without an item: %v", sent)
	}
	if r.Action == replay.Correct && r.Counts.Succeeded > 0 {
		left, _, err := e.Plain.Failures.List(context.Background(), domain.FailureFilter{
			Match: func(f domain.Failure) bool { return f.VersionID == r.Request.Versions.IDs[0] },
		}, "", 10)
		if err != nil || len(left) > 0 {
			t.Errorf("got %+v, %v, want the failures of the corrected version healed", left, err)
		}
	}
	if r.Request.MaxItems > 0 && r.Counts.Matched > r.Request.MaxItems {
		t.Errorf("%d items, maxItems is %d", r.Counts.Matched, r.Request.MaxItems)
	}
}

// driver simulates SQS, Lambda and EventBridge: a message that was not handled is redelivered.
type driver struct {
	e       *Engine
	batch   int
	batches int
	after   func(batches int)
}

// until posts to the API until it answers, as a caller with an Idempotency-Key does.
func (d *driver) until(t *testing.T, resource, body string, path map[string]string) string {
	t.Helper()
	for range 5 {
		var answer events.APIGatewayProxyResponse
		died := d.e.faults.During(func() {
			answer = d.e.CallWith("POST", resource, body, path, nil, map[string]string{"Idempotency-Key": "a-key"})
		})
		switch {
		case died || answer.StatusCode >= 500:
			continue
		case answer.StatusCode >= 300 && answer.StatusCode != 409:
			t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
		}
		return answer.Body
	}
	t.Fatal("the API does not answer")
	return ""
}

func (d *driver) drive(t *testing.T) {
	t.Helper()
	e := d.e
	var statuses []string
	for range 400 {
		bodies := e.Replays.TakeAll()
		for len(bodies) > 0 {
			n := min(len(bodies), d.batch)
			if left := d.listen(t, bodies[:n]); len(left) > 0 {
				if err := e.Replays.Send(t.Context(), left...); err != nil {
					t.Fatal(err)
				}
			}
			bodies = bodies[n:]
		}
		e.Series.RunAll(t.Context())
		e.Machine.RunAll(t.Context())
		for _, end := range e.TakeEnds() {
			statuses = append(statuses, end.Message)
		}
		var left []string
		for _, s := range statuses {
			if !d.track(t, s) {
				left = append(left, s)
			}
		}
		if statuses = left; len(statuses) == 0 && e.Replays.Empty() {
			return
		}
	}
	t.Fatal("the queue does not run empty")
}

func (d *driver) listen(t *testing.T, bodies []string) (left []string) {
	t.Helper()
	var answer events.SQSEventResponse
	died := d.e.faults.During(func() {
		var err error
		if answer, err = d.e.Listener.Handle(t.Context(), batch(bodies...)); err != nil {
			t.Fatal(err)
		}
	})
	if d.batches++; d.after != nil {
		d.after(d.batches)
	}
	if died {
		return bodies
	}
	for _, f := range answer.BatchItemFailures {
		var n int
		if _, err := fmt.Sscanf(f.ItemIdentifier, "m%d", &n); err != nil {
			t.Fatal(err)
		}
		left = append(left, bodies[n])
	}
	return left
}

func (d *driver) track(t *testing.T, body string) (done bool) {
	t.Helper()
	died := d.e.faults.During(func() {
		answer, err := d.e.Tracker.Handle(t.Context(), batch(body))
		done = err == nil && len(answer.BatchItemFailures) == 0
	})
	return done && !died
}
