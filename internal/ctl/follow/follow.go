// Package follow waits for replays, shows their progress, and says how they ended.
package follow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// How often replays are looked at: often at first, as most are small.
const (
	firstPoll = 500 * time.Millisecond
	maxPoll   = 3 * time.Second
)

// silence is for how long replays are followed although the API does not answer. A person who waits has not lost
// anything by it.
const silence = 5 * time.Minute

// ErrDetached means that Ctrl-C ended the waiting. The replays continue.
var ErrDetached = errors.New("detached")

// Wait waits until replays have ended, or were paused by their ramp, shows how they get on, and returns them.
func Wait(ctx context.Context, f *factory.Factory, api *client.Client, ids []string, doing string) ([]replay.Replay, error) {
	all := make([]replay.Replay, len(ids))
	m := newMeter(f, doing)
	defer m.end()
	var quiet time.Time // since when the API has not answered
	for poll := firstPoll; ; poll = min(poll*3/2, maxPoll) {
		left, err := look(ctx, api, ids, all)
		switch {
		case ctx.Err() != nil:
			return all, ErrDetached
		case err == nil:
			quiet = time.Time{}
			m.show(progressOf(all, f.Process.Now()))
			notePauses(f, m, all)
		case !client.Temporary(err):
			return all, err
		case quiet.IsZero():
			quiet = f.Process.Now()
			m.note("no response, still trying: " + err.Error())
		case f.Process.Now().Sub(quiet) > silence:
			return all, err
		}
		if left == 0 {
			return all, nil
		}
		if f.Sleep(ctx, poll) != nil {
			return all, ErrDetached
		}
	}
}

// stoppedByRamp reports whether a ramp has paused its replay, so it waits for a person. Other pauses end without one
// who waits.
func stoppedByRamp(r replay.Replay) bool {
	return r.Paused != nil && r.Paused.By == "" && r.Ramp != nil && float64(r.Ramp.Failed) > r.Ramp.MaxFailureShare*float64(r.Ramp.Ran)
}

// notePauses says why replays are paused: who waits would wait for ever.
func notePauses(f *factory.Factory, m meter, all []replay.Replay) {
	for _, r := range all {
		if r.Paused != nil {
			m.note(fmt.Sprintf("%s; go on with  %s", PauseText(f, *r.Paused), resume(f, r)))
		}
	}
}

// resume is the command that ends a pause: that of all replays, if they are paused.
func resume(f *factory.Factory, r replay.Replay) string {
	if strings.HasPrefix(r.Paused.Reason, replay.AllPaused) {
		return f.Hint("resume --all")
	}
	return f.Hint("resume " + r.ReplayID)
}

// look reads the replays that have not ended, and returns how many that still are.
func look(ctx context.Context, api *client.Client, ids []string, all []replay.Replay) (left int, err error) {
	for i, id := range ids {
		if all[i].Status.Final() {
			continue
		}
		r, err := api.Replays.Get(ctx, id)
		if err != nil {
			return len(ids), err
		}
		if all[i] = r; !r.Status.Final() && !stoppedByRamp(r) {
			left++
		}
	}
	return left, nil
}

// Detached says how to come back to replays after Ctrl-C.
func Detached(f *factory.Factory, ids ...string) error {
	f.Say("%s", f.PaintErr(output.Yellow, "detached: what was started continues"))
	for _, id := range ids {
		f.Say("  come back with  %s", f.Hint("status "+id+" --wait"))
		f.Say("  stop it with    %s", f.Hint("cancel "+id))
	}
	return exit.With(exit.Interrupted)
}

// CodeOf is how waiting for a replay ends.
func CodeOf(r replay.Replay) exit.Code {
	switch {
	case r.Status == replay.Halted || r.Status == replay.Cancelled || stoppedByRamp(r):
		return exit.Stopped
	case r.Counts.Failed > 0 || r.Plan != nil && r.Plan.Failed > 0:
		return exit.Failures
	default:
		return exit.OK
	}
}

// Worse is the code that counts of two: stopped before failed before skipped before well.
func Worse(a, b exit.Code) exit.Code {
	if a == exit.Skipped && b != exit.OK {
		return b
	}
	if b == exit.Skipped && a != exit.OK {
		return a
	}
	return max(a, b)
}
