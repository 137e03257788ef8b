package bench

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/dev/bench/sales"
	"github.com/ce873799/replayable-ingestion/dev/bench/system"
)

// everyVersion replays every event: resources with several, one after the other.
const everyVersion = `{"select":{"all":true},"versions":{"series":"all"},"allowStale":true,"maxItems":1000000,"reason":"bench"}`

func name(i int) string { return fmt.Sprint("sale-", i) }

// told is what subscribers were told of.
type told struct {
	mu       sync.Mutex
	live     map[string]int    // messages, by execution
	replayed map[[2]string]int // messages, by resource and version
}

func newTold() *told { return &told{live: map[string]int{}, replayed: map[[2]string]int{}} }

func (t *told) message(attributes map[string]string, _ string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if attributes["isReplay"] == "true" {
		t.replayed[[2]string{attributes["resourceId"], attributes["versionId"]}]++
	} else {
		t.live[attributes["execution"]]++
	}
}

func once[K comparable](counts map[K]int) (n int) {
	for _, times := range counts {
		if times == 1 {
			n++
		}
	}
	return n
}

// passed is what a number of sales took.
type passed struct {
	recorded, replayed int           // sales that came out exactly once
	record, replay     time.Duration // of the processor, per sale
}

// sales records and replays all sales through the handlers, and fewer of them for comparison.
func (r *run) sales(ctx context.Context) ([]Row, error) {
	all, err := sales.Read(r.Sizes.Sales)
	if err != nil {
		return nil, err
	}
	// The local server keeps everything in this process, up to half a gigabyte: collecting it is none of the handlers' time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var few, whole []passed
	for n := range 11 { // taking turns: the machine's other work changes over minutes
		events, into := all[:min(r.Sizes.Few, len(all))], &few
		if n%4 == 2 {
			events, into = all, &whole
		}
		p, err := r.pass(ctx, events)
		if err != nil {
			return nil, err
		}
		r.say("%d sales: %s each to record, %s to replay, of the processor", len(events), p.record, p.replay)
		*into = append(*into, p)
	}
	recorded := func(p passed) int { return p.recorded }
	replayed := func(p passed) int { return p.replayed }
	record := func(p passed) time.Duration { return p.record }
	replay := func(p passed) time.Duration { return p.replay }
	total := float64(len(all))
	growth := func(what string, took func(passed) time.Duration) Row {
		figure := fmt.Sprintf("King County: time per sale %s, %s against %s sales", what, number(total), number(float64(r.Sizes.Few)))
		return most(figure, float64(median(each(whole, took)))/float64(median(each(few, took))), ratio, 1.2)
	}
	return []Row{
		exact("King County: sales recorded and published exactly once", float64(slices.Min(each(whole, recorded))), "sales", total),
		exact("King County: sales replayed and published exactly once", float64(slices.Min(each(whole, replayed))), "sales", total),
		growth("recorded", record),
		growth("replayed", replay),
		list("King County: time per sale recorded", float64(median(each(whole, record)))/1e6, "ms"),
		list("King County: time per sale replayed", float64(median(each(whole, replay)))/1e6, "ms"),
	}, nil
}

func each[T any](all []passed, of func(passed) T) []T {
	values := make([]T, len(all))
	for i, p := range all {
		values[i] = of(p)
	}
	return values
}

// pass records sales, then replays them.
func (r *run) pass(ctx context.Context, events []sales.Sale) (p passed, err error) {
	heard := newTold()
	c := cloud.Start(cloud.Options{Published: heard.message})
	defer c.Stop()
	s, err := system.New(system.Options{Cloud: c, Runners: 2})
	if err != nil {
		return p, err
	}
	before := processor()
	for i, e := range events {
		if err := s.Ingest(name(i), e.Raw); err != nil {
			return p, err
		}
	}
	if err := s.Settle(ctx); err != nil {
		return p, err
	}
	p.record, before = (processor()-before)/time.Duration(len(events)), processor()
	replay, err := s.Replay(ctx, everyVersion)
	if err != nil {
		return p, err
	}
	p.replay = (processor() - before) / time.Duration(len(events))
	counts, _ := replay["counts"].(map[string]any)
	if replay["status"] != "COMPLETED" || counts["succeeded"] != float64(len(events)) || len(heard.replayed) != len(events) {
		return p, fmt.Errorf("of %d sales, %d versions were published again; the replay is %v with %v", len(events),
			len(heard.replayed), replay["status"], counts)
	}
	p.recorded, p.replayed = once(heard.live), once(heard.replayed)
	return p, nil
}

// processor is the time that this process has had of the processor: what others do on the machine counts less than in
// the time that passes.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // its arguments are right
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
