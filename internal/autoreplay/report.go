package autoreplay

import (
	"context"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/deadline"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// maxQuarantine is how many failures in quarantine a run counts: an index of 8 shards, in pages of 1 MB of keys.
const maxQuarantine = 10_000

// report writes what a run did as one line, and as metrics. Only a run that came to its end is a heartbeat.
func (r *round) report(ctx context.Context, err error) {
	s := r.sum
	args := []any{
		"deadLetters", s.DeadLetters, "settled", s.Settled, "replayed", s.Replayed, "probes", s.Probes, "held", s.Held,
		"quarantined", s.Quarantined, "superseded", s.Superseded, "waiting", s.Waiting, "unaccounted", s.Unaccounted,
		"restored", s.Restored, "errors", s.Errors, "paused", s.Paused,
	}
	if err != nil {
		r.Logger.ErrorContext(ctx, "auto-replay broken off", append(args, "error", err)...)
	} else {
		r.Logger.InfoContext(ctx, "auto-replay done", args...)
		r.Meter.Add(schema.AutoReplayRuns, 1)
	}
	r.Meter.Set(schema.AutoReplaySeconds, r.now().Sub(r.started).Seconds())
	for _, m := range []schema.Metric{ // 0 where nothing happened, so that their lines have no gaps
		schema.Failures, schema.AutoReplayed, schema.Healed, schema.FailedAgain, schema.Superseded, schema.Quarantined, schema.Closed, schema.Errors,
	} {
		r.Meter.Add(m, 0)
	}
	if r.looked { // else nobody knows
		r.Meter.Set(schema.Unaccounted, float64(s.Unaccounted))
	}
	if r.left != nil {
		r.Meter.Set(schema.DeadLettersLeft, float64(len(r.left)))
	}
	n, err := deadline.Do(ctx, func(ctx context.Context) (int, error) {
		return r.Book.Failures.CountQuarantined(ctx, maxQuarantine)
	})
	if err != nil {
		r.Logger.WarnContext(ctx, "quarantine not counted", "error", err)
		return
	}
	r.Meter.Set(schema.InQuarantine, float64(n))
}

func (j *Job) notBegun(ctx context.Context, err error) error {
	j.Logger.ErrorContext(ctx, "auto-replay not begun", "error", err)
	return fmt.Errorf("auto-replay: %w", err)
}
