// Package chaos_test runs a short form of `make chaos` with every other test. It is a package of its own, because it
// brings up a stack of its own.
package chaos_test

import (
	"bytes"
	"context"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/chaos"
)

const (
	seed    = 1
	events  = 150
	percent = 8
)

func TestNothingIsLostAndNoStormIsStartedInAShortSpellOfTrouble(t *testing.T) {
	// An interrupt ends what was started before it ends this process.
	ctx, stop := signal.NotifyContext(t.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/20))
		defer cancel()
	}
	var out bytes.Buffer
	defer func() { t.Log(out.String()) }()
	report, err := chaos.Run(ctx, chaos.Options{
		Seed: seed, Events: events, Levels: []float64{percent / 100.0}, Patience: 3 * time.Minute, Out: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	f := report.Figures
	if f.Lost != 0 || f.Events < events {
		t.Errorf("got %+v, want none of %d events lost", f, events)
	}
	disturbed := 0
	for _, n := range report.ByRequest {
		disturbed += n
	}
	if disturbed == 0 || f.Healed == 0 || f.Superseded == 0 || f.Quarantined+f.Closed == 0 {
		t.Errorf("%d requests disturbed, %+v: the run proves nothing", disturbed, f)
	}
}
