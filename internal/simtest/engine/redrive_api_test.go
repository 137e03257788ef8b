package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

const redriveR1 = `{"action":"redrive","select":{"resourceIds":["r1"]},"reason":"it is up again"%s}`

// broken leaves a failure of each of three resources in quarantine, whose cause is mended then.
func broken(t *testing.T, e *Engine) {
	brokenStill(t, e)
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
}

func brokenStill(t *testing.T, e *Engine) {
	t.Helper()
	e.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	three(t, e)
	for range 2 {
		backoff()
		e.Schedule()
	}
	for _, x := range []string{"live-r1-2", "live-r2-0", "moved"} {
		if f := failure(t, e, x); f.Status != domain.Quarantined {
			t.Fatalf("got %+v, want it quarantined", f)
		}
	}
}

// aborted leaves the latest execution of each of three resources aborted in its own state.
func aborted(t *testing.T, e *Engine) {
	e.Machine.Work = func(x, event string) (string, string) {
		e.Machine.Abort(x)
		return event, ""
	}
	for _, r := range []string{"r1", "r2", "r3"} {
		if err := e.Machine.Start("live-"+r, ev(r, 1)); err != nil {
			t.Fatal(err)
		}
		e.Machine.RunAll(t.Context())
	}
	e.Report()
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
}

func unrecordedFailure(t *testing.T, e *Engine) {
	unrecorded(e, "live-1", ev("r1", 1), "IngestionError")
	e.Ahead += period
	for range 2 {
		e.Schedule()
		backoff()
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Quarantined || f.VersionID != "" {
		t.Fatalf("got %+v, want it quarantined without a version", f)
	}
}

// oneFailure leaves an execution of r1 in quarantine, which has failed behind a state that counts how often it ran.
func oneFailure(t *testing.T) (e *Engine, runs *int, up *bool) {
	t.Helper()
	e, _ = quick(t)
	runs, up = new(int), new(bool)
	e.Machine.Work = func(_, event string) (string, string) {
		if *runs++; *up {
			return event, ""
		}
		return "", "BadListing"
	}
	e.Ingest("live-1", sale(1))
	e.Report()
	for range 2 {
		backoff()
		e.Schedule()
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Quarantined {
		t.Fatalf("got %+v, want it quarantined", f)
	}
	return e, runs, up
}

func onlyItem(t *testing.T, e *Engine, id string) replay.Item {
	t.Helper()
	all := items(t, e, id)
	if len(all) != 1 {
		t.Fatalf("got %d items, want 1: %+v", len(all), all)
	}
	for _, it := range all {
		return it
	}
	return replay.Item{}
}

// wantItem fails unless the only item of a replay has an outcome, and a reason that has a text in it.
func wantItem(t *testing.T, e *Engine, id string, outcome replay.Outcome, reason string) {
	t.Helper()
	if it := onlyItem(t, e, id); it.Outcome != outcome || !strings.Contains(it.Reason, reason) {
		t.Errorf("got %s %q, want %s %q", it.Outcome, it.Reason, outcome, reason)
	}
}

func TestARedriveGoesOnFromTheFailedState(t *testing.T) {
	for name, sel := range map[string]string{
		"a resource": `{"resourceIds":["r1"]}`, "an owner": `{"ownerId":"o1"}`, "failures": `{"failures":{"error":"BadListing"}}`,
		"failures of a resource": `{"failures":{"state":"Work"},"resourceIds":["r1"]}`, "by outcome": `{"resourceIds":["r1"],"outcome":"failed"}`,
	} {
		t.Run(name, func(t *testing.T) {
			e, runs, up := oneFailure(t)
			*up = true
			plan := ask(t, e, `{"action":"redrive","select":`+sel+`,"reason":"a test","dryRun":true}`)
			e.Pump()
			wantItem(t, e, plan, replay.WouldRun, `goes on with execution live-1 from state "Work"`)
			if f := failure(t, e, "live-1"); f.Status != domain.Quarantined || e.Machine.Redriven["live-1"] != 0 {
				t.Fatalf("the dry run left %+v, and redrove it %d times", f, e.Machine.Redriven["live-1"])
			}
			id := ask(t, e, `{"action":"redrive","select":`+sel+`,"reason":"a test"}`)
			e.Pump()
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
			if it := onlyItem(t, e, id); it.ExecutionARN != e.Machine.ExecutionARN("live-1") || it.VersionID == "" {
				t.Errorf("got %+v, want the execution that failed", it)
			}
			if *runs != 2 || e.Machine.Redriven["live-1"] != 1 || e.PublishedBy("live-1") != 1 {
				t.Errorf("the state ran %d times, redriven %d times, published %d times; want 2, 1, 1", *runs, e.Machine.Redriven["live-1"], e.PublishedBy("live-1"))
			}
			if len(e.Machine.Names("rp-"))+len(e.Machine.Names("ar-")) != 0 {
				t.Error("a redrive started an execution")
			}
			if f := failure(t, e, "live-1"); f.Status != domain.Closed || f.HealedBy != "live-1" || f.Redrive != "" {
				t.Errorf("got %+v, want it closed by the redrive", f)
			}
			again := ask(t, e, fmt.Sprintf(redriveR1, ""))
			e.Pump()
			wantItem(t, e, again, replay.Skipped, "none of its executions has failed and is open")
		})
	}
}

// The failure of a redrive that fails is kept for a person, and can be redriven again.
func TestARedriveThatFailsIsQuarantinedAgain(t *testing.T) {
	e, _, up := oneFailure(t)
	id := ask(t, e, fmt.Sprintf(redriveR1, ""))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Failed: 1})
	wantItem(t, e, id, replay.Failed, "BadListing")
	settleDown(t, e)
	if f := failure(t, e, "live-1"); f.Status != domain.FailedAgain || f.Redrive != "" {
		t.Errorf("got %+v, want the first run FAILED_AGAIN", f)
	}
	if f := redriven(t, e, "live-1", 1); f.Status != domain.Quarantined || f.ReplayID != id {
		t.Errorf("got %+v, want it quarantined by replay %s", f, id)
	}
	if n := len(e.Machine.Names("ar-")); n != 0 {
		t.Errorf("got %d automatic replays, want none", n)
	}
	*up = true
	id = ask(t, e, `{"action":"redrive","select":{"failures":{}},"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if f := redriven(t, e, "live-1", 1); f.Status != domain.Closed {
		t.Errorf("got %+v, want it closed", f)
	}
}

func TestWhatCannotBeRedrivenIsSkippedWithItsReason(t *testing.T) {
	set := func(change func(x *awstest.Execution)) func(t *testing.T, e *Engine) {
		return func(_ *testing.T, e *Engine) {
			x := e.Machine.Execution("live-1")
			change(&x)
			e.Machine.Put(x)
		}
	}
	for _, tt := range []struct {
		name   string
		before func(t *testing.T, e *Engine)
		want   string
	}{
		{"its history is full", func(_ *testing.T, e *Engine) {
			e.Machine.Unredrivable["live-1"] = "Execution history size limit exceeded"
		}, "history size limit exceeded: replay it instead"},
		{"Step Functions has forgotten it", func(_ *testing.T, e *Engine) { e.Machine.Forget("live-1") }, "no longer knows execution live-1"},
		{"an operator redrives it", func(_ *testing.T, e *Engine) { e.Machine.Redrive("live-1") }, "redriven meanwhile, and runs"},
		{"an operator redrove it with success", set(func(x *awstest.Execution) {
			x.Redrives, x.Status = 1, types.ExecutionStatusSucceeded
		}), "redriven meanwhile, and has succeeded"},
		{"an operator redrove it, and it failed", set(func(x *awstest.Execution) { x.Redrives = 1 }), "redriven meanwhile, and has failed again"},
		{"its object was deleted", func(_ *testing.T, e *Engine) { e.Bucket.Delete("events/r1") }, "was deleted from the event log"},
		{"a person has closed it", func(t *testing.T, e *Engine) {
			err := e.Book.Failures.Move(t.Context(), failure(t, e, "live-1"), domain.Move{To: domain.Closed}, domain.Quarantined)
			if err != nil {
				t.Fatal(err)
			}
		}, "is closed by now"},
		{"an automatic replay is under way", func(t *testing.T, e *Engine) {
			err := e.Book.Failures.Move(t.Context(), failure(t, e, "live-1"), domain.Move{To: domain.Retrying}, domain.Quarantined)
			if err != nil {
				t.Fatal(err)
			}
		}, "an automatic replay of execution live-1 is under way"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, _, _ := oneFailure(t)
			id := ask(t, e, `{"action":"redrive","select":{"failures":{}},"reason":"a test"}`)
			body := drainToItems(t, e)
			tt.before(t, e)
			e.Listen(body...)
			wantItem(t, e, id, replay.Skipped, tt.want)
			if n := e.Machine.Redriven["live-1"]; n != 0 {
				t.Errorf("redriven %d times, want none", n)
			}
		})
	}
}

// Step Functions redrives for 14 days after the end. The ledger's time is enough to know.
func TestAnExecutionOfFifteenDaysAgoIsNotRedriven(t *testing.T) {
	now := time.Now
	e := InMemory(t, &Faults{}, Clock{Now: func() time.Time { return now().Add(15 * 24 * time.Hour) }, SettleAfter: 0})
	e.Machine.Work = failing("BadListing", never)
	e.Ingest("live-1", sale(1))
	e.Report()
	for range 2 {
		backoff()
		e.Schedule()
	}
	for _, dry := range []string{"", `,"dryRun":true`} {
		id := ask(t, e, fmt.Sprintf(redriveR1, dry))
		e.Pump()
		wantItem(t, e, id, replay.Skipped, "Step Functions redrives for 14 days only: replay it instead")
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Quarantined {
		t.Errorf("got %+v, want it left in quarantine", f)
	}
}

func TestARedriveGivesWayToANewerEventUnlessAllowed(t *testing.T) {
	e, _, up := oneFailure(t)
	*up = true
	e.Ingest("live-2", sale(2))
	e.Report()
	id := ask(t, e, `{"action":"redrive","select":{"failures":{}},"reason":"a test"}`)
	e.Pump()
	wantItem(t, e, id, replay.Skipped, "stale: version")
	id = ask(t, e, `{"action":"redrive","select":{"failures":{}},"allowStale":true,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if n := e.PublishedBy("live-1"); n != 1 {
		t.Errorf("published %d times, want once", n)
	}
}

// The newer event is published while the older one is being redriven: it must not be published after it.
func TestANewerEventThatIsPublishedMeanwhileKeepsTheRedriveBack(t *testing.T) {
	e, _, up := oneFailure(t)
	*up = true
	id := ask(t, e, fmt.Sprintf(redriveR1, ""))
	e.Listen(drainToItems(t, e)...)
	if err := e.Machine.Start("live-2", sale(2)); err != nil {
		t.Fatal(err)
	}
	e.Machine.Run(t.Context(), "live-2")
	e.Pump()
	e.Report()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	wantItem(t, e, id, replay.Succeeded, "not published: a newer event")
	if n := e.PublishedBy("live-1"); n != 0 {
		t.Errorf("published %d times after the newer event, want none", n)
	}
}
