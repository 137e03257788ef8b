package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// ofOwner has so many resources of an owner.
func ofOwner(t *testing.T, e *Engine, n int) {
	t.Helper()
	for i := range n {
		logged(t, e, fmt.Sprint("m", i), 1)
		if err := e.Book.Owners.Note(t.Context(), "o1", fmt.Sprint("m", i), stampNow()); err != nil {
			t.Fatal(err)
		}
	}
}

// steps runs a replay, and returns how many executions started before those that had started by then had ended. Nothing must
// be in the queue while they run.
func steps(t *testing.T, e *Engine) (sizes []int) {
	t.Helper()
	for {
		for bodies := e.Replays.TakeAll(); len(bodies) > 0; bodies = e.Replays.TakeAll() {
			for batch := range slices.Chunk(bodies, 10) {
				if refused := e.Listen(batch...); refused > 0 {
					t.Fatalf("refused %d", refused)
				}
			}
		}
		started := 0
		for e.Machine.RunOne(t.Context()) {
			started++
		}
		if started == 0 {
			return sizes
		}
		sizes = append(sizes, started)
		e.Report()
	}
}

const ramped = `{"select":{"ownerId":"o1"},"ramp":true,"reason":"a test"}`

// fails makes the executions of some resources fail.
func fails(e *Engine, these func(resource int) bool) {
	e.Machine.Work = func(_, event string) (string, string) {
		var n int
		if _, err := fmt.Sscanf(event, `{"id":"m%d"`, &n); err == nil && these(n) {
			return "", "BadListing"
		}
		return event, ""
	}
}

func TestARampGrowsUntilAllMayStart(t *testing.T) {
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	ofOwner(t, e, 10_000)
	id := ask(t, e, ramped)
	got := steps(t, e)
	if want := []int{1, 4, 16, 64, 256, 1024, 8635}; !slices.Equal(got, want) {
		t.Errorf("got steps of %v, want %v", got, want)
	}
	r := finished(t, e, id, replay.Completed, replay.Counts{Matched: 10_000, Started: 10_000, Succeeded: 10_000})
	if r.Ramp == nil || *r.Ramp != (replay.RampProgress{MaxFailureShare: 0.2, Ran: 10_000}) || r.Request.Ramp == nil {
		t.Errorf("got %+v, want a ramp that has ended", r.Ramp)
	}
}

func TestARampPausesAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
		ofOwner(t, e, 200)
		broken := true
		fails(e, func(n int) bool { return broken && n%2 == 0 })
		id := ask(t, e, ramped)
		got := steps(t, e)
		r := get(t, e, id)
		if r.Status != replay.Paused || r.Paused.By != "" || !strings.Contains(r.Paused.Reason, "the ramp: ") || r.Ramp.Failed == 0 {
			t.Fatalf("got %s %+v %+v after %v, want it paused by its ramp", r.Status, r.Paused, r.Ramp, got)
		}
		lapse(t, e, 7)
		broken = false
		resumeOne(t, e, id)
		if s := get(t, e, id); s.Ramp.Step != 1 || s.Ramp.Ran != 0 || s.Ramp.Failed != 0 {
			t.Errorf("got %+v, want it to begin with 1 again", s.Ramp)
		}
		before := r.Counts.Started
		if again := steps(t, e); again[0] != 1 || again[1] != 4 || again[2] != 16 {
			t.Errorf("got steps of %v, then %v, want them to begin with 1 again", got, again)
		}
		failed := get(t, e, id).Counts.Failed
		if failed > before {
			t.Errorf("%d failed of %d before it was paused", failed, before)
		}
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 200, Started: 200, Succeeded: 200 - failed, Failed: failed})
	})
}

// A share of failures that is allowed does not pause. One over it does, also within a step and after the last one.
func TestARampPausesAtItsShare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		share  string
		these  func(n int) bool
		status replay.Status
		most   int // that fail
	}{
		{"none of which fail", "0", func(int) bool { return false }, replay.Completed, 0},
		{"of which one fails, and none may", "0", func(n int) bool { return n == 1400 }, replay.Paused, 1},
		{"of which 9 % fail, and 20 % may", "0.2", func(n int) bool { return n%11 == 10 }, replay.Completed, 200},
		{"of which all fail", "0.99", func(int) bool { return true }, replay.Paused, 1},
		{"of which all fail from 400 on", "0.2", func(n int) bool { return n >= 400 }, replay.Paused, 500},
		{"of which all fail from 1,500 on", "0.05", func(n int) bool { return n >= 1500 }, replay.Paused, 160},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
			ofOwner(t, e, 2000)
			fails(e, tt.these)
			id := ask(t, e, strings.Replace(ramped, "true", `{"maxFailureShare":`+tt.share+`}`, 1))
			for range 2000 { // an end is reported at once, while others of its step run
				for bodies := e.Replays.TakeAll(); len(bodies) > 0; bodies = e.Replays.TakeAll() {
					for batch := range slices.Chunk(bodies, 10) {
						e.Listen(batch...)
					}
				}
				if !e.Machine.RunOne(t.Context()) {
					break
				}
				e.Report()
			}
			r := get(t, e, id)
			if r.Status != tt.status || r.Counts.Failed > tt.most {
				t.Errorf("got %s %+v %+v, want %s and at most %d failed", r.Status, r.Counts, r.Paused, tt.status, tt.most)
			}
		})
	}
}

// Whether it pauses does not depend on what ends first.
func TestARampIsJudgedAlikeInAnyOrder(t *testing.T) {
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	ofOwner(t, e, 40)
	for _, failed := range []int{1, 3, 4, 5, 20} {
		var want string
		for _, order := range []func([]string){func([]string) {}, slices.Reverse[[]string], mixed} {
			e.Machine.Work = func(_, event string) (string, string) { return event, "" }
			id := ask(t, e, ramped)
			pumpSome(t, e)
			e.Machine.RunAll(t.Context())
			e.Report()
			pumpSome(t, e)
			e.Machine.RunAll(t.Context())
			e.Report()
			pumpSome(t, e) // 16 run
			row, err := e.Book.Replays.Get(t.Context(), id)
			if err != nil || row.RampTo != 21 {
				t.Fatalf("got %+v, %v, want the third step", row.Ramp, err)
			}
			n := 0
			e.Machine.Work = func(_, event string) (string, string) {
				if n++; n <= failed {
					return "", "BadListing"
				}
				return event, ""
			}
			e.Machine.RunAll(t.Context())
			var ends []string
			for _, end := range e.TakeEnds() {
				ends = append(ends, end.Message)
			}
			order(ends)
			for _, end := range ends {
				e.Track(end)
				e.Track(end) // twice
			}
			row, err = e.Book.Replays.Get(t.Context(), id)
			got := fmt.Sprint(row.Paused(), row.RampTo, err)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%d of 16 failed: got %s, want %s as in another order", failed, got, want)
			}
			if paused := failed > 4; row.Paused() != paused { // 4 of 21 are less than a fifth, 5 are more
				t.Errorf("%d of 21 failed: paused is %t, want %t", failed, row.Paused(), paused)
			}
			cancel(t, e, id, 200)
			e.Machine.Work = func(_, event string) (string, string) { return event, "" }
			e.Pump()
		}
	}
}

func mixed(s []string) {
	for i := range s {
		j := (i*7 + 3) % len(s)
		s[i], s[j] = s[j], s[i]
	}
}

// pumpSome delivers what is in the queue and runs nothing.
func pumpSome(t *testing.T, e *Engine) {
	t.Helper()
	for bodies := e.Replays.TakeAll(); len(bodies) > 0; bodies = e.Replays.TakeAll() {
		if refused := e.Listen(bodies...); refused > 0 {
			t.Fatalf("refused %d", refused)
		}
	}
}

// A step that takes a week costs nothing: no message is in a queue.
func TestAStepOfAWeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		ofOwner(t, e, 105)
		id := ask(t, e, ramped)
		for _, want := range []int{1, 5, 21} {
			pumpSome(t, e)
			for range 28 {
				time.Sleep(6 * time.Hour)
				e.Schedule()
				if bodies := e.Replays.TakeAll(); len(bodies) > 0 {
					t.Fatalf("the queue has %v, want nothing while a step runs", bodies)
				}
			}
			if n := len(e.Machine.Names(domain.APIPrefix)); n != want {
				t.Errorf("%d started, want %d", n, want)
			}
			if r := get(t, e, id); r.Status.Final() || r.Ramp == nil || r.Ramp.Resources != want {
				t.Errorf("got %s %+v, want %d resources let go", r.Status, r.Ramp, want)
			}
			e.Machine.RunAll(t.Context())
			e.Report()
		}
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 105, Started: 105, Succeeded: 105})
	})
}

// A ramp that is paused, resumed, given another pace or cancelled in any step keeps its place, and starts nothing twice.
func TestARampIsPausedInEachStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, series := range []string{"", `"versions":{"series":"all"},`} {
			for _, cancelled := range []bool{false, true} {
				e, _ := quick(t)
				ofOwner(t, e, 105)
				history(t, e, "m1", 2)
				history(t, e, "m99", 2)
				id := ask(t, e, strings.Replace(ramped, `"ramp"`, series+`"ramp"`, 1))
				for range 8 {
					if s := get(t, e, id); s.Status.Final() {
						break
					}
					pauseOne(t, e, id)
					lapse(t, e, 1)
					of(t, e, "PATCH", "", id, `{"maxPerSecond":1}`, 200)
					if p := e.Replays; !p.Empty() {
						t.Fatal("a message is in the queue of a paused replay")
					}
					resumeOne(t, e, id)
					of(t, e, "PATCH", "", id, `{"maxPerSecond":null}`, 200)
					e.Listen(e.Replays.TakeAll()...)
					e.Series.RunAll(t.Context())
				}
				if cancelled {
					cancel(t, e, id, 200)
				}
				e.Pump()
				r := get(t, e, id)
				if want := map[bool]replay.Status{true: replay.Cancelled, false: replay.Completed}[cancelled]; r.Status != want {
					t.Errorf("got %s %+v %+v, want %s", r.Status, r.Counts, r.Ramp, want)
				}
				checkCounts(t, e, r)
				for _, name := range e.Machine.Names(domain.APIPrefix) {
					if n := e.Machine.Starts[name]; n != 1 {
						t.Errorf("%s was started %d times, want once", name, n)
					}
				}
			}
		}
	})
}

// Listeners and trackers at work at the same time, with each message twice, let a step begin once, and nothing before it.
func TestARampWithEverythingTwiceAtOnce(t *testing.T) {
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	ofOwner(t, e, 300)
	id := ask(t, e, ramped)
	steps := []int{1, 5, 21, 85, 300}
	for _, want := range steps {
		for bodies := e.Replays.TakeAll(); len(bodies) > 0; bodies = e.Replays.TakeAll() {
			var all sync.WaitGroup
			for batch := range slices.Chunk(append(bodies, bodies...), 7) {
				all.Go(func() { e.Listen(batch...) })
			}
			all.Wait()
		}
		if n := len(e.Machine.Names(domain.APIPrefix)); n != want {
			t.Fatalf("%d started, want %d", n, want)
		}
		e.Machine.RunAll(t.Context())
		var all sync.WaitGroup
		for _, end := range e.TakeEnds() {
			all.Go(func() { e.Track(end.Message) })
			all.Go(func() { e.Track(end.Message) })
		}
		all.Wait()
	}
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 300, Started: 300, Succeeded: 300})
}

// Skipped items end a step too, and are none that ran.
func TestSkippedItemsEndAStep(t *testing.T) {
	e, _ := quick(t)
	three(t, e)
	id := ask(t, e, `{"select":{"resourceIds":["x1","x2","x3","r1","x4","x5","r2","r3"]},"ramp":true,"reason":"a test"}`)
	e.Pump()
	r := finished(t, e, id, replay.Completed, replay.Counts{Matched: 8, Started: 3, Succeeded: 3, Skipped: 5})
	if r.Ramp.Ran != 3 {
		t.Errorf("got %+v, want 3 that ran", r.Ramp)
	}
}

// A dry run starts nothing, so it plans everything at once. The replay that applies it has its ramp.
func TestAPlanIsAppliedWithItsRamp(t *testing.T) {
	e, _ := quick(t)
	ofOwner(t, e, 30)
	plan := ask(t, e, strings.Replace(ramped, `"reason"`, `"dryRun":true,"reason"`, 1))
	e.Pump()
	r := get(t, e, plan)
	if r.Status != replay.Planned || r.Plan.Items != 30 || r.Ramp != nil || r.Request.Ramp == nil {
		t.Fatalf("got %s %+v %+v, want a plan of all items", r.Status, r.Plan, r.Ramp)
	}
	e.Pump() // computes its hash
	id := ask(t, e, fmt.Sprintf(`{"apply":{"planId":%q,"planHash":%q}}`, plan, get(t, e, plan).Plan.PlanHash))
	if got := steps(t, e); !slices.Equal(got, []int{1, 4, 16, 9}) {
		t.Errorf("got steps of %v, want those of a ramp", got)
	}
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 30, Started: 30, Succeeded: 30})
}
