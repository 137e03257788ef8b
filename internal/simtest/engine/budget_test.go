package engine

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

// paced is an engine whose queue delays messages, and whose clock moves from message to message.
type pacedEngine struct {
	*Engine
	t      *testing.T
	clock  *awstest.Clock
	mail   *mail
	mu     sync.Mutex
	starts map[string]time.Time // by name
	all    []time.Time
}

func newPaced(t *testing.T, pace listener.Pace) *pacedEngine {
	t.Helper()
	c := awstest.NewClock(time.Date(2026, 1, 2, 3, 4, 7, 300e6, time.UTC))
	m := &mail{clock: c, late: func(time.Time) time.Duration { return 60 * time.Millisecond }}
	p := &pacedEngine{Engine: InMemory(t, &Faults{}, Clock{Now: c.Now}), t: t, clock: c, mail: m, starts: map[string]time.Time{}}
	p.Listener.Pace, p.Binder.Pace = pace, pace
	p.Replays.OnPost = m.post
	first := map[string]bool{}
	p.Machine.StartFault = func(name string) (error, bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if !first[name] {
			first[name] = true
			p.starts[name] = c.Now()
			p.all = append(p.all, c.Now())
		}
		return nil, false
	}
	return p
}

// deliver hands the listener what is due, batch after batch, until a time or until nothing is left.
func (p *pacedEngine) deliver(until time.Duration) {
	p.t.Helper()
	end := p.clock.Now().Add(until)
	for p.mail.waiting.Len() > 0 && p.mail.waiting[0].at.Before(end) {
		p.clock.Set(later(p.clock.Now(), p.mail.waiting[0].at))
		var bodies []string
		for p.mail.waiting.Len() > 0 && len(bodies) < 10 && !p.mail.waiting[0].at.After(p.clock.Now()) {
			bodies = append(bodies, heap.Pop(&p.mail.waiting).(parcel).body)
		}
		if refused := p.Listen(bodies...); refused > 0 {
			p.t.Fatalf("refused %d", refused)
		}
		p.Replays.TakeAll()
	}
}

func (p *pacedEngine) owned(owner string, n int) {
	p.t.Helper()
	for i := range n {
		id := fmt.Sprint(owner, "-", i)
		at := time.Now().Add(-time.Hour)
		meta := eventlog.Meta{Execution: "old-" + id, OwnerID: owner, RecordedAt: at.Truncate(time.Millisecond), StartedAt: at}
		if _, err := p.Log.Put(p.t.Context(), id, []byte(event(id, owner, i)), meta); err != nil {
			p.t.Fatal(err)
		}
		if err := p.Book.Owners.Note(p.t.Context(), owner, id, stampNow()); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *pacedEngine) ask(owner, more string) (id string) {
	p.t.Helper()
	return ask(p.t, p.Engine, fmt.Sprintf(`{"select":{"ownerId":%q},"reason":"a test"%s}`, owner, more))
}

// startsOf are the starts of a replay of an owner's resources.
func (p *pacedEngine) startsOf(id, owner string, n int) (all []time.Time) {
	for i := range n {
		if at, started := p.starts[domain.APIName(id, fmt.Sprint(owner, "-", i), 0)]; started {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, time.Time.Compare)
	return all
}

func TestReplaysWithoutAPaceKeepToTheBudget(t *testing.T) {
	p := newPaced(t, listener.Pace{StartsPerSecond: 10})
	p.owned("o1", 1500)
	id := p.ask("o1", "")
	p.deliver(time.Hour)
	if n := get(t, p.Engine, id).Counts.Started; n != 1500 {
		t.Fatalf("started %d, want all", n)
	}
	checkRate(t, p.all, 10)
	if took := p.all[len(p.all)-1].Sub(p.all[0]); took > 200*time.Second {
		t.Errorf("took %s, want 150 s", took)
	}
}

// A large replay, automatic replays and a later small replay share the budget evenly, and none waits for long.
func TestReplaysAtTheSameTimeShareTheBudget(t *testing.T) {
	p := newPaced(t, listener.Pace{StartsPerSecond: 10})
	p.owned("large", 3000)
	p.owned("small", 40)
	large := p.ask("large", "")
	p.deliver(time.Minute)
	asked := p.clock.Now()
	small := p.ask("small", "")
	p.deliver(time.Minute)
	if n := len(p.startsOf(small, "small", 40)); n != 40 {
		t.Fatalf("the small replay started %d in a minute, want all 40", n)
	}
	if wait := p.startsOf(small, "small", 40)[0].Sub(asked); wait > 30*time.Second {
		t.Errorf("the small replay began after %s, want half a minute at most", wait)
	}
	p.deliver(time.Hour)
	if n := len(p.startsOf(large, "large", 3000)); n != 3000 {
		t.Errorf("the large replay started %d, want 3000", n)
	}
	checkRate(t, p.all, 10)
}

func TestAutomaticReplaysShareTheBudget(t *testing.T) {
	p := newPaced(t, listener.Pace{StartsPerSecond: 10})
	p.owned("large", 1200)
	p.Machine.Work = func(_, event string) (string, string) { return event, "States.Timeout" }
	for i := range 300 {
		p.Ingest(fmt.Sprint("e", i), fmt.Sprintf(`{"id":"f%d"}`, i))
	}
	p.all = nil
	p.Report()
	p.services.AutoReplay = func() time.Time { return p.clock.Now().Add(24 * 365 * time.Hour) }
	p.Reconfigure(func(policy *config.AutoReplay) {
		policy.CanaryThreshold, policy.StartsPerSecond = 1000, 10
		policy.MaxAge = 10 * 365 * 24 * time.Hour
	})
	p.Schedule()
	var autos []string
	for _, m := range p.mail.waiting {
		if strings.Contains(m.body, `"auto"`) {
			autos = append(autos, m.body)
		}
	}
	p.mail.waiting = nil
	for _, body := range autos { // all at once, as after a stop of the queue
		if _, err := protocol.DecodeReplayMessage(body); err != nil {
			t.Fatal(err)
		}
		p.mail.put(body, p.clock.Now())
	}
	if len(autos) == 0 {
		t.Fatal("no automatic replay was sent")
	}
	id := p.ask("large", "")
	p.deliver(time.Hour)
	if n := get(t, p.Engine, id).Counts.Started; n != 1200 {
		t.Errorf("started %d of the replay, want 1200", n)
	}
	if n := len(p.Machine.Names("ar-")); n != len(autos) {
		t.Errorf("started %d automatic replays, want %d", n, len(autos))
	}
	checkRate(t, p.all, 10)
}

func TestAMaxPerSecondNarrowsTheBudgetAndDoesNotWidenIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		pace listener.Pace
		ask  string
		want int
	}{
		{"below the budget", listener.Pace{StartsPerSecond: 10, RequestedStartsPerSecond: 40}, `,"maxPerSecond":4`, 4},
		{"above it", listener.Pace{StartsPerSecond: 10}, `,"maxPerSecond":100`, 10},
		{"above it, with a share for that", listener.Pace{StartsPerSecond: 10, RequestedStartsPerSecond: 40}, `,"maxPerSecond":30`, 30},
		{"above that share", listener.Pace{StartsPerSecond: 10, RequestedStartsPerSecond: 40}, `,"maxPerSecond":100`, 40},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPaced(t, tt.pace)
			p.owned("o1", 100*tt.want)
			p.ask("o1", tt.ask)
			p.deliver(time.Hour)
			if len(p.all) != 100*tt.want {
				t.Fatalf("started %d, want %d", len(p.all), 100*tt.want)
			}
			checkRate(t, p.all, tt.want)
			if rate := float64(len(p.all)) / p.all[len(p.all)-1].Sub(p.all[0]).Seconds(); rate < 0.8*float64(tt.want) {
				t.Errorf("got %.1f starts a second, want about %d", rate, tt.want)
			}
		})
	}
}

// A series takes its own start and that of each version from the budget.
func TestSeriesKeepToTheBudget(t *testing.T) {
	p := newPaced(t, listener.Pace{StartsPerSecond: 2})
	for i := range 30 {
		id := fmt.Sprint("s", i)
		logged(t, p.Engine, id, 4)
		if err := p.Book.Owners.Note(t.Context(), "o1", id, stampNow()); err != nil {
			t.Fatal(err)
		}
	}
	var waits int
	p.Series.Sleep = func(d time.Duration) { waits++; p.clock.Set(p.clock.Now().Add(d)) }
	var began []time.Time
	p.Series.Between = func() bool { began = append(began, p.clock.Now()); return true }
	p.ask("o1", `,"versions":{"series":"all"}`)
	p.deliver(time.Hour)
	p.Series.RunAll(t.Context())
	if n := len(p.Machine.Names("rp-")); n != 120 {
		t.Fatalf("started %d versions, want 120", n)
	}
	if waits == 0 || waits > 120 {
		t.Errorf("waited %d times, want once for each version at most", waits)
	}
	checkRate(t, began, 2)
}
