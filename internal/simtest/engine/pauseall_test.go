package engine

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestAllReplaysArePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		three(t, e)
		const body = `{"select":{"resourceIds":["r1","r2","r3"]},"versions":{"series":"all"},"reason":"a test"}`
		before := ask(t, e, body)
		e.Listen(e.Replays.TakeAll()...)
		c := control(t, e, `{"pauseReplays":true,"reason":"an outage"}`)
		if c.Replays.Paused == nil || c.Replays.Paused.Reason != "an outage" || c.AutoReplay.Paused != nil {
			t.Errorf("got %+v, want replays paused", c)
		}
		time.Sleep(5 * time.Second) // the listener may not know it before
		after := ask(t, e, body)
		alone := ask(t, e, body)
		pauseOne(t, e, alone)
		plan := ask(t, e, `{"select":{"resourceIds":["r1"]},"dryRun":true,"reason":"a test"}`)
		lapse(t, e, 7)
		if r := get(t, e, plan); r.Status != replay.Planned {
			t.Errorf("got %s, want the dry run to have been made", r.Status)
		}
		for _, id := range []string{before, after, alone} {
			if r := get(t, e, id); r.Status != replay.Paused || r.Counts.Started > 0 {
				t.Errorf("got %+v, want it paused", r.Summary)
			}
		}
		answer := e.Call("GET", "/replays", "", nil, map[string]string{"status": "PAUSED"})
		if n := strings.Count(answer.Body, `"PAUSED"`); n != 3 {
			t.Errorf("got %d of them listed, want 3: %s", n, answer.Body)
		}
		if s := resumeOne(t, e, after); s.Status != replay.Paused || s.Paused.Reason != "all replays: an outage" {
			t.Errorf("got %+v, want it to wait for all", s)
		}
		lapse(t, e, 1)
		control(t, e, `{"pauseReplays":false}`)
		e.Pump()
		for _, id := range []string{before, after} {
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 7, Started: 7, Succeeded: 7})
		}
		if r := get(t, e, alone); r.Status != replay.Paused {
			t.Errorf("got %s, want the one that was paused alone to stay so", r.Status)
		}
		resumeOne(t, e, alone)
		e.Pump()
		finished(t, e, alone, replay.Completed, replay.Counts{Matched: 7, Started: 7, Succeeded: 7})
	})
}

// The call that resumed all replays died before it sent anything.
func TestAutoReplayGoesOnWithWhatWasResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		three(t, e)
		control(t, e, `{"pauseReplays":true,"reason":"an outage"}`)
		id := ask(t, e, `{"select":{"resourceIds":["r1","r2"]},"reason":"a test"}`)
		lapse(t, e, 1)
		if err := e.Book.Controls.ResumeReplays(t.Context(), replay.Resumption{By: "me", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		e.Pump()
		time.Sleep(5 * time.Minute)
		e.Schedule()
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	})
}

// While automatic replays are paused, failures are taken in, and do not become too old.
func TestAutoReplayIsPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		e.Machine.Work = func(string, string) (string, string) { return "", "Lambda.TooManyRequestsException" }
		e.Ingest("before", event("r1", "o1", 1))
		e.Report()
		e.Schedule() // takes it in
		time.Sleep(time.Second)
		e.Schedule() // sends its automatic replay
		control(t, e, `{"pauseAutoReplay":true,"reason":"an outage"}`)
		e.Ingest("while", event("r2", "o1", 1))
		e.Report()
		if sum := e.Schedule(); sum.DeadLetters != 1 || sum.Replayed != 0 || sum.Paused != "auto-replay is paused: an outage" {
			t.Errorf("got %+v, want the failure taken in and nothing sent", sum)
		}
		lapse(t, e, 7)
		e.Machine.Work = func(_, event string) (string, string) { return event, "" }
		control(t, e, `{"pauseAutoReplay":false}`)
		for range 3 {
			time.Sleep(time.Minute)
			e.Schedule()
			e.Pump()
		}
		for _, name := range []string{"before", "while"} {
			f, err := e.Book.Failures.Get(t.Context(), domain.FailureID(name, 0))
			if err != nil || f.Status != domain.Healed {
				t.Errorf("got %s %s: %s, %v, want HEALED", name, f.Status, f.Decision, err)
			}
		}
	})
}

// PauseAlarm pauses replays too, but for those that say otherwise.
func TestReplaysWaitForThePauseAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		three(t, e)
		alarms := &alarmState{in: true}
		e.Alarms = alarms
		e.Reconfigure(func(c *config.AutoReplay) { c.PauseAlarm = "live" })
		e.Schedule()
		const body = `{"select":{"resourceIds":["r1","r2"]},"reason":"a test"%s}`
		waits := ask(t, e, fmt.Sprintf(body, ""))
		goes := ask(t, e, fmt.Sprintf(body, `,"ignorePauseAlarm":true`))
		lapse(t, e, 1)
		if r := get(t, e, waits); r.Status != replay.Paused || r.Paused.Reason != "the pause alarm is in ALARM" {
			t.Errorf("got %+v, want it paused by the alarm", r.Summary)
		}
		finished(t, e, goes, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
		alarms.in = false
		e.Schedule()
		time.Sleep(5 * time.Minute)
		e.Schedule()
		e.Pump()
		finished(t, e, waits, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	})
}

// An automatic replay that was sent before PauseAlarm went into ALARM does not start either.
func TestAnAutomaticReplayThatWasSentWaitsForThePauseAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		e.Machine.Work = failing("Lambda.TooManyRequestsException", automatic)
		alarms := &alarmState{}
		e.Alarms = alarms
		e.Reconfigure(func(c *config.AutoReplay) { c.PauseAlarm = "live" })
		e.Ingest("sent", event("r1", "o1", 1))
		e.Report()
		if sum := e.Schedule(); sum.Replayed != 1 {
			t.Fatalf("got %+v, want its automatic replay sent", sum)
		}
		alarms.in = true
		e.Schedule()
		e.Pump()
		if got := e.Machine.Names(domain.AutoPrefix); len(got) != 0 {
			t.Errorf("got %v started in ALARM, want nothing", got)
		}
		alarms.in = false
		time.Sleep(20 * time.Minute)
		e.Schedule()
		e.Pump()
		if f, err := e.Book.Failures.Get(t.Context(), domain.FailureID("sent", 0)); err != nil || f.Status != domain.Healed {
			t.Errorf("got %s: %s, %v, want HEALED", f.Status, f.Decision, err)
		}
	})
}

func TestAnotherPaceTakesEffectWithinSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		e.Replays.Now = time.Now
		many(t, e)
		id := ask(t, e, `{"select":{"ownerId":"o1"},"maxPerSecond":1,"reason":"a test"}`)
		deadline := time.Now().Add(20 * time.Second)
		for time.Now().Before(deadline) {
			if _, err := e.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := len(e.Machine.Names(domain.APIPrefix)); n == 0 || n > 30 {
			t.Fatalf("%d were started in 20 seconds at 1 a second", n)
		}
		if s := of(t, e, "PATCH", "", id, `{"maxPerSecond":null}`, 200); s.MaxPerSecond != 0 {
			t.Errorf("got %+v, want no pace", s)
		}
		began := time.Now()
		for time.Now().Before(began.Add(20*time.Second)) && len(e.Machine.Names(domain.APIPrefix)) < 105 {
			if _, err := e.Deliver(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := len(e.Machine.Names(domain.APIPrefix)); n != 105 {
			t.Errorf("%d were started %s after the pace was taken away, want 105", n, time.Since(began))
		}
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 105, Started: 105, Succeeded: 105})
	})
}
