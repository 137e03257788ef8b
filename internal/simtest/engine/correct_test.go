package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// correcting is a correction of r1 that sets n, with further fields.
func correcting(n int, fields string) string {
	return fmt.Sprintf(`{"resourceId":"r1","transform":{"mergePatch":{"n":%d}},"reason":"a typo"%s}`, n, fields)
}

// correct asks for a correction and returns its replay's id.
func correct(t *testing.T, e *Engine, body string) string {
	t.Helper()
	answer := e.Call("POST", "/versions", body, nil, nil)
	var accepted replay.Accepted
	if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil || answer.StatusCode != 202 ||
		answer.Headers["Location"] != "/v1/replays/"+accepted.ReplayID {
		t.Fatalf("got %d %v %s, want 202", answer.StatusCode, answer.Headers, answer.Body)
	}
	return accepted.ReplayID
}

// past is the history of r1 as the API has it, newest first.
func past(t *testing.T, e *Engine) []replay.Version {
	t.Helper()
	answer := e.Call("GET", "/versions", "", nil, map[string]string{"resourceId": "r1"})
	var h replay.History
	if err := json.Unmarshal([]byte(answer.Body), &h); err != nil || answer.StatusCode != 200 {
		t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
	}
	return h.Versions
}

// lastPublished is the output that was published last.
func lastPublished(e *Engine) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return *e.Published[len(e.Published)-1].Message
}

// oneRan are the counts of a replay whose only item ran with success.
var oneRan = replay.Counts{Matched: 1, Started: 1, Succeeded: 1}

func TestACorrectionStays(t *testing.T) {
	e := inMemory(t)
	e.Ingest("live-1", `{"id":"r1","owner":"o1","n":1,"price":450000.10,"serial":12345678901234567890}`)
	e.Report()
	const corrected = `{"id":"r1","owner":"o1","n":2,"price":450000.10,"serial":12345678901234567890}`

	dry := correct(t, e, correcting(2, `,"dryRun":true`))
	e.Pump()
	plan := finished(t, e, dry, replay.Planned, replay.Counts{Matched: 1})
	if len(versionIDs(t, e, "r1")) != 1 || !strings.Contains(string(plan.Plan.Sample[0].Diff), `"/n"`) || plan.Plan.Warned != 0 {
		t.Errorf("got %+v, want the diff, and nothing recorded", plan.Plan)
	}

	id := correct(t, e, correcting(2, ""))
	bodies := drainToItems(t, e)
	e.Listen(bodies...)
	e.Listen(bodies...) // delivered again
	e.Pump()
	r := finished(t, e, id, replay.Completed, oneRan)
	if r.Action != replay.Correct || r.Request.Versions.IDs[0] == "" {
		t.Errorf("got %+v, want a correction of a named version", r)
	}
	ids := versionIDs(t, e, "r1")
	it := list(t, e, id, "")[0]
	if len(ids) != 2 || it.VersionID != ids[1] {
		t.Fatalf("got versions %q and item %+v, want one more version, that of the item", ids, it)
	}
	if event, err := e.Log.Event(t.Context(), "r1", ids[1]); err != nil || string(event) != corrected {
		t.Errorf("got %s, %v, want %s", event, err, corrected)
	}
	if got := lastPublished(e); got != corrected {
		t.Errorf("published %s, want %s", got, corrected)
	}
	want := replay.Correction{Of: ids[0], By: "unknown", Reason: "a typo", ReplayID: id}
	if h := past(t, e); h[0].Correction == nil || *h[0].Correction != want || h[1].Correction != nil || h[0].OwnerID != "o1" {
		t.Errorf("got %+v, want the newer one to be the correction %+v", h, want)
	}

	// What replays the latest version takes the correction.
	for _, body := range []string{selecting("r1"), `{"select":{"ownerId":"o1"},"reason":"x"}`} {
		again := ask(t, e, body)
		e.Pump()
		finished(t, e, again, replay.Completed, oneRan)
		if got := list(t, e, again, "")[0].VersionID; got != ids[1] || lastPublished(e) != corrected {
			t.Errorf("replayed version %s and published %s, want the correction", got, lastPublished(e))
		}
	}
	series := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":{"series":"all"},"reason":"x"}`)
	e.Pump()
	finished(t, e, series, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	if lastPublished(e) != corrected {
		t.Errorf("a series ended with %s, want the correction", lastPublished(e))
	}
}

func TestAPlannedCorrectionIsApplied(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	dry := correct(t, e, correcting(7, `,"dryRun":true`))
	e.Pump()
	get(t, e, dry) // has the hash computed
	e.Pump()
	apply := fmt.Sprintf(`{"apply":{"planId":%q,"planHash":%q}}`, dry, get(t, e, dry).Plan.PlanHash)
	id := ask(t, e, apply)
	e.Pump()
	finished(t, e, id, replay.Completed, oneRan)
	if h := past(t, e); h[0].Correction == nil || h[0].Correction.ReplayID != id {
		t.Errorf("got %+v, want the latest to be a correction by %s", h, id)
	}
}

func TestACorrectionThatFailsIsInQuarantine(t *testing.T) {
	e := inMemory(t)
	old := history(t, e, "r1", 1)[0]
	e.Machine.Work = failing("InvalidListing", never)
	id := correct(t, e, correcting(2, ""))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Failed: 1})
	e.Schedule()
	name := e.Machine.Names(domain.APIPrefix)[0]
	f := failure(t, e, name)
	ids := versionIDs(t, e, "r1")
	if f.Status != domain.Quarantined || f.VersionID != ids[1] || f.VersionID == old || f.ReplayID != id {
		t.Errorf("got %+v, want it in quarantine with its own version", f)
	}
	e.Machine.Work = failing("InvalidListing", func(string) bool { return true })
	again := ask(t, e, `{"select":{"failures":{}},"reason":"mended"}`)
	e.Pump()
	finished(t, e, again, replay.Completed, oneRan)
	if f := failure(t, e, name); f.Status != domain.Healed {
		t.Errorf("got %s, want HEALED", f.Status)
	}
}

// Record could not write the version: nothing has changed.
func TestACorrectionThatIsNotRecordedChangesNothing(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := correct(t, e, correcting(2, ""))
	e.Listen(drainToItems(t, e)...)
	name := e.Machine.Names(domain.APIPrefix)[0]
	x := e.Machine.Execution(name)
	x.Status, x.Error, x.Stopped = types.ExecutionStatusFailed, "IngestionServiceUnavailable", time.Now()
	e.Machine.Put(x)
	if err := e.Dead.Send(t.Context(), e.pointer(name)); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Failed: 1})
	if f := failure(t, e, name); f.Status != domain.Closed || !strings.Contains(f.Decision, "changed nothing") {
		t.Errorf("got %s: %s, want it closed", f.Status, f.Decision)
	}
	if h := past(t, e); len(h) != 1 {
		t.Errorf("%d versions, want one", len(h))
	}
	again := correct(t, e, correcting(2, ""))
	e.Pump()
	finished(t, e, again, replay.Completed, oneRan)
}

func TestACorrectionDoesNotBringBackWhatWasDeleted(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := correct(t, e, correcting(2, ""))
	e.Listen(drainToItems(t, e)...)
	e.Bucket.Delete("events/r1")
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Failed: 1})
	if it := list(t, e, id, "")[0]; it.Reason != "ResourceDeleted" {
		t.Errorf("got %+v, want that it was deleted", it)
	}
	answer := e.Call("POST", "/versions", correcting(3, ""), nil, nil)
	if answer.StatusCode != 409 || !strings.Contains(answer.Body, "was deleted") {
		t.Errorf("got %d %s, want 409", answer.StatusCode, answer.Body)
	}
}

func TestACorrectionWithAKeyIsMadeOnce(t *testing.T) {
	e := inMemory(t)
	old := history(t, e, "r1", 1)[0]
	key := map[string]string{"Idempotency-Key": "k"}
	body := correcting(2, fmt.Sprintf(`,"versionId":%q`, old))
	var ids [2]replay.Accepted
	for i := range ids { // by the second call, the version is not the latest
		answer := e.CallWith("POST", "/versions", body, nil, nil, key)
		if err := json.Unmarshal([]byte(answer.Body), &ids[i]); err != nil || answer.StatusCode != 202 {
			t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
		}
		e.Pump()
	}
	if ids[0].ReplayID != ids[1].ReplayID || !ids[1].Repeated || len(versionIDs(t, e, "r1")) != 2 {
		t.Errorf("got %+v, want one correction", ids)
	}
}

func TestADryRunWarnsThatAPatchWouldBeUndone(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	history(t, e, "r2", 1)
	backoff()
	patched := ask(t, e, `{"select":{"resourceIds":["r1"]},"transform":{"mergePatch":{"n":8}},"reason":"x"}`)
	e.Pump()
	if h := past(t, e); len(h[0].Executions) != 2 || !h[0].Executions[1].Patched || h[0].Executions[0].Patched {
		t.Errorf("got %+v, want the replay marked as patched", h[0].Executions)
	}
	warned := func(fields string) (n int, warning string) {
		t.Helper()
		id := ask(t, e, `{"select":{"resourceIds":["r1","r2"]},"reason":"x","dryRun":true`+fields+`}`)
		e.Pump()
		r := get(t, e, id)
		for _, it := range r.Plan.Sample {
			if it.Warning != "" && it.ResourceID != "r1" {
				t.Errorf("got %+v, want no warning", it)
			}
			warning += it.Warning
		}
		return r.Plan.Warned, warning
	}
	if n, text := warned(""); n != 1 || !strings.Contains(text, patched) || !strings.Contains(text, "replayctl correct") {
		t.Errorf("got %d warnings, %q, want one that names the replay and the remedy", n, text)
	}
	for name, fields := range map[string]string{
		"another patch": `,"transform":{"mergePatch":{"n":8}}`, "nothing is published": `,"publish":"suppress"`, "a republish": `,"action":"republish"`,
	} {
		if n, text := warned(fields); n != 0 {
			t.Errorf("%s: got %d warnings, %q, want none", name, n, text)
		}
	}
	backoff()
	ask(t, e, selecting("r1")) // which undoes it
	e.Pump()
	if n, text := warned(""); n != 0 {
		t.Errorf("after a replay without it: got %d warnings, %q, want none", n, text)
	}
}

// The ledger is lost. The event log knows what was corrected, by whom and why.
func TestARebuiltLedgerKnowsCorrections(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	correct(t, e, correcting(2, ""))
	e.Pump()
	want := past(t, e)[0]
	if n := e.Table.Erase("X#"); n != 2 {
		t.Fatalf("erased %d rows, want 2", n)
	}
	e.Ask = autoreplay.Request{Rebuild: true}
	for range 3 {
		e.Schedule()
		e.Ask = autoreplay.Request{}
	}
	got := past(t, e)[0]
	if got.Correction == nil || *got.Correction != *want.Correction || got.VersionID != want.VersionID || got.Status() != "SUCCEEDED" {
		t.Errorf("got %+v, want %+v", got, want)
	}
	again := ask(t, e, selecting("r1"))
	e.Pump()
	finished(t, e, again, replay.Completed, oneRan)
	if lastPublished(e) != sale(2) {
		t.Errorf("published %s, want the correction", lastPublished(e))
	}
}

// Record died between the version and the row: the failure has the version, which stays the latest.
func TestACorrectionThatDiesHalfRecordedIsKept(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	id := correct(t, e, correcting(2, ""))
	e.Listen(drainToItems(t, e)...)
	name := e.Machine.Names(domain.APIPrefix)[0]
	row, err := e.Book.Executions.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	x := e.Machine.Execution(name)
	version, err := e.Log.Put(t.Context(), "r1", []byte(sale(2)), eventlog.Meta{
		Execution: name, OwnerID: "o1", RecordedAt: time.Now(), StartedAt: x.Started, FirstStartedAt: row.Place.Time,
		Correction: eventlog.Correction{Of: row.Corrects, By: "ada", Reason: "a typo", ReplayID: id},
	})
	if err != nil {
		t.Fatal(err)
	}
	x.Status, x.Error, x.Stopped = types.ExecutionStatusFailed, "IngestionServiceUnavailable", time.Now()
	e.Machine.Put(x)
	if err := e.Dead.Send(t.Context(), e.pointer(name)); err != nil {
		t.Fatal(err)
	}
	e.Schedule()
	e.Pump()
	if f := failure(t, e, name); f.Status != domain.Quarantined || f.VersionID != version {
		t.Errorf("got %+v, want it in quarantine with the version", f)
	}
	if h := past(t, e); len(h) != 2 || h[0].VersionID != version || len(h[0].Executions) != 1 || h[0].OwnerID != "o1" {
		t.Errorf("got %+v, want the correction with its execution", h)
	}
	again := ask(t, e, `{"select":{"failures":{}},"reason":"once more"}`)
	e.Pump()
	finished(t, e, again, replay.Completed, oneRan)
	if lastPublished(e) != sale(2) {
		t.Errorf("published %s, want the correction", lastPublished(e))
	}
}
