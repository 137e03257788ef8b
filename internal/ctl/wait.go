package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ce873799/replayable-ingestion/internal/ctl/output"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// runAndWait starts replays and waits for their end: side by side, or one after the other where they keep to bounds
// together.
func (a *app) runAndWait(ctx context.Context, api *client.Client, r request, key string) error {
	if len(r.parts) > 1 && r.bounded() {
		return a.inTurn(ctx, api, &r, key)
	}
	accepted, err := a.send(ctx, api, &r, key)
	if err != nil {
		if len(accepted) > 0 {
			err = a.partly(accepted, len(r.parts), err)
			_ = a.showAccepted(accepted) // the error counts
		}
		return err
	}
	ids := idsOf(accepted)
	for _, id := range ids {
		a.say("replay %s", id)
	}
	return a.await(ctx, api, ids)
}

// await waits for the end of replays and shows what became of them.
func (a *app) await(ctx context.Context, api *client.Client, ids []string) error {
	all, err := a.follow(ctx, api, ids, "replaying")
	if errors.Is(err, errDetached) {
		return a.detached(ids...)
	}
	if err != nil {
		e := a.explain(err)
		for _, id := range ids {
			e.Do = append(e.Do, "the replay goes on: "+a.hint("status "+id+" --watch"))
		}
		return e
	}
	return a.conclude(ctx, api, all)
}

// inTurn runs the parts of a request one after the other. Each may have what the ones before have left of the bounds.
func (a *app) inTurn(ctx context.Context, api *client.Client, r *request, key string) error {
	n, key := len(r.parts), keyOf(key)
	var all []replay.Replay
	for i := range n {
		var spent replay.Counts
		for _, one := range all {
			spent.Matched += one.Counts.Matched
			spent.Failed += one.Counts.Failed
		}
		if !spend(&r.parts[i], spent) {
			a.say("--max-items is reached, %d of %d parts were not needed", n-i, n)
			break
		}
		accepted, err := a.sendPart(ctx, api, r, key, i)
		if err != nil {
			return a.unfinished(all, err)
		}
		a.say("replay %s, %d of %d", accepted.ReplayID, i+1, n)
		ended, err := a.follow(ctx, api, []string{accepted.ReplayID}, "replaying")
		if errors.Is(err, errDetached) {
			a.say("%d of %d parts were not started", n-i-1, n)
			return a.detached(accepted.ReplayID)
		}
		if err != nil {
			return a.unfinished(all, err)
		}
		all = append(all, ended...)
		if s := ended[0].Status; s == replay.Halted || s == replay.Cancelled {
			a.say("%s, so %d of %d parts were not started", s, n-i-1, n)
			break
		}
	}
	return a.conclude(ctx, api, all)
}

// spend takes from the bounds what earlier parts have used, and reports whether anything is left.
func spend(part *replay.Request, spent replay.Counts) bool {
	if part.MaxItems > 0 {
		if part.MaxItems -= spent.Matched; part.MaxItems <= 0 {
			return false
		}
	}
	if part.MaxFailures != nil {
		left := max(0, *part.MaxFailures-spent.Failed)
		part.MaxFailures = &left
	}
	return true
}

func (a *app) unfinished(all []replay.Replay, err error) error {
	e := a.explain(err)
	for _, r := range all {
		e.Do = append(e.Do, fmt.Sprintf("replay %s has ended before that: %s", r.ReplayID, r.Status))
	}
	return e
}

// conclude shows replays that have ended, and ends the command as they did.
func (a *app) conclude(ctx context.Context, api *client.Client, all []replay.Replay) error {
	if err := a.showReplays(all); err != nil {
		return err
	}
	code := ExitOK
	for _, r := range all {
		code = worse(code, codeOf(r))
		if err := a.showSome(ctx, api, r); err != nil {
			return err
		}
	}
	return ended(code)
}

// showReplays writes replays: each described, or as JSON.
func (a *app) showReplays(all []replay.Replay) error {
	if a.out.Format == output.JSON && len(all) > 1 {
		_, err := output.List(a.out, "replays", nil, sequence(all))
		return err
	}
	for i, r := range all {
		err := a.out.Value(r, func(w io.Writer) error {
			if i > 0 {
				if _, err := fmt.Fprintln(w); err != nil {
					return err
				}
			}
			return a.describe(w, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// someItems is how many items are shown without being asked for.
const someItems = 5

// showSome tells a person which items failed or were skipped and why, and where the others are.
func (a *app) showSome(ctx context.Context, api *client.Client, r replay.Replay) error {
	if a.out.Format != output.Table || r.DryRun {
		return nil
	}
	for _, kind := range []struct {
		n       int
		outcome replay.Outcome
		says    string
	}{{r.Counts.Failed, replay.Failed, "failed"}, {r.Counts.Skipped, replay.Skipped, "skipped"}} {
		if kind.n == 0 {
			continue
		}
		a.say("\n%s", a.paintErr(outcomeColor(kind.outcome), itemCount(kind.n)+" "+kind.says+":"))
		for it, err := range first(api.Items(ctx, r.ReplayID, kind.outcome), someItems) {
			if err != nil {
				return err
			}
			a.say("  %s  %s", output.Printable(it.ResourceID), output.Printable(it.Reason))
		}
		if kind.n > someItems || kind.outcome == replay.Failed {
			a.say("list them with  %s", a.hint("items "+r.ReplayID+" --outcome "+kind.says))
		}
	}
	return nil
}

func idsOf(all []replay.Accepted) []string {
	ids := make([]string, len(all))
	for i, one := range all {
		ids[i] = one.ReplayID
	}
	return ids
}
