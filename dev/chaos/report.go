package chaos

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/faultproxy"
	"github.com/ce873799/replayable-ingestion/dev/report"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// counters count what was done to the stack, by level.
type counters struct {
	mu     sync.Mutex
	at     int
	levels int
	counts map[string][]int
}

func newCounters(levels int) *counters { return &counters{levels: levels, counts: map[string][]int{}} }

func (c *counters) level(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = n
}

func (c *counters) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts[what] == nil {
		c.counts[what] = make([]int, c.levels)
	}
	c.counts[what][c.at] += n
}

// addFaults adds what the proxy did between two of its counts.
func (c *counters) addFaults(before, after faultproxy.Counts) {
	for op, kinds := range after {
		for kind, n := range kinds {
			what := "request: " + string(kind)
			if kind == faultproxy.None {
				what = "request: undisturbed"
			}
			c.add(what, n-before[op][kind])
		}
	}
}

// Report is what a run ends with.
type Report struct {
	Seed       uint64           `json:"seed"`
	Levels     []float64        `json:"levels"`
	Injected   map[string][]int `json:"injected"`  // by what was done, for each level
	ByRequest  map[string]int   `json:"byRequest"` // faults of the proxy by operation
	Figures    Figures          `json:"figures"`
	Violations []Violation      `json:"violations"`
	Seconds    Seconds          `json:"seconds"`
}

// Seconds is how long the parts took.
type Seconds struct {
	Storm float64 `json:"storm"` // the deployment included
	Rest  float64 `json:"rest"`  // until everything had come to its end
	All   float64 `json:"all"`
}

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*10) / 10 }

// Figures say what became of the events.
type Figures struct {
	Events         int `json:"events"`
	Versions       int `json:"versions"`       // that count
	SecondVersions int `json:"secondVersions"` // that name an execution again, and do not count
	Succeeded      int `json:"succeeded"`      // at once
	Healed         int `json:"healed"`         // by a replay
	Superseded     int `json:"superseded"`
	Quarantined    int `json:"quarantined"`
	Closed         int `json:"closed"` // by an operator
	Aborted        int `json:"aborted"`
	Running        int `json:"running"`
	Waiting        int `json:"waiting"`
	Lost           int `json:"lost"`
	AutoReplays    int `json:"autoReplays"`
	APIReplays     int `json:"apiReplays"`
	Published      int `json:"published"` // executions that did
	Received       int `json:"received"`  // messages at the subscriber; more than published: it was told twice
}

func newReport(r *run, f *Facts) *Report {
	report := &Report{
		Seed: r.opts.Seed, Levels: r.opts.Levels, Injected: r.counters.counts, ByRequest: map[string]int{},
		Figures: figures(f), Violations: Check(f),
	}
	for op, kinds := range r.proxy.Counts() {
		for kind, n := range kinds {
			if kind != faultproxy.None {
				report.ByRequest[op.String()] += n
			}
		}
	}
	return report
}

func figures(f *Facts) Figures {
	g := Figures{Received: len(f.Messages)}
	by := map[Outcome]int{}
	for _, name := range f.received() {
		o, _ := f.outcome(name)
		by[o]++
		g.Events++
	}
	g.Succeeded, g.Healed, g.Superseded, g.Quarantined = by[Succeeded], by[Healed], by[Superseded], by[Quarantined]
	g.Closed, g.Aborted, g.Running, g.Waiting, g.Lost = by[Closed], by[Aborted], by[Running], by[Waiting], by[Lost]
	for resource, all := range f.Versions {
		n := len(f.counted(resource))
		g.Versions += n
		g.SecondVersions += len(all) - n
	}
	for name := range f.Executions {
		switch {
		case automatic(name):
			g.AutoReplays++
		case byAPI(name):
			g.APIReplays++
		}
	}
	for _, row := range f.Rows {
		if !row.PublishedAt.IsZero() && row.Status == domain.Succeeded {
			g.Published++
		}
	}
	return g
}

func (r *Report) print(out io.Writer) {
	if out == nil {
		return
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format+"\n", args...) }
	say("\nWhat was done, by share of disturbed requests\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(first string, cells ...any) {
		for _, c := range cells {
			_, _ = fmt.Fprintf(table, "%v\t", c)
		}
		_, _ = fmt.Fprintf(table, "  %s\n", first)
	}
	head := make([]any, 0, len(r.Levels)+2)
	for _, l := range r.Levels {
		head = append(head, fmt.Sprintf("%g %%", 100*l))
	}
	row("", append(head, "all", "survived")...)
	for _, what := range sorted(r.Injected) {
		sum := 0
		cells := make([]any, 0, len(r.Levels)+2)
		for _, n := range r.Injected[what] {
			sum += n
			cells = append(cells, n)
		}
		survived := "all"
		if len(r.Violations) > 0 {
			survived = "see below"
		}
		row(what, append(cells, sum, survived)...)
	}
	_ = table.Flush() // writes to out, as say does
	g := r.Figures
	say("\nWhat became of the events\n")
	for _, line := range []struct {
		what string
		n    int
	}{
		{"events received", g.Events}, {"versions in the event log", g.Versions},
		{"second versions of an execution, which do not count", g.SecondVersions},
		{"succeeded at once", g.Succeeded}, {"healed by a replay", g.Healed}, {"superseded by a newer event", g.Superseded},
		{"quarantined", g.Quarantined}, {"closed by an operator", g.Closed}, {"aborted", g.Aborted}, {"running", g.Running}, {"waiting", g.Waiting},
		{"automatic replays", g.AutoReplays}, {"replays by API", g.APIReplays},
		{"executions that published", g.Published}, {"messages at the subscriber", g.Received},
	} {
		say("%6d  %s", line.n, line.what)
	}
	say("\nlost: %d\n", g.Lost)
	r.printInvariants(say)
	say("\nseed %d; %.0f s: %.0f s of trouble, %.0f s until all was at rest, %.0f s of looking", r.Seed, r.Seconds.All,
		r.Seconds.Storm, r.Seconds.Rest, r.Seconds.All-r.Seconds.Storm-r.Seconds.Rest)
}

// maxShown is how many violations of one invariant are printed; the report has all of them.
const maxShown = 20

func (r *Report) printInvariants(say func(string, ...any)) {
	for _, i := range Invariants() {
		broken := slices.DeleteFunc(slices.Clone(r.Violations), func(v Violation) bool { return v.Invariant != i })
		if len(broken) == 0 {
			say("held    %s", i)
			continue
		}
		say("BROKEN  %s: %d times, seed %d", i, len(broken), r.Seed)
		for n, v := range broken {
			if n == maxShown {
				say("        … and %d more", len(broken)-n)
				break
			}
			say("        %s: %s", v.Execution, v.What)
		}
	}
}

func (r *Report) write(file string) error { return report.Write(file, r) }
