package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// of makes a call about a replay and returns the answer.
func of(t *testing.T, e *Engine, method, what, id, body string, want int) (s replay.Summary) {
	t.Helper()
	answer := e.Call(method, "/replays/{replayId}"+what, body, map[string]string{"replayId": id}, nil)
	if answer.StatusCode != want {
		t.Fatalf("%s%s: got %d %s, want %d", method, what, answer.StatusCode, answer.Body, want)
	}
	if want == 200 {
		if err := json.Unmarshal([]byte(answer.Body), &s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func pauseOne(t *testing.T, e *Engine, id string) replay.Summary {
	t.Helper()
	return of(t, e, "POST", "/pause", id, `{"reason":"a look"}`, 200)
}

func resumeOne(t *testing.T, e *Engine, id string) replay.Summary {
	t.Helper()
	return of(t, e, "POST", "/resume", id, "", 200)
}

func control(t *testing.T, e *Engine, body string) (c replay.Controls) {
	t.Helper()
	answer := e.Call("PATCH", "/controls", body, nil, nil)
	if err := json.Unmarshal([]byte(answer.Body), &c); err != nil || answer.StatusCode != 200 {
		t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
	}
	return c
}

// lapse lets time pass, with auto-replay at work. Nothing must be in a queue, and nothing must start.
func lapse(t *testing.T, e *Engine, days int) {
	t.Helper()
	e.Pump()
	starts, series := len(e.Machine.Names("")), len(e.Series.Names(""))
	for range days * 4 {
		time.Sleep(6 * time.Hour)
		e.Schedule()
		if bodies := e.Replays.TakeAll(); len(bodies) > 0 {
			t.Fatalf("the queue has %v, want nothing while all is paused", bodies)
		}
		if !e.Replays.Empty() || !e.Dead.Empty() {
			t.Fatal("a message is held back or dead, want none while all is paused")
		}
	}
	if n, m := len(e.Machine.Names("")), len(e.Series.Names("")); n != starts || m != series {
		t.Errorf("%d executions and %d series started while all was paused", n-starts, m-series)
	}
}

// Wherever a replay stands, a pause of a week costs nothing and loses nothing.
func TestAPauseOfAWeekInEachPhase(t *testing.T) {
	const r123 = `"select":{"resourceIds":["r1","r2","r3"]}`
	series := r123 + `,"versions":{"series":"all"}`
	tests := []struct {
		name    string
		setup   func(*testing.T, *Engine)
		body    string
		batches int // that the listener gets before
		version int // or: before this version of each series
		want    replay.Counts
		status  replay.Status // while it is paused, in the ledger
	}{
		{name: "that is pending", body: r123, want: replay.Counts{Matched: 3, Started: 3, Succeeded: 3}, status: replay.Pending},
		{name: "that is expanding", setup: many, body: `"select":{"ownerId":"o1"}`, batches: 1, want: replay.Counts{Matched: 105, Started: 105, Succeeded: 105}, status: replay.Expanding},
		{name: "that runs", body: r123, batches: 1, want: replay.Counts{Matched: 3, Started: 3, Succeeded: 3}, status: replay.Running},
		{name: "that is paced", body: r123 + `,"maxPerSecond":1`, batches: 1, want: replay.Counts{Matched: 3, Started: 3, Succeeded: 3}, status: replay.Running},
		{name: "that republishes", body: `"action":"republish",` + r123, batches: 1, want: replay.Counts{Matched: 3, Started: 3, Succeeded: 3}, status: replay.Running},
		{name: "that is a dry run", body: r123 + `,"dryRun":true`, batches: 1, want: replay.Counts{Matched: 3}, status: replay.Running},
		{name: "of series that are not bound", body: series, batches: 1, want: replay.Counts{Matched: 7, Started: 7, Succeeded: 7}, status: replay.Running},
		{name: "of series that are bound", body: series, batches: 2, want: replay.Counts{Matched: 7, Started: 7, Succeeded: 7}, status: replay.Running},
		{name: "of series between versions", body: series, version: 1, want: replay.Counts{Matched: 7, Started: 7, Succeeded: 7}, status: replay.Running},
		{name: "of series before the last version", body: series, version: 2, want: replay.Counts{Matched: 7, Started: 7, Succeeded: 7}, status: replay.Running},
		{name: "of failures", setup: quarantined, body: `"select":{"failures":{"error":"Bad*"}},"allowStale":true`, batches: 1, want: replay.Counts{Matched: 3, Started: 3, Succeeded: 3}, status: replay.Running},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := quick(t)
				if tt.setup == nil {
					tt.setup = three
				}
				tt.setup(t, e)
				id := ask(t, e, `{`+tt.body+`,"reason":"a test"}`)
				for range tt.batches {
					e.Listen(e.Replays.TakeAll()...)
				}
				if tt.version > 0 {
					e.Series.Before = func(_ string, index int) bool {
						if index == tt.version {
							pauseOne(t, e, id)
						}
						return true
					}
				} else {
					pauseOne(t, e, id)
				}
				lapse(t, e, 7)
				row, err := e.Book.Replays.Get(t.Context(), id)
				if err != nil || row.Status != tt.status {
					t.Errorf("got %s, %v, want it %s", row.Status, err, tt.status)
				}
				if r := get(t, e, id); r.Status != replay.Paused || r.Paused == nil || r.Paused.Reason != "a look" {
					t.Errorf("got %s %+v, want it paused, with the reason", r.Status, r.Paused)
				}
				e.Series.Before = func(string, int) bool { return true }
				resumeOne(t, e, id)
				e.Pump()
				status := replay.Completed
				if strings.Contains(tt.body, "dryRun") {
					status = replay.Planned
				}
				finished(t, e, id, status, tt.want)
				for _, name := range e.Machine.Names(domain.APIPrefix) {
					if n := e.Machine.Starts[name]; n != 1 {
						t.Errorf("%s was started %d times, want once", name, n)
					}
				}
			})
		})
	}
}

// The executions of a series that is paused again and again have one name each, and its versions keep their order.
func TestASeriesIsPausedBeforeEachVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		versions := history(t, e, "r1", 4)
		id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
		next := 0
		e.Series.Before = func(_ string, index int) bool {
			if index == next {
				pauseOne(t, e, id)
			}
			return true
		}
		for next = range versions {
			lapse(t, e, 1)
			if c := get(t, e, id).Counts; c.Succeeded != next {
				t.Errorf("got %+v, want %d succeeded", c, next)
			}
			next++
			resumeOne(t, e, id)
		}
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 4, Started: 4, Succeeded: 4})
		if got := order(t, e); !slices.Equal(got, versions) {
			t.Errorf("ran %v, want %v", got, versions)
		}
		if n := len(e.Series.Names("")); n != 5 {
			t.Errorf("got %d executions of Series, want 5", n)
		}
		time.Sleep(time.Hour)
		e.Schedule()
		e.Pump()
		s, err := e.Book.Series.Get(t.Context(), domain.SeriesName(id, 0, 0))
		if err != nil || s.Open() {
			t.Errorf("got %+v, %v, want the series closed", s, err)
		}
	})
}

func TestACancelledReplayThatWasPausedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		history(t, e, "r1", 3)
		id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
		e.Series.Before = func(_ string, index int) bool {
			if index == 1 {
				pauseOne(t, e, id)
			}
			return true
		}
		lapse(t, e, 1)
		cancel(t, e, id, 200)
		e.Pump()
		finished(t, e, id, replay.Cancelled, replay.Counts{Matched: 3, Started: 1, Succeeded: 1, Skipped: 2})
		of(t, e, "POST", "/resume", id, "", 409)
		time.Sleep(time.Hour)
		e.Schedule()
		e.Pump()
		if s, err := e.Book.Series.Get(t.Context(), domain.SeriesName(id, 0, 0)); err != nil || s.Open() {
			t.Errorf("got %+v, %v, want the series closed", s, err)
		}
	})
}

func TestTwoPeoplePauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		three(t, e)
		id := ask(t, e, `{"select":{"resourceIds":["r1","r2"]},"reason":"a test"}`)
		first := pauseOne(t, e, id)
		time.Sleep(time.Minute)
		if again := of(t, e, "POST", "/pause", id, `{"reason":"another"}`, 200); *again.Paused != *first.Paused {
			t.Errorf("got %+v, want the first one named: %+v", again.Paused, first.Paused)
		}
		if s := resumeOne(t, e, id); s.Status != replay.Pending || s.Paused != nil || s.Resumed == nil {
			t.Errorf("got %+v, want it resumed", s)
		}
		resumeOne(t, e, id) // again
		of(t, e, "POST", "/pause", id, `{"reason":"once more"}`, 200)
		e.Pump()
		if r := get(t, e, id); r.Status != replay.Paused || r.Paused.Reason != "once more" || r.Counts.Started > 0 {
			t.Errorf("got %+v, want the last word to be the pause", r.Summary)
		}
		resumeOne(t, e, id)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
		of(t, e, "POST", "/pause", id, `{"reason":"late"}`, 409)
		of(t, e, "POST", "/resume", id, "", 409)
		of(t, e, "PATCH", "", id, `{"maxPerSecond":7}`, 409)
		of(t, e, "POST", "/pause", id, `{}`, 400)
		of(t, e, "POST", "/pause", "01ARZ3NDEKTSV4RRFFQ69G5FAV", `{"reason":"x"}`, 404)
	})
}

// Messages that were on their way when a replay was paused and resumed at once start nothing twice, and none is missed.
func TestAPauseForAMomentChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		many(t, e)
		id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
		for i := range 40 {
			if bodies := e.Replays.TakeAll(); len(bodies) > 0 {
				n := min(len(bodies), 7)
				e.Listen(bodies[:n]...)
				if err := e.Replays.Send(t.Context(), bodies[n:]...); n < len(bodies) && err != nil {
					t.Fatal(err)
				}
			}
			if i%2 == 0 {
				pauseOne(t, e, id)
			} else {
				resumeOne(t, e, id)
			}
		}
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 105, Started: 105, Succeeded: 105})
	})
}

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
