package engine

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// parcel is a message that is delivered at a time.
type parcel struct {
	at   time.Time
	n    int
	body string
}

type parcels []parcel

func (p parcels) Len() int { return len(p) }
func (p parcels) Less(i, j int) bool {
	return p[i].at.Before(p[j].at) || p[i].at.Equal(p[j].at) && p[i].n < p[j].n
}
func (p parcels) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *parcels) Push(x any)   { *p = append(*p, x.(parcel)) }
func (p *parcels) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

// mail is a queue that honours delays as SQS does: whole seconds, at most 15 minutes.
type mail struct {
	clock   *awstest.Clock
	waiting parcels
	sent    int
	late    func(due time.Time) time.Duration
	twice   func() bool
	backlog bool // the items' first messages were delayed elsewhere, and arrive at once
}

func (m *mail) put(body string, at time.Time) {
	m.sent++
	heap.Push(&m.waiting, parcel{at: at.Add(m.late(at)), n: m.sent, body: body})
}

func (m *mail) post(p sqs.Post) {
	delay := min(max(p.Delay, 0), sqs.MaxDelay)
	delay = (delay + time.Second - 1).Truncate(time.Second)
	if m.backlog && !strings.Contains(p.Body, `"slot"`) && !strings.Contains(p.Body, `"waits"`) {
		delay = 0
	}
	m.put(p.Body, m.clock.Now().Add(delay))
}

func TestMaxPerSecond(t *testing.T) {
	const quiet = 60 * time.Millisecond
	tests := []struct {
		name        string
		rate, items int
		rough       bool // messages arrive late, some twice
		throttled   bool // Step Functions starts nothing in the second minute
		backlog     bool // all items come at once, then messages are late by nearly two windows, then in time
	}{
		{name: "1 per second", rate: 1, items: 400},
		{name: "7 per second", rate: 7, items: 1500},
		{name: "50 per second", rate: 50, items: 6000},
		{name: "300 per second", rate: 300, items: 24_000},
		{name: "1 per second, late and twice", rate: 1, items: 300, rough: true},
		{name: "7 per second, late and twice", rate: 7, items: 1500, rough: true},
		{name: "50 per second, late and twice", rate: 50, items: 6000, rough: true},
		{name: "7 per second, throttled for a minute", rate: 7, items: 1500, rough: true, throttled: true},
		{name: "7 per second, after a backlog", rate: 7, items: 1500, backlog: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			begin := time.Date(2026, 1, 2, 3, 4, 7, 300e6, time.UTC)
			c := awstest.NewClock(begin)
			rng := rand.New(rand.NewPCG(uint64(tt.rate), 0)) //nolint:gosec // a test's dice
			m := &mail{clock: c, late: func(time.Time) time.Duration { return quiet }, twice: func() bool { return false }, backlog: tt.backlog}
			if tt.rough {
				m.late = func(time.Time) time.Duration {
					if rng.IntN(20) == 0 {
						return time.Duration(rng.IntN(30)) * time.Second
					}
					return time.Duration(rng.IntN(2000)) * time.Millisecond
				}
				m.twice = func() bool { return rng.IntN(20) == 0 }
			}
			if tt.backlog {
				m.late = func(due time.Time) time.Duration {
					if at := due.Sub(begin); at > 20*time.Second && at < 2*time.Minute {
						return 2*ledger.PaceWindow - 1500*time.Millisecond
					}
					return quiet
				}
			}
			e := InMemory(t, &Faults{}, Clock{Now: c.Now})
			for i := range tt.items {
				id := fmt.Sprint("m", i)
				logged(t, e, id, 1)
				if err := e.Book.Owners.Note(t.Context(), "o1", id, stampNow()); err != nil {
					t.Fatal(err)
				}
			}
			e.Replays.OnPost = m.post
			var mu sync.Mutex
			var starts []time.Time
			first := map[string]bool{}
			e.Machine.StartFault = func(name string) (error, bool) {
				mu.Lock()
				defer mu.Unlock()
				if passed := c.Now().Sub(begin); tt.throttled && passed > time.Minute && passed < 2*time.Minute {
					return &throttling, false
				}
				if !first[name] {
					first[name] = true
					starts = append(starts, c.Now())
				}
				return nil, false
			}
			id := ask(t, e, fmt.Sprintf(`{"select":{"ownerId":"o1"},"maxPerSecond":%d,"reason":"a test"}`, tt.rate))
			for m.waiting.Len() > 0 {
				c.Set(later(c.Now(), m.waiting[0].at))
				var bodies []string
				for m.waiting.Len() > 0 && len(bodies) < 10 && !m.waiting[0].at.After(c.Now()) {
					p := heap.Pop(&m.waiting).(parcel)
					if bodies = append(bodies, p.body); m.twice() {
						m.put(p.body, c.Now())
					}
				}
				if refused := e.Listen(bodies...); refused > 0 {
					t.Fatalf("refused %d", refused)
				}
				e.Replays.TakeAll()
			}
			if r := get(t, e, id); r.Counts.Started != tt.items || len(starts) != tt.items {
				t.Fatalf("got %+v after %d starts, want %d started", r.Counts, len(starts), tt.items)
			}
			checkRate(t, starts, tt.rate)
			took := starts[len(starts)-1].Sub(starts[0]).Seconds()
			if reached := float64(tt.items) / took / float64(tt.rate); !tt.rough && !tt.backlog && reached < 0.8 {
				t.Errorf("reached %.0f %% of the bound", 100*reached)
			}
		})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// checkRate looks at every window of 60 seconds.
func checkRate(t *testing.T, starts []time.Time, rate int) {
	t.Helper()
	from, most := 0, 0
	for to := range starts {
		for starts[to].Sub(starts[from]) >= time.Minute {
			from++
		}
		most = max(most, to-from+1)
	}
	t.Logf("%d starts in %s, at most %d in 60 s", len(starts), starts[len(starts)-1].Sub(starts[0]), most)
	if limit := 60 * rate * 11 / 10; most > limit {
		t.Errorf("%d starts in 60 seconds, want at most %d", most, limit)
	}
}
