package engine

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/replay"
)

// busyLive has producers start so many executions a second beside a replay that would start 30, for a time. The quota is that of
// most Regions: 150 a second ("Quotas related to API action throttling"). It returns how many of theirs were refused, and how many
// executions the replay started.
func busyLive(t *testing.T, perSecond float64, lasts time.Duration, more string) (refused, of, replayed int) {
	t.Helper()
	p := newPaced(t, listener.Pace{StartsPerSecond: 30})
	p.owned("o1", int(30*lasts.Seconds()))
	quota := awstest.NewQuotas(nil, p.clock.Now).Start
	p.Machine.StartFault = func(string) (error, bool) {
		if err := quota.Take(); err != nil {
			return err, false
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		replayed++
		return nil, false
	}
	p.ask("o1", more)
	const tick = 100 * time.Millisecond
	due := 0.0
	for until := p.clock.Now().Add(lasts); p.clock.Now().Before(until); {
		end := p.clock.Now().Add(tick)
		p.deliver(tick)
		p.clock.Set(later(p.clock.Now(), end))
		for due += perSecond * tick.Seconds(); due >= 1; due-- {
			if of++; quota.Take() != nil {
				refused++
			}
		}
	}
	return refused, of, replayed
}

// Live traffic leaves 10 of 150 starts a second. A replay that does not give way costs it one start of ten.
func TestReplaysGiveWayToLiveTraffic(t *testing.T) {
	const lasts = 4 * time.Minute
	refused, of, replayed := busyLive(t, 140, lasts, "")
	without, _, whole := busyLive(t, 140, lasts, `,"ignorePauseAlarm":true`)
	t.Logf("of %d live starts, %d were refused beside a replay that gave way and started %d, and %d beside one that started %d",
		of, refused, replayed, without, whole)
	if without < of/20 || refused > without/10 {
		t.Errorf("%d of %d live starts refused, want a tenth of the %d at most that a replay costs that does not give way", refused, of, without)
	}
	if replayed < whole/10 {
		t.Errorf("the replay started %d, want it to go on with what live traffic leaves", replayed)
	}
}

// All listeners see that one start was throttled, and halve the pace once. A replay that ignores PauseAlarm has its whole pace.
func TestThrottledStartsHalveThePaceOfAllOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		e.Listener.Pace, e.Binder.Pace = listener.Pace{StartsPerSecond: 30}, listener.Pace{StartsPerSecond: 30}
		ofOwner(t, e, 40)
		e.Machine.StartFault = func(string) (error, bool) { return &throttling, false }
		id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
		some := func() {
			for range 3 { // what is throttled is sent again
				e.Listen(e.Replays.TakeAll()...)
			}
		}
		some()
		yielding := func() (c replay.Controls) {
			answer := e.Call("GET", "/controls", "", nil, nil)
			if err := json.Unmarshal([]byte(answer.Body), &c); err != nil {
				t.Fatal(err)
			}
			return c
		}
		if y := yielding().Yielding; y == nil || y.Share != 0.5 {
			t.Fatalf("got %+v after many throttled starts at once, want half the pace", y)
		}
		time.Sleep(domain.YieldAgain)
		some()
		if y := yielding().Yielding; y == nil || y.Share > 0.3 {
			t.Fatalf("got %+v while starts are throttled, want it halved again", y)
		}
		e.Machine.StartFault = nil
		time.Sleep(30 * time.Minute)
		if y := yielding().Yielding; y != nil {
			t.Errorf("got %+v half an hour later, want the whole pace", y)
		}
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 40, Started: 40, Succeeded: 40})
	})
}

// Auto-replay sends less while replays give way.
func TestAutoReplaySendsLessWhileReplaysGiveWay(t *testing.T) {
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	e.Reconfigure(func(p *config.AutoReplay) {
		p.CanaryThreshold, p.StartsPerSecond, p.Interval = 10_000, 2, time.Minute
	})
	e.Machine.Work = func(string, string) (string, string) { return "", "States.Timeout" }
	for i := range 200 {
		e.Ingest(fmt.Sprint("x", i), event(fmt.Sprint("r", i), "o1", 1))
	}
	e.Report()
	c, _ := domain.Controls{}.Yield(time.Now())
	if _, err := e.Plain.Controls.Yield(t.Context(), c, domain.At(time.Now())); err != nil {
		t.Fatal(err)
	}
	if sum := e.Schedule(); sum.Replayed < 50 || sum.Replayed > 70 {
		t.Errorf("%d automatic replays sent in a minute at 2 a second, want half of 120", sum.Replayed)
	}
}
