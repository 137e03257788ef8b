package follow

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/replay"
)

func of(status replay.Status, matched, succeeded, failed, skipped int) replay.Replay {
	return replay.Replay{Summary: replay.Summary{Status: status, Counts: replay.Counts{
		Matched: matched, Started: succeeded + failed, Succeeded: succeeded, Failed: failed, Skipped: skipped,
	}}}
}

func TestProgressOfSeveralReplaysIsThatOfTheSlowest(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		all  []replay.Replay
		want string
	}{
		{[]replay.Replay{of(replay.Pending, 0, 0, 0, 0)}, "PENDING: 0 items found"},
		{[]replay.Replay{of(replay.Expanding, 1, 0, 0, 0)}, "EXPANDING: 1 item found"},
		{[]replay.Replay{of(replay.Running, 10, 3, 1, 2)}, "RUNNING: 6 of 10 items, 3 succeeded, 1 failed, 2 skipped"},
		{[]replay.Replay{of(replay.Completed, 10, 10, 0, 0), of(replay.Running, 5, 1, 0, 0)}, "RUNNING: 11 of 15 items, 11 succeeded"},
		{[]replay.Replay{of(replay.Completed, 1, 1, 0, 0), of(replay.Halted, 5, 1, 1, 3)}, "COMPLETED: 6 of 6 items, 2 succeeded, 1 failed, 3 skipped"},
	} {
		if got := progressOf(tt.all, now).String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestThePaceIsThatOfTheLastMinute(t *testing.T) {
	var p pace
	began := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	if got := p.String(); got != "" {
		t.Errorf("got %q before anything is known", got)
	}
	done := 0
	for second := range 300 { // a second each: slow for four minutes, then fast
		if done += 2; second >= 240 {
			done += 18
		}
		p.add(progressOf([]replay.Replay{of(replay.Running, 6_000, done, 0, 0)}, began.Add(time.Duration(second)*time.Second)))
	}
	if got := p.String(); !strings.HasPrefix(got, "20/s, 3m") { // 4,320 left
		t.Errorf("got %q after %d, want the pace of the last minute", got, done)
	}
	if len(p.points) > 62 {
		t.Errorf("keeps %d points", len(p.points))
	}
	p = pace{}
	p.add(progressOf([]replay.Replay{of(replay.Expanding, 10, 1, 0, 0)}, began))
	p.add(progressOf([]replay.Replay{of(replay.Expanding, 20, 6, 0, 0)}, began.Add(2*time.Second)))
	if got := p.String(); got != "2.5/s" {
		t.Errorf("got %q, want no remaining time while items are still being found", got)
	}
}

// On a pipe, a line says what changed, and long waits are no flood.
func TestLinesAreFew(t *testing.T) {
	var errs bytes.Buffer
	a := &factory.Factory{Process: factory.Process{Err: &errs}}
	m := newMeter(a, "replaying")
	began := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	for second := range 60 {
		m.show(progressOf([]replay.Replay{of(replay.Running, 100, second, 0, 0)}, began.Add(time.Duration(second)*time.Second)))
	}
	m.show(progressOf([]replay.Replay{of(replay.Completed, 100, 100, 0, 0)}, began.Add(time.Minute)))
	m.end()
	if n := strings.Count(errs.String(), "\n"); n < 5 || n > 8 || !strings.HasSuffix(errs.String(), "COMPLETED: 100 of 100 items, 100 succeeded\n") {
		t.Errorf("got %d lines:\n%s", n, errs.String())
	}
}
