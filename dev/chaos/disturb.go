package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bridge"
	"github.com/ce873799/replayable-ingestion/dev/observe"
)

// Each disturbance has its own stream of random numbers. None changes the course of another.
const (
	streamEvents = iota + 1
	streamKills
	streamDrops
	streamAsks
	streamRefusals
	streamRest
)

// level is how rough it gets.
type level struct {
	Rate float64 // share of the functions' requests that the proxy disturbs

	killEvery time.Duration // mean time between two kills of a random function
	killShare float64       // share of the invocations during which the function is killed
	tossShare float64       // share of the batches that are delivered otherwise than once and in order
	dropShare float64       // share of the time in which status events are lost
}

func newLevel(rate float64) level {
	return level{
		Rate:      rate,
		killEvery: time.Duration(float64(time.Second) / (0.1 + 3*rate)),
		killShare: rate / 10,
		tossShare: min(0.2+2*rate, 0.6),
		dropShare: min(0.02+rate, 0.2),
	}
}

const (
	overlapEvery = 2500 * time.Millisecond // between two extra runs of auto-replay, each of two at once
	dropLook     = 500 * time.Millisecond  // for which status events are lost, or not
)

// How EventBridge is.
const (
	busOff      int32 = iota // it loses every status event
	busFlaky                 // some
	busReliable              // none
)

// disturber does to the stack what the proxy does not.
type disturber struct {
	*run
	level level
	seed  uint64
	bus   atomic.Int32 // how EventBridge is
	wg    sync.WaitGroup
}

// disturb begins and returns what ends it.
func (r *run) disturb(ctx context.Context, l level, seed uint64) (d *disturber, end func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	d = &disturber{run: r, level: l, seed: seed}
	if err := r.hookAll(d); err != nil {
		cancel()
		return nil, nil, err
	}
	dropped := r.stack.Bridge.Stats().Dropped
	d.wg.Go(func() { d.kills(ctx) })
	d.wg.Go(func() { d.overlaps(ctx) })
	d.wg.Go(func() { d.drops(ctx) })
	return d, func() {
		cancel()
		d.wg.Wait()
		r.stack.Bridge.SetMode(bridge.Deliver)
		r.counters.add("status event lost", r.stack.Bridge.Stats().Dropped-dropped)
	}, nil
}

// every calls again and again until the context ends, at times that are random around a mean if jitter is set.
func every(ctx context.Context, mean time.Duration, random *rand.Rand, do func()) {
	for {
		wait := mean
		if random != nil {
			wait = time.Duration(random.ExpFloat64() * float64(mean))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			do()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (d *disturber) kills(ctx context.Context) {
	random := rand.New(rand.NewPCG(d.seed, streamKills)) //nolint:gosec // reproducible on purpose
	names := sorted(d.stack.Functions)
	every(ctx, d.level.killEvery, random, func() {
		name := names[random.IntN(len(names))]
		if name == autoReplayName && random.Float64() > autoReplayKills {
			return
		}
		d.kill(name)
	})
}

// autoReplayKills is the share of the kills of auto-replay that happen: its lease outlasts it, and a stack on which it
// never gets to work would show nothing.
const autoReplayKills = 0.1

func (d *disturber) kill(function string) {
	if n, err := d.stack.Host.Kill(function); err == nil && n > 0 {
		d.counters.add("process of "+function+" killed", n)
	}
}

// overlaps runs auto-replay beside its schedule, twice at once.
func (d *disturber) overlaps(ctx context.Context) {
	every(ctx, overlapEvery, nil, func() {
		for range 2 {
			d.wg.Go(func() {
				summary, err := d.autoReplay(ctx)
				switch {
				case err != nil:
					d.counters.add("extra run of auto-replay that failed", 1)
				case summary.Skipped:
					d.counters.add("extra run of auto-replay that met another", 1)
				default:
					d.counters.add("extra run of auto-replay", 1)
				}
			})
		}
	})
}

// drops loses a share of the status events, or all of them.
func (d *disturber) drops(ctx context.Context) {
	random := rand.New(rand.NewPCG(d.seed, streamDrops)) //nolint:gosec // reproducible on purpose
	look := func() {
		mode := bridge.Deliver
		switch flaky := random.Float64() < d.level.dropShare; d.bus.Load() {
		case busOff:
			mode = bridge.Drop
		case busFlaky:
			if flaky {
				mode = bridge.Drop
			}
		}
		d.stack.Bridge.SetMode(mode)
	}
	look()
	every(ctx, dropLook, nil, look)
}

func (r *run) autoReplay(ctx context.Context) (observe.AutoReplaySummary, error) {
	return r.AutoReplay(ctx, r.stack.Functions[autoReplayName])
}
