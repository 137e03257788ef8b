package follow

import (
	"fmt"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// progress is how far replays have got together.
type progress struct {
	status replay.Status // of the one that is furthest behind
	counts replay.Counts
	dry    bool
	at     time.Time
}

func progressOf(all []replay.Replay, now time.Time) progress {
	p := progress{status: replay.Cancelled, at: now}
	for _, r := range all {
		if rank(r.Status) < rank(p.status) {
			p.status = r.Status
		}
		c := &p.counts
		c.Matched, c.Started, c.Skipped = c.Matched+r.Counts.Matched, c.Started+r.Counts.Started, c.Skipped+r.Counts.Skipped
		c.Succeeded, c.Failed = c.Succeeded+r.Counts.Succeeded, c.Failed+r.Counts.Failed
		p.dry = p.dry || r.DryRun
	}
	if len(all) == 1 {
		p.status = all[0].Status
	}
	return p
}

func rank(s replay.Status) int {
	for i, known := range replay.Statuses() {
		if known == s {
			return i
		}
	}
	return -1 // not looked at yet
}

// done is how many items have their outcome.
func (p progress) done() int { return p.counts.Succeeded + p.counts.Failed + p.counts.Skipped }

// known reports whether it is known how many items there are.
func (p progress) known() bool { return rank(p.status) >= rank(replay.Running) }

// outcomes counts items by outcome, where there are any.
func (p progress) outcomes() string {
	var parts []string
	for _, c := range []struct {
		n    int
		says string
	}{{p.counts.Succeeded, "succeeded"}, {p.counts.Failed, "failed"}, {p.counts.Skipped, "skipped"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.says))
		}
	}
	return strings.Join(parts, ", ")
}

func (p progress) String() string {
	items := fmt.Sprintf("%d of %d items", p.done(), p.counts.Matched)
	if p.dry || !p.known() {
		items = Items(p.counts.Matched) + " found"
	}
	text := fmt.Sprintf("%s: %s", p.status, items)
	if outcomes := p.outcomes(); outcomes != "" {
		text += ", " + outcomes
	}
	return text
}

// pace measures how fast items get their outcome, over the last minute.
type pace struct{ points []progress }

const paceOver = time.Minute

func (r *pace) add(p progress) {
	if n := len(r.points); n > 0 && r.points[n-1].done() == 0 {
		r.points = r.points[:0] // the time before the first item ended says nothing about the others
	}
	r.points = append(r.points, p)
	for len(r.points) > 2 && p.at.Sub(r.points[0].at) > paceOver {
		r.points = r.points[1:]
	}
}

// perSecond is 0 until it can be told.
func (r *pace) perSecond() float64 {
	if len(r.points) < 2 {
		return 0
	}
	first, last := r.points[0], r.points[len(r.points)-1]
	took := last.at.Sub(first.at).Seconds()
	if took <= 0 {
		return 0
	}
	return float64(last.done()-first.done()) / took
}

// left is how long the rest will take; 0: not known.
func (r *pace) left() time.Duration {
	speed := r.perSecond()
	if speed <= 0 {
		return 0
	}
	last := r.points[len(r.points)-1]
	if !last.known() {
		return 0
	}
	return time.Duration(float64(last.counts.Matched-last.done()) / speed * float64(time.Second))
}

// String is such as "38/s, 15s left".
func (r *pace) String() string {
	speed := r.perSecond()
	if speed <= 0 {
		return ""
	}
	text := fmt.Sprintf("%.0f/s", speed)
	if speed < 10 {
		text = fmt.Sprintf("%.1f/s", speed)
	}
	if left := r.left(); left > 0 {
		text += fmt.Sprintf(", %s left", max(left.Round(time.Second), time.Second))
	}
	return text
}
