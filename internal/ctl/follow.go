package ctl

import (
	"context"
	"errors"
	"time"

	smithytime "github.com/aws/smithy-go/time"

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

// errDetached means that nobody waits any more. The replays go on.
var errDetached = errors.New("detached")

// follow waits until replays have ended, shows how they get on, and returns them.
func (a *app) follow(ctx context.Context, api *client.Client, ids []string, doing string) ([]replay.Replay, error) {
	all := make([]replay.Replay, len(ids))
	m := a.newMeter(doing)
	defer m.end()
	var quiet time.Time // since when the API has not answered
	for poll := firstPoll; ; poll = min(poll*3/2, maxPoll) {
		left, err := a.look(ctx, api, ids, all)
		switch {
		case ctx.Err() != nil:
			return all, errDetached
		case err == nil:
			quiet = time.Time{}
			m.show(progressOf(all, a.p.Now()))
		case !client.Temporary(err):
			return all, err
		case quiet.IsZero():
			quiet = a.p.Now()
			m.note("no answer, still trying: " + err.Error())
		case a.p.Now().Sub(quiet) > silence:
			return all, err
		}
		if left == 0 {
			return all, nil
		}
		if a.sleep(ctx, poll) != nil {
			return all, errDetached
		}
	}
}

// look reads the replays that have not ended, and returns how many that still are.
func (a *app) look(ctx context.Context, api *client.Client, ids []string, all []replay.Replay) (left int, err error) {
	for i, id := range ids {
		if all[i].Status.Final() {
			continue
		}
		r, err := api.Replay(ctx, id)
		if err != nil {
			return len(ids), err
		}
		if all[i] = r; !r.Status.Final() {
			left++
		}
	}
	return left, nil
}

func (a *app) sleep(ctx context.Context, d time.Duration) error {
	if a.p.Sleep != nil {
		return a.p.Sleep(ctx, d)
	}
	return smithytime.SleepWithContext(ctx, d)
}

// detached says how to come back to replays that nobody waits for any more.
func (a *app) detached(ids ...string) error {
	a.say("%s", a.paintErr(output.Yellow, "detached: what was started goes on"))
	for _, id := range ids {
		a.say("  come back with  %s", a.hint("status "+id+" --watch"))
		a.say("  stop it with    %s", a.hint("cancel "+id))
	}
	return ended(ExitInterrupted)
}

// codeOf is how waiting for a replay ends.
func codeOf(r replay.Replay) Code {
	switch {
	case r.Status == replay.Halted || r.Status == replay.Cancelled:
		return ExitStopped
	case r.Counts.Failed > 0 || r.Plan != nil && r.Plan.Failed > 0:
		return ExitFailures
	default:
		return ExitOK
	}
}

// worse is the code that says more: stopped before failed before well.
func worse(a, b Code) Code { return max(a, b) }
