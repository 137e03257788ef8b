package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/local"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/dev/sales"
	"github.com/ce873799/replayable-ingestion/replay"
)

// deployed is the dev stage on the emulator, and the same workflow without the construct.
type deployed struct {
	*observe.System
	baseline *observe.System // of the state machine without the construct
}

// emulated runs sales end to end through the deployed stage, and counts state transitions.
func (r *run) emulated(ctx context.Context) ([]Row, error) {
	stack, err := local.Start(ctx, local.Options{
		Dir: r.Tools.Root, App: "go run ./dev/bench/baselineapp", Progress: r.Out,
	})
	if err != nil {
		return nil, err
	}
	defer stack.Stop()
	system, err := stack.System()
	if err != nil {
		return nil, err
	}
	baseline := *system
	if baseline.StateMachineARN, err = stack.Output(local.DefaultStack, "BaselineMachineArn"); err != nil {
		return nil, err
	}
	d := &deployed{system, &baseline}
	all, err := distinct()
	if err != nil {
		return nil, err
	}
	added, err := d.transitions(ctx, all[:5])
	if err != nil {
		return nil, err
	}
	rows := []Row{exact("State transitions added per event", added, "transitions", 1)}
	from := 5
	var passes [2][]pass
	for n := range 7 { // in turns, because the load of the machine changes over minutes
		i := n % 2
		size := r.Sizes.EndToEnd[i]
		p, err := d.ingestAndReplay(ctx, all[from:from+size])
		if err != nil {
			return nil, err
		}
		from += size
		r.say("%d sales end to end: %s each to record, %s to replay", size, p.record, p.replay)
		passes[i] = append(passes[i], p)
	}
	for i, size := range r.Sizes.EndToEnd {
		of, want := "End to end on the emulator: of "+number(float64(size))+" sales, ", float64(size)
		recorded := slices.Min(each(passes[i], func(p pass) int { return p.recorded }))
		replayed := slices.Min(each(passes[i], func(p pass) int { return p.replayed }))
		rows = append(rows,
			exact(of+"recorded and published exactly once", float64(recorded), "sales", want),
			exact(of+"replayed and published exactly once", float64(replayed), "sales", want))
	}
	took := func(p pass) time.Duration { return p.record + p.replay }
	sizes := fmt.Sprintf("%s against %s", number(float64(r.Sizes.EndToEnd[1])), number(float64(r.Sizes.EndToEnd[0])))
	growth := float64(median(each(passes[1], took))) / float64(median(each(passes[0], took)))
	return append(rows, most("End to end on the emulator: time per sale, "+sizes, growth, ratio, 1.2)), nil
}

// probePrefix is the name prefix of executions that only count states.
const probePrefix = "once-"

// distinct returns the first sale of each listing.
func distinct() (found []sales.Sale, err error) {
	all, err := sales.Read(0)
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s.Listing] {
			seen[s.Listing] = true
			found = append(found, s)
		}
	}
	return found, err
}

// transitions returns how many more states an event enters than without the construct.
func (d *deployed) transitions(ctx context.Context, events []sales.Sale) (float64, error) {
	total := 0
	for _, e := range events {
		with, err := statesEntered(ctx, d.System, e)
		if err != nil {
			return 0, err
		}
		without, err := statesEntered(ctx, d.baseline, e)
		if err != nil {
			return 0, err
		}
		total += with - without
	}
	return float64(total) / float64(len(events)), nil
}

// statesEntered runs an event through a system's state machine and counts the states in its history.
func statesEntered(ctx context.Context, system *observe.System, e sales.Sale) (n int, err error) {
	name := probePrefix + e.Listing
	if err := system.StartExecution(ctx, name, e.Raw); err != nil {
		return 0, err
	}
	err = observe.Eventually(ctx, 100*time.Millisecond, name+" succeeds", func(ctx context.Context) (bool, error) {
		out, err := system.Describe(ctx, name)
		if err != nil || out == nil || out.Status == types.ExecutionStatusRunning {
			return false, err
		}
		if out.Status != types.ExecutionStatusSucceeded {
			return false, fmt.Errorf("it ended as %s: %w", out.Status, errLost)
		}
		return true, nil
	})
	if err != nil {
		return 0, err
	}
	history, err := system.History(ctx, name)
	for _, event := range history {
		if strings.HasSuffix(string(event.Type), "StateEntered") {
			n++
		}
	}
	return n, err
}

// errLost means that a sale was not published.
var errLost = errors.New("not every sale was published")

const producers = 8

// ingestAndReplay records sales and replays them, and waits until subscribers have a message about each.
func (d *deployed) ingestAndReplay(ctx context.Context, events []sales.Sale) (p pass, err error) {
	got := received{live: map[string]int{}, replayed: map[[2]string]int{}}
	began := time.Now()
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(producers)
	for _, e := range events {
		group.Go(func() error {
			return d.StartExecution(gctx, "sale-"+e.Listing, e.Raw)
		})
	}
	if err := group.Wait(); err != nil {
		return p, fmt.Errorf("ingest: %w", err)
	}
	if err := d.receive(ctx, got, len(events), func() int { return len(got.live) }); err != nil {
		return p, err
	}
	p.record = time.Since(began) / time.Duration(len(events))
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.Listing
	}
	began = time.Now()
	for len(ids) > 0 {
		n := min(len(ids), replay.MaxResourceIDs)
		accepted, err := d.API.Replays.Create(ctx, "", replay.Request{Select: replay.Select{ResourceIDs: ids[:n]}, Reason: "bench"})
		if err != nil {
			return p, err
		}
		ids = ids[n:]
		done, err := d.API.Replays.Wait(ctx, accepted.ReplayID)
		if err != nil {
			return p, err
		}
		if done.Status != replay.Completed || done.Counts.Succeeded != n {
			return p, fmt.Errorf("replay of %d is %s with %+v: %w", n, done.Status, done.Counts, errLost)
		}
	}
	p.replay = time.Since(began) / time.Duration(len(events))
	err = d.receive(ctx, got, len(events), func() int { return len(got.replayed) })
	p.recorded, p.replayed = once(got.live), once(got.replayed)
	return p, err
}

// receive empties the subscriber's queue until the messages of the wanted number of sales have come.
func (d *deployed) receive(ctx context.Context, got received, want int, sales func() int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	what := fmt.Sprintf("subscribers have messages of %d sales", want)
	return observe.Eventually(ctx, 200*time.Millisecond, what, func(ctx context.Context) (bool, error) {
		err := d.Receive(ctx, d.DownstreamQueueURL, got.count)
		return sales() >= want, err
	})
}

// received counts the messages that a subscriber has received.
type received struct {
	live     map[string]int    // by execution
	replayed map[[2]string]int // by resource and version
}

func (r received) count(m observe.Message) error {
	switch execution := m.Attributes["execution"]; {
	case strings.HasPrefix(execution, probePrefix):
	case m.Attributes["isReplay"] == "true":
		r.replayed[[2]string{m.Attributes["resourceId"], m.Attributes["versionId"]}]++
	default:
		r.live[execution]++
	}
	return nil
}

func once[K comparable](counts map[K]int) (n int) {
	for _, times := range counts {
		if times == 1 {
			n++
		}
	}
	return n
}

// pass is the measurement of a number of sales.
type pass struct {
	recorded, replayed int           // sales that were published exactly once
	record, replay     time.Duration // per sale
}

func each[T any](all []pass, of func(pass) T) []T {
	values := make([]T, len(all))
	for i, p := range all {
		values[i] = of(p)
	}
	return values
}
