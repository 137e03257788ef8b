package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	smithytime "github.com/aws/smithy-go/time"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

const (
	// backlog is what may still run when the next level begins, as a share of a level's events.
	backlog  = 0.1
	calmMost = 2 * time.Minute
	look     = 2 * time.Second
	// What nobody reported is looked at after a minute, and the lease of a run that was killed lasts for most of another.
	stagnant = 130 * time.Second
)

// calm waits until little of a level runs any more, with everything still misbehaving.
func (r *run) calm(ctx context.Context, events int) error {
	ctx, cancel := context.WithTimeout(ctx, calmMost)
	defer cancel()
	for {
		all, err := r.executions(ctx)
		if err == nil {
			running := 0
			for _, e := range all {
				if e.Status == domain.Running {
					running++
				}
			}
			if running <= int(backlog*float64(events)) {
				return nil
			}
			err = smithytime.SleepWithContext(ctx, look)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// rest ends all that disturbs and waits until everything has come to its end, while auto-replay does its work. It gives
// up when nothing moves any more: what is open then is for the check to find.
func (r *run) rest(ctx context.Context) error {
	r.say("%6.1f s  no more faults", time.Since(r.began).Seconds())
	r.proxy.Quiet()
	if err := errors.Join(r.hookAll(nil), r.SetGeocoder(ctx, observe.GeocoderOK)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.opts.Patience)
	defer cancel()
	if err := r.resumeAll(ctx); err != nil {
		return err
	}
	before, since := "", time.Now()
	for operated := false; ; {
		s, err := r.autoReplay(ctx)
		if err != nil && !errors.As(err, new(observe.FunctionError)) && ctx.Err() == nil {
			return err
		}
		if err == nil && !s.Skipped && !operated { // the failures are there, and most of them open
			operated = true
			random := rand.New(rand.NewPCG(r.opts.Seed, streamRest)) //nolint:gosec // reproducible on purpose
			if err := r.operate(ctx, random, fmt.Sprintf("chaos %d, at rest", r.opts.Seed), nil); err != nil {
				return err
			}
		}
		open, err := r.open(ctx)
		if err == nil && len(open) == 0 {
			return nil
		}
		if now := strings.Join(open, ", "); now != before {
			before, since = now, time.Now()
			r.say("%6.1f s  open: %s", time.Since(r.began).Seconds(), now)
		}
		if time.Since(since) > stagnant {
			r.say("nothing moves any more")
			return nil
		}
		if err == nil {
			err = smithytime.SleepWithContext(ctx, look)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			r.say("waited %s, still open: %s", r.opts.Patience, before)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// open says what has not come to its end.
func (r *run) open(ctx context.Context) ([]string, error) {
	executions, err := r.executions(ctx)
	if err != nil {
		return nil, err
	}
	f := &Facts{Executions: executions}
	if err := r.readLedger(ctx, f); err != nil {
		return nil, err
	}
	counts := map[string]int{"deliveries under way": int(r.pending.Load())}
	for name, e := range executions {
		_, known := f.Failures[domain.FailureID(name, 0)]
		switch {
		case e.Status == domain.Running:
			counts["executions running"]++
		case e.Failed() && !byAPI(name) && !known:
			counts["failures not taken in"]++
		}
	}
	for _, row := range f.Rows {
		if !row.Status.Terminal() {
			counts["rows "+string(row.Status)]++
		}
	}
	for _, failure := range f.Failures {
		if failure.Status.Open() {
			counts["failures "+string(failure.Status)]++
		}
	}
	for _, replay := range f.Replays {
		if !replay.Status.Final() {
			counts["replays "+string(replay.Status)]++
		}
	}
	queued, err := r.queued(ctx)
	if err != nil {
		return nil, err
	}
	for name, n := range queued {
		counts["messages in the "+name+" queue"] += n
	}
	var open []string
	for _, what := range sorted(counts) {
		if n := counts[what]; n > 0 {
			open = append(open, fmt.Sprintf("%d %s", n, what))
		}
	}
	return open, nil
}

// queued counts the messages of the product's queues.
func (r *run) queued(ctx context.Context) (map[string]int, error) {
	counts := map[string]int{}
	for name, url := range map[string]string{
		"dead-letter": r.stack.DeadLetterQueueURL, "replay": r.stack.ReplayQueueURL, "outcomes": r.stack.OutcomesQueueURL,
	} {
		n, err := r.Queued(ctx, url)
		if err != nil {
			return nil, fmt.Errorf("look into the %s queue: %w", name, err)
		}
		counts[name] = n
	}
	return counts, nil
}
