package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestAnOldVersionDoesNotRunOverANewerSuccess(t *testing.T) {
	e := New(t)
	versions := history(t, e, "r1", 3)
	for body, newer := range map[string][]string{ // any of them may be named: they may be of one millisecond
		`"versions":{"ids":["` + versions[0] + `"]}`:                      versions[1:],
		`"versions":{"series":{"to":"` + versions[1] + `"}}`:              versions[2:],
		`"action":"republish","versions":{"ids":["` + versions[0] + `"]}`: versions[1:],
	} {
		request := `{"select":{"resourceIds":["r1"]},` + body + `,"reason":"a test"`
		id := ask(t, e, request+`}`)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
		it := list(t, e, id, "")[0]
		named := func(version string) bool { return strings.Contains(it.Reason, version) }
		if !named("stale") || !slices.ContainsFunc(newer, named) {
			t.Errorf("%s: got %+v, want one of the newer versions %s named", body, it, newer)
		}
		id = ask(t, e, request+`,"allowStale":true}`)
		e.Pump()
		if r := get(t, e, id); r.Counts.Succeeded == 0 || r.Counts.Skipped != 0 {
			t.Errorf("%s with allowStale: got %+v", body, r.Counts)
		}
	}
}

func TestAVersionAsOfATimeAndInAWindow(t *testing.T) {
	e := New(t)
	logged(t, e, "r1", 3) // an hour ago, one second apart
	logged(t, e, "other", 1)
	versions := versionIDs(t, e, "r1")
	var times []time.Time
	for v, err := range e.Log.Versions(t.Context(), "r1", "") {
		if err != nil {
			t.Fatal(err)
		}
		times = append([]time.Time{v.RecordedAt}, times...)
	}
	stamp := func(at time.Time) string { return `"` + at.Format(time.RFC3339Nano) + `"` }
	tests := []struct{ name, body, want string }{
		{"as of the second", `"select":{"resourceIds":["r1"]},"versions":{"asOf":` + stamp(times[1]) + `}`, versions[1]},
		{"latest of a window, whose end is not in it", `"select":{"resourceIds":["r1"],"recorded":{"from":` + stamp(times[0]) + `,"to":` + stamp(times[2]) + `}}`, versions[1]},
		{"latest of an open window", `"select":{"resourceIds":["r1"],"recorded":{"from":` + stamp(times[1]) + `}}`, versions[2]},
		{"before the first", `"select":{"resourceIds":["r1"]},"versions":{"asOf":"-P1D"}`, ""},
		{"an empty window", `"select":{"resourceIds":["r1"],"recorded":{"to":"-P1D"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := ask(t, e, `{`+tt.body+`,"reason":"a test","dryRun":true}`)
			e.Pump()
			it := list(t, e, id, "")[0]
			if it.VersionID != tt.want || tt.want == "" && it.Outcome != replay.Skipped {
				t.Errorf("got %+v, want version %q", it, tt.want)
			}
		})
	}
}

func TestAllAndMaxItems(t *testing.T) {
	e := New(t)
	for i := range 12 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("res/", i), "o1", i))
	}
	e.Report()
	id := ask(t, e, `{"select":{"all":true},"maxItems":100,"reason":"a test"}`)
	e.Pump()
	if r := finished(t, e, id, replay.Completed, replay.Counts{Matched: 12, Started: 12, Succeeded: 12}); r.Truncated {
		t.Error("truncated, although all fit")
	}
	for _, selection := range []string{`{"all":true}`, `{"ownerId":"o1"}`, `{"all":true,"recorded":{"from":"-PT1H"}}`} {
		id = ask(t, e, `{"select":`+selection+`,"maxItems":5,"reason":"a test"}`)
		e.Pump()
		if r := finished(t, e, id, replay.Completed, replay.Counts{Matched: 5, Started: 5, Succeeded: 5}); !r.Truncated {
			t.Errorf("%s: not truncated", selection)
		}
	}
	id = ask(t, e, `{"select":{"all":true,"recorded":{"to":"-P1D"}},"maxItems":5,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{})
}

func TestFailuresAreReplayedByTheirErrorAndHeal(t *testing.T) {
	e := New(t)
	e.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, `"r2"`) {
			return "", "Other"
		}
		return "", "BadListing"
	}
	for i := range 3 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Report()
	e.Schedule()
	failures := func(query map[string]string) (names []string) {
		answer := e.Call("GET", "/failures", "", nil, query)
		var page replay.Failures
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 {
			t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
		}
		for _, f := range page.Failures {
			names = append(names, f.ResourceID)
		}
		return names
	}
	if got := failures(nil); len(got) != 3 {
		t.Fatalf("quarantined %v, want 3", got)
	}
	if got := failures(map[string]string{"error": "Bad*"}); len(got) != 2 {
		t.Errorf("by error: %v, want 2", got)
	}
	if got := failures(map[string]string{"since": "-PT1H", "until": "-PT30M"}); len(got) != 0 {
		t.Errorf("by time: %v, want none", got)
	}
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	id := ask(t, e, `{"select":{"failures":{"error":"Bad*"}},"publish":"suppress","reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	if got := failures(nil); len(got) != 3 {
		t.Errorf("after a suppressed replay %v are left, want all: downstream has seen none", got)
	}
	id = ask(t, e, `{"select":{"failures":{"error":"Bad*","since":"-PT1H"}},"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	if got := failures(nil); len(got) != 1 || got[0] != "r2" {
		t.Errorf("left %v, want the other error", got)
	}
}

func TestATransform(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 1)
	e.Ingest("live-x", `{"id":"x","owner":"o1","deep":{"price":1}}`)
	e.Report()
	before := len(e.Published)
	id := ask(t, e, `{"select":{"resourceIds":["r1","x","none"]},"transform":{"jsonPatch":[{"op":"replace","path":"/n","value":7}]},"publish":"suppress","reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 1, Succeeded: 1, Failed: 1, Skipped: 1})
	if it := list(t, e, id, "FAILED")[0]; it.ResourceID != "x" || !strings.Contains(it.Reason, "TransformFailed") || it.VersionID == "" {
		t.Errorf("got %+v, want the event that has no n", it)
	}
	name := domain.APIName(id, "r1", 0)
	derived, err := e.Log.Object(t.Context(), eventlog.DerivedKey(name))
	if want := `{"id":"r1","owner":"o1","n":7}`; err != nil || string(derived) != want {
		t.Errorf("derived event %s, %v, want %s", derived, err, want)
	}
	output, err := e.Log.Object(t.Context(), eventlog.OutputKey(name))
	if err != nil || !strings.Contains(string(output), `"n":7`) {
		t.Errorf("output %s, %v, want that of the patched event", output, err)
	}
	original, err := e.Log.Event(t.Context(), "r1", versionIDs(t, e, "r1")[0])
	if want := event("r1", "o1", 0); err != nil || string(original) != want || len(versionIDs(t, e, "r1")) != 1 {
		t.Errorf("the log has %s, %v, want %s alone", original, err, want)
	}
	if n := len(e.Published) - before; n != 0 {
		t.Errorf("%d messages published, want none", n)
	}
	for patch, want := range map[string]string{
		`{"id":"r2"}`: "changes the resource id",
		`{"id":null}`: "refused",
		`{"pad":"` + strings.Repeat("x", 255_990) + `"}`: "EventTooLarge",
	} {
		id := ask(t, e, `{"select":{"resourceIds":["r1"]},"transform":{"mergePatch":`+patch+`},"reason":"a test"}`)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
		if it := list(t, e, id, "")[0]; !strings.Contains(it.Reason, want) {
			t.Errorf("got %+v, want a reason with %q", it, want)
		}
	}
}

// A failed replay with a patch and suppress is not retried, neither with nor without them.
func TestAPatchedReplayThatFailsIsNotRetried(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 1)
	e.Machine.Work = failing("States.Timeout", never)
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"transform":{"mergePatch":{"n":9}},"publish":"suppress","reason":"a test"}`)
	e.Pump()
	for range 3 {
		e.Schedule()
		e.Pump()
	}
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Failed: 1})
	if got := e.Machine.Names(domain.AutoPrefix); len(got) != 0 {
		t.Errorf("automatic replays %v, want none", got)
	}
}

func TestADryRunStartsNothing(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 3)
	history(t, e, "r2", 1)
	executions, published := len(e.Machine.Names("")), len(e.Published)
	id := ask(t, e, `{"select":{"resourceIds":["r1","r2","none"]},"transform":{"mergePatch":{"n":7}},"dryRun":true,"reason":"a test"}`)
	e.Pump()
	r := finished(t, e, id, replay.Planned, replay.Counts{Matched: 3, Skipped: 1})
	if r.Plan == nil || r.Plan.Items != 2 || r.Plan.Skipped != 1 || len(r.Plan.Sample) != 3 {
		t.Fatalf("got %+v, want two items and one skipped", r.Plan)
	}
	if it := r.Plan.Sample[0]; it.VersionID == "" || !strings.Contains(string(it.Diff), `"/n"`) {
		t.Errorf("got %+v, want the version and what changes", it)
	}
	id = ask(t, e, `{"select":{"resourceIds":["r1","r2"]},"versions":{"series":"all"},"dryRun":true,"reason":"a test"}`)
	e.Pump()
	if r := finished(t, e, id, replay.Planned, replay.Counts{Matched: 4}); r.Plan.Items != 4 {
		t.Errorf("got %+v, want four items", r.Plan)
	}
	id = ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"dryRun":true,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Planned, replay.Counts{Matched: 1})
	if n := len(e.Machine.Names("")); n != executions || len(e.Published) != published {
		t.Errorf("%d executions and %d messages, want none", n-executions, len(e.Published)-published)
	}
}

func TestARepublishSendsTheStoredOutput(t *testing.T) {
	e := New(t)
	e.Machine.Work = func(_, event string) (string, string) { return `{"enriched":` + event + `}`, "" }
	versions := history(t, e, "r1", 2)
	executions, published := len(e.Machine.Names("")), len(e.Published)
	id := ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"target":"search","reason":"lost it"}`)
	items := drainToItems(t, e)
	e.Listen(items...)
	e.Listen(items...) // delivered again
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if n := len(e.Machine.Names("")) - executions; n != 0 {
		t.Errorf("%d executions, want none", n)
	}
	if n := len(e.Published) - published; n != 1 {
		t.Fatalf("%d messages, want one", n)
	}
	msg := e.Published[published]
	if want := `{"enriched":` + event("r1", "o1", 1) + `}`; *msg.Message != want {
		t.Errorf("sent %s, want %s", *msg.Message, want)
	}
	for name, want := range map[string]string{
		"isReplay": "true", "replayId": id, "target": "search", "reason": "lost it", "versionId": versions[1],
		"execution": "live-r1-1", "resourceId": "r1", "ownerId": "o1",
	} {
		if got := *msg.MessageAttributes[name].StringValue; got != want {
			t.Errorf("attribute %s is %q, want %q", name, got, want)
		}
	}
	id = ask(t, e, `{"action":"republish","select":{"resourceIds":["r1"]},"versions":{"series":"all"},"reason":"lost them"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	if got := *e.Published[published+1].MessageAttributes["versionId"].StringValue; got != versions[0] {
		t.Errorf("sent %s first, want the oldest", got)
	}
}

func TestTooManyFailuresHalt(t *testing.T) {
	e := New(t)
	for i := range 120 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Report()
	e.Machine.Work = failing("BadListing", never)
	id := ask(t, e, `{"select":{"ownerId":"o1"},"maxFailures":3,"reason":"a test"}`)
	for range 100 { // a batch at a time, each run to its end before the next
		bodies := e.Replays.TakeAll()
		for len(bodies) > 0 {
			n := min(4, len(bodies))
			e.Listen(bodies[:n]...)
			bodies = bodies[n:]
			e.Machine.RunAll(t.Context())
			e.Report()
		}
	}
	r := get(t, e, id)
	if r.Status != replay.Halted || r.Stopped == nil || !strings.Contains(r.Stopped.Reason, "maxFailures is 3") {
		t.Errorf("got %s %+v, want it halted and why", r.Status, r.Stopped)
	}
	if r.Counts.Failed < 4 || r.Counts.Failed > 12 || r.Counts.Failed+r.Counts.Skipped != r.Counts.Matched {
		t.Errorf("got %+v, want a few failures and the rest skipped", r.Counts)
	}
	checkCounts(t, e, r)
	cancel(t, e, id, 409)
}

func TestCancelStopsAPageThatIsStillExpanding(t *testing.T) {
	e := New(t)
	for i := range 230 {
		logged(t, e, fmt.Sprint("r", i), 1)
		if err := e.Book.Owners.Note(t.Context(), "o1", fmt.Sprint("r", i), stampNow()); err != nil {
			t.Fatal(err)
		}
	}
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	e.Listen(e.Replays.TakeAll()...) // the first of three pages
	messages := e.Replays.TakeAll()
	e.Listen(messages[:5]...)
	cancel(t, e, id, 200)
	if r := get(t, e, id); r.Status.Final() {
		t.Errorf("got %s, want it to wait for what has started", r.Status)
	}
	e.Listen(messages[5:]...) // among them the next page, whose delivery comes too late
	e.Pump()
	r := get(t, e, id)
	if r.Status != replay.Cancelled || r.Counts.Started != 5 || r.Counts.Succeeded != 5 || r.Counts.Skipped != r.Counts.Matched-5 || r.Counts.Matched >= 230 {
		t.Errorf("got %s %+v, want five run and no further page", r.Status, r.Counts)
	}
	checkCounts(t, e, r)
	pending := ask(t, e, selecting("r1"))
	cancel(t, e, pending, 200)
	finished(t, e, pending, replay.Cancelled, replay.Counts{})
	e.Pump()
	finished(t, e, pending, replay.Cancelled, replay.Counts{})
}

func TestAnIdempotencyKeyNamesOneReplay(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 1)
	post := func(key, body string) (int, replay.Accepted) {
		answer := e.CallWith("POST", "/replays", body, nil, nil, map[string]string{"idempotency-key": key})
		var accepted replay.Accepted
		if answer.StatusCode == 202 {
			if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil {
				t.Fatal(err)
			}
		}
		return answer.StatusCode, accepted
	}
	const body = `{"select":{"resourceIds":["r1"],"recorded":{"from":"-PT2H"}},"reason":"a test"}`
	status, first := post("k1", body)
	_, again := post("k1", `{ "reason":"a test", "select":{"recorded":{"from":"-PT2H"},"resourceIds":["r1"]}}`)
	if status != 202 || first.ReplayID != again.ReplayID || !first.Request.Select.Recorded.From.Equal(*again.Request.Select.Recorded.From) {
		t.Errorf("got %+v and %+v, want the same replay and the same frozen time", first, again)
	}
	e.Pump()
	if status, done := post("k1", body); status != 202 || done.ReplayID != first.ReplayID || done.Status != replay.Completed {
		t.Errorf("got %d %+v, want the replay as it is now", status, done)
	}
	e.Pump()
	if n := len(e.Machine.Names(domain.APIPrefix)); n != 1 {
		t.Errorf("%d executions, want one", n)
	}
	if status, _ := post("k1", selecting("r1")); status != 409 {
		t.Errorf("another body: got %d, want 409", status)
	}
	if status, other := post("k2", body); status != 202 || other.ReplayID == first.ReplayID {
		t.Errorf("another key: got %d %+v, want another replay", status, other)
	}
	for _, key := range []string{"", strings.Repeat("x", 256)} {
		if status, _ := post(key, body); status != 400 {
			t.Errorf("key of %d bytes: got %d, want 400", len(key), status)
		}
	}
}

func TestReplaysAreListedNewestFirst(t *testing.T) {
	e := New(t)
	var want []string
	for range 5 {
		want = append([]string{ask(t, e, selecting("r1"))}, want...)
		time.Sleep(2 * time.Millisecond) // ids order by the millisecond
	}
	cancel(t, e, want[2], 200)
	var got []string
	query := map[string]string{"limit": "2"}
	for {
		answer := e.Call("GET", "/replays", "", nil, query)
		var page replay.Replays
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 {
			t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
		}
		for _, r := range page.Replays {
			got = append(got, r.ReplayID)
		}
		if page.NextCursor == "" {
			break
		}
		query["cursor"] = page.NextCursor
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
	if answer := e.Call("GET", "/replays", "", nil, map[string]string{"status": "CANCELLED"}); !strings.Contains(answer.Body, want[2]) || strings.Contains(answer.Body, want[1]) {
		t.Errorf("by status: got %s", answer.Body)
	}
}

func TestAnEventIsReturnedByteForByte(t *testing.T) {
	e := New(t)
	const odd = `{"id":"a/b","owner":"o1","n":12345678901234567890,"x":1.10,"t":"<é&\u0001>"}`
	e.Ingest("live-1", odd)
	id := versionIDs(t, e, "a/b")[0]
	answer := e.Call("GET", "/versions/{versionId}", "", map[string]string{"versionId": id}, map[string]string{"resourceId": "a/b"})
	if answer.StatusCode != 200 || answer.Body != odd {
		t.Errorf("got %d %s, want %s", answer.StatusCode, answer.Body, odd)
	}
	answer = e.Call("GET", "/versions/{versionId}", "", map[string]string{"versionId": "none"}, map[string]string{"resourceId": "a/b"})
	if answer.StatusCode != 404 {
		t.Errorf("got %d, want 404", answer.StatusCode)
	}
}
