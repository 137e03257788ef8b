package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
