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

// PauseAlarm pauses requested replays also with AutoReplay false.
func TestWithAutoReplayOffThePauseAlarmPausesRequestedReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := quick(t)
		three(t, e)
		alarms := &alarmState{in: true}
		e.Alarms = alarms
		e.Reconfigure(func(c *config.AutoReplay) { c.Enabled, c.PauseAlarm = false, "live" })
		e.Schedule()
		id := ask(t, e, `{"select":{"resourceIds":["r1","r2"]},"reason":"a test"}`)
		lapse(t, e, 1)
		if r := get(t, e, id); r.Status != replay.Paused || r.Paused.Reason != "the pause alarm is in ALARM" {
			t.Errorf("got %+v, want it paused by the alarm", r.Summary)
		}
		alarms.in = false
		e.Schedule()
		time.Sleep(5 * time.Minute)
		e.Schedule()
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	})
}

// With AutoReplay false, RetryOn, DoNotRetryOn, MaxAttempts and MaxAge still decide which failures are quarantined.
func TestWithAutoReplayOffFailuresAreStillQuarantined(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  string
		change func(*config.AutoReplay)
		after  time.Duration
		status domain.FailureStatus
		why    string
	}{
		{"not retriable", "Odd", func(*config.AutoReplay) {}, 0, domain.Quarantined, "not retriable"},
		{"RetryOn", "Odd", func(c *config.AutoReplay) { c.RetryOn = append(c.RetryOn, "Odd") }, 0, domain.Waiting, "auto-replay is off"},
		{"DoNotRetryOn", outage, func(c *config.AutoReplay) { c.DoNotRetryOn = []string{outage} }, 0, domain.Quarantined, "not retriable"},
		{"attempts left", outage, func(c *config.AutoReplay) { c.MaxAttempts = 2 }, 0, domain.Waiting, "auto-replay is off"},
		{"MaxAttempts", outage, func(c *config.AutoReplay) { c.MaxAttempts = 1 }, 0, domain.Quarantined, "1 of 1 automatic replays failed"},
		{"young enough", outage, func(*config.AutoReplay) {}, 2 * time.Hour, domain.Waiting, "auto-replay is off"},
		{"MaxAge", outage, func(c *config.AutoReplay) { c.MaxAge = time.Hour }, 2 * time.Hour, domain.Quarantined, "more than 1h0m0s ago"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := inMemory(t)
			e.Machine.Work = failing(tt.fault, never)
			e.Ingest("live-1", sale(1))
			e.Report()
			last := "live-1"
			if strings.Contains(strings.ToLower(tt.name), "attempts") { // one automatic replay, before it is off
				for len(e.Machine.Names(domain.AutoPrefix)) == 0 {
					backoff()
					e.Schedule()
					e.Pump()
				}
				last = domain.AutoName("live-1", 1)
			}
			e.Reconfigure(func(c *config.AutoReplay) { c.Enabled = false; tt.change(c) })
			started := fmt.Sprint(e.Machine.Names(""))
			for range 2 {
				e.Ahead += tt.after
				backoff()
				e.Schedule()
				e.Pump()
			}
			if f := failure(t, e, last); f.Status != tt.status || !strings.Contains(f.Decision, tt.why) {
				t.Errorf("got %s: %s, want %s: %s", f.Status, f.Decision, tt.status, tt.why)
			}
			if now := fmt.Sprint(e.Machine.Names("")); now != started {
				t.Errorf("started %s, had %s: want nothing more", now, started)
			}
		})
	}
}

// With AutoReplay false, CanaryThreshold has no effect: failures wait, and none is held.
func TestWithAutoReplayOffNothingIsHeld(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing(outage, never)
	e.Reconfigure(func(c *config.AutoReplay) { c.Enabled, c.CanaryThreshold = false, 1 })
	for n := range 5 {
		e.Ingest(fmt.Sprint("live-", n), fmt.Sprintf(`{"id":"r%d","owner":"o1"}`, n))
	}
	e.Report()
	for range 2 {
		backoff()
		if sum := e.Schedule(); sum.Held != 0 || sum.Probes != 0 || sum.Replayed != 0 {
			t.Errorf("got %+v, want none held or sent", sum)
		}
	}
	if f := failure(t, e, "live-0"); f.Status != domain.Waiting || f.Held {
		t.Errorf("got %+v, want it waiting and not held", f)
	}
}
