package console

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

func TestAReplayIsOnlyGoodIfNothingFailed(t *testing.T) {
	for name, c := range map[string]struct {
		status  replay.Status
		failed  int
		applied string
		want    mark
	}{
		"all succeeded":       {replay.Completed, 0, "", mark{"COMPLETED", "good"}},
		"some failed":         {replay.Completed, 1200, "", mark{"COMPLETED, 1,200 failed", "wait"}},
		"it runs":             {replay.Running, 3, "", mark{"RUNNING", "busy"}},
		"it was halted":       {replay.Halted, 3, "", mark{"HALTED", "bad"}},
		"a plan":              {replay.Planned, 3, "", mark{"PLANNED", "good"}},
		"a plan that was run": {replay.Planned, 3, "01", mark{"PLANNED, applied", "plain"}},
	} {
		if got := standing(c.status, c.failed, c.applied); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestWhatDidNotRunIsNoProgress(t *testing.T) {
	stop := &replay.Stop{Status: replay.Cancelled}
	for name, c := range map[string]struct {
		summary replay.Summary
		share   string
		text    string
		rest    string
	}{
		"one item": {replay.Summary{Status: replay.Completed, Counts: replay.Counts{Matched: 1, Started: 1, Succeeded: 1}}, "100 %", "1 of 1 item has ended", ""},
		"skipped items have ended": {
			replay.Summary{Status: replay.Completed, Counts: replay.Counts{Matched: 2000, Started: 1, Succeeded: 1, Skipped: 1999}},
			"100 %", "2,000 of 2,000 items have ended", "",
		},
		"cancelled items have not": {
			replay.Summary{Status: replay.Cancelled, Stopped: stop, Counts: replay.Counts{Matched: 20, Started: 5, Succeeded: 4, Failed: 1, Skipped: 15}},
			"25 %", "5 of 20 items have run", "15 items did not run: stopped with the replay, or skipped.",
		},
		"some run still": {
			replay.Summary{Status: replay.Running, Stopped: stop, Counts: replay.Counts{Matched: 20, Started: 5, Succeeded: 4, Skipped: 1}},
			"20 %", "4 of 20 items have run", "1 item did not run: stopped with the replay, or skipped. What runs ends by itself.",
		},
	} {
		p := progressOf(c.summary)
		if got := p.Text + " " + p.Verb; p.Share() != c.share || got != c.text || p.Rest != c.rest {
			t.Errorf("%s: got %q, %q and %q, want %q, %q and %q", name, p.Share(), got, p.Rest, c.share, c.text, c.rest)
		}
	}
}

func TestThingsAreCounted(t *testing.T) {
	for n, want := range map[int]string{0: "0 items", 1: "1 item", 2: "2 items", 12345: "12,345 items"} {
		if got := things(n, "item"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestGroupsBeforeAndAfterAreSideBySide(t *testing.T) {
	bad := replay.FailureTotal{Status: replay.FailureQuarantined, Error: "Bad", Count: 7}
	late := replay.FailureTotal{Status: replay.FailureWaiting, Error: "Late", Count: 2}
	number := func(n *int) int {
		if n == nil {
			return -1
		}
		return *n
	}
	for name, c := range map[string]struct {
		failures replay.EvidenceFailures
		want     [][2]int
	}{
		"both are whole": {replay.EvidenceFailures{
			Before: &replay.FailureCount{Groups: []replay.FailureTotal{bad}}, After: &replay.FailureCount{Groups: []replay.FailureTotal{late}},
		}, [][2]int{{7, 0}, {0, 2}}},
		"the one before is not": {replay.EvidenceFailures{
			Before: &replay.FailureCount{Groups: []replay.FailureTotal{bad}, Others: 1}, After: &replay.FailureCount{Groups: []replay.FailureTotal{late}},
		}, [][2]int{{7, 0}, {-1, 2}}},
		"none before": {replay.EvidenceFailures{After: &replay.FailureCount{Groups: []replay.FailureTotal{late}}}, [][2]int{{-1, 2}}},
		"none":        {replay.EvidenceFailures{}, nil},
	} {
		all := pairs(c.failures)
		if len(all) != len(c.want) {
			t.Errorf("%s: got %d groups, want %d", name, len(all), len(c.want))
			continue
		}
		for i, want := range c.want {
			if got := [2]int{number(all[i].Before), number(all[i].After)}; got != want {
				t.Errorf("%s: got %v, want %v (-1: not known)", name, got, want)
			}
		}
	}
}

func TestNoTwoTicksAreCalledTheSame(t *testing.T) {
	from := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for _, span := range []time.Duration{time.Second, 2 * time.Second, time.Minute, 6 * time.Minute, time.Hour, 100 * time.Hour} {
		p := &plot{}
		p.ticks(scale{from: from, to: from.Add(span), top: 2}, time.UTC)
		seen := map[string]bool{}
		for _, tick := range p.XTicks {
			if seen[tick.Label] {
				t.Errorf("%s: two ticks are called %s", span, tick.Label)
			}
			seen[tick.Label] = true
		}
	}
}
