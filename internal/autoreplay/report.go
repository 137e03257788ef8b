package autoreplay

import (
	"context"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// report logs what a run did as one line and as metrics. Only a run without an error counts as a heartbeat.
func (r *run) report(ctx context.Context, err error) {
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
	r.Meter.Set(schema.AutoReplaySeconds, r.Now().Sub(r.started).Seconds())
	for _, m := range []schema.Metric{ // 0 if nothing happened, so that their graphs have no gaps
		schema.Failures, schema.AutoReplayed, schema.Healed, schema.FailedAgain, schema.Superseded, schema.Quarantined, schema.Closed, schema.Errors,
	} {
		r.Meter.Add(m, 0)
	}
	if r.looked { // otherwise the number is not known
		r.Meter.Set(schema.Unaccounted, float64(s.Unaccounted))
	}
	if s.Paused != notKnown {
		r.Meter.Set(schema.ReplaysPaused, gauge(!r.controls.ReplaysPausedAt.IsZero() || !r.controls.AlarmAt.IsZero()))
		r.Meter.Set(schema.AutoReplayPaused, gauge(s.Paused != ""))
	}
	if r.left != nil {
		r.Meter.Set(schema.DeadLettersLeft, float64(len(r.left)))
	}
	if r.counted != nil {
		r.Meter.Set(schema.InQuarantine, float64(r.counted.Of(replay.FailureQuarantined)+r.counted.Others))
	}
}

func gauge(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

func (a *Runner) notBegun(ctx context.Context, err error) error {
	a.Logger.ErrorContext(ctx, "auto-replay not begun", "error", err)
	return fmt.Errorf("auto-replay: %w", err)
}
