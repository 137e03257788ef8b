package start_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestADryRunShowsAPlan(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2")
	got := w.Run(`replay r1 r2 gone --dry-run --merge-patch {"n":7}`)
	got.Wants(t, exit.OK, []string{
		"would run   2 items", "be skipped  1 item", "RESOURCE", "WOULD", "no such resource",
		"--merge-patch changes r1, version", "  ~ /n  0 → 7",
	}, []string{"nothing was started"})
	if n := len(w.Engine.Machine.Starts); n != 2 {
		t.Errorf("%d executions were started, want the two live ones", n)
	}
	r := w.Requested()
	if !r.DryRun || r.Status != replay.Planned || r.Reason != "dry run" {
		t.Errorf("got %+v, want a dry run that has ended", r.Summary)
	}
	var doc replay.Replay
	got = w.Run(`replay r1 --dry-run -o json`)
	if err := json.Unmarshal([]byte(got.Out), &doc); err != nil || doc.Plan == nil || doc.Plan.Items != 1 {
		t.Errorf("got %s, %v, want the replay with its plan", got.Out, err)
	}
	w.Run(`replay r1 --dry-run --json-patch [{"op":"remove","path":"/nowhere"}]`).
		Wants(t, exit.Failures, []string{"would run   0 items", "fail        1 item, for the reasons below", "TransformFailed"}, nil)
}

// Nobody looks at the plan of a question that was not answered.
func TestCtrlCWhileCountingCancelsThePlan(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	ctx, cancel := context.WithCancel(t.Context())
	w.Process.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); <-ctx.Done(); return ctx.Err() }
	w.RunIn(ctx, "replay", "--owner", "o1", "--reason", "x").Wants(t, exit.Interrupted, nil, []string{"nothing was started"})
	w.Process.Sleep = nil
	if r := w.Requested(); !r.DryRun || r.Status != "CANCELLED" {
		t.Errorf("got %+v, want the dry run cancelled", r.Summary)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	w.RunIn(ctx, "list").Wants(t, exit.Interrupted, nil, []string{"interrupted"})
}
