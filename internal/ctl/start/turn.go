package start

import (
	"context"
	"errors"
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/ctl/follow"
	"github.com/ce873799/replayable-ingestion/internal/ctl/request"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// runAndWait starts replays and waits for their end: side by side, or one after the other where they keep to bounds
// together.
func runAndWait(
	ctx context.Context, f *factory.Factory, api *client.Client, r request.Request, key string, o follow.Options,
) error {
	if len(r.Parts) > 1 && r.Bounded() {
		return inTurn(ctx, f, api, &r, key, o)
	}
	accepted, err := send(ctx, f, api, &r, key)
	if err != nil {
		if len(accepted) > 0 {
			err = partly(f, accepted, len(r.Parts), err)
			_ = showAccepted(f, accepted) // the error counts
		}
		return err
	}
	ids := idsOf(accepted)
	for _, id := range ids {
		f.Say("replay %s", id)
	}
	return follow.Await(ctx, f, api, ids, o)
}

// inTurn runs the parts of a request one after the other. Each may have what the ones before have left of the bounds.
func inTurn(ctx context.Context, f *factory.Factory, api *client.Client, r *request.Request, key string, o follow.Options) error {
	n, key := len(r.Parts), keyOf(key)
	var all []replay.Replay
	for i := range n {
		var spent replay.Counts
		for _, one := range all {
			spent.Matched += one.Counts.Matched
			spent.Failed += one.Counts.Failed
		}
		if !spend(&r.Parts[i], spent) {
			f.Say("--max-items is reached, %d of %d parts were not needed", n-i, n)
			break
		}
		accepted, err := sendPart(ctx, f, api, r, key, i)
		if err != nil {
			return unfinished(f, all, err)
		}
		f.Say("replay %s, %d of %d", accepted.ReplayID, i+1, n)
		ended, err := follow.Wait(ctx, f, api, []string{accepted.ReplayID}, "replaying")
		if errors.Is(err, follow.ErrDetached) {
			f.Say("%d of %d parts were not started", n-i-1, n)
			return follow.Detached(f, accepted.ReplayID)
		}
		if err != nil {
			return unfinished(f, all, err)
		}
		all = append(all, ended...)
		if s := ended[0].Status; s == replay.Halted || s == replay.Cancelled {
			f.Say("%s, so %d of %d parts were not started", s, n-i-1, n)
			break
		}
	}
	return follow.Conclude(ctx, f, api, all, o)
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

func unfinished(f *factory.Factory, all []replay.Replay, err error) error {
	e := f.Explain(err)
	for _, r := range all {
		e.Do = append(e.Do, fmt.Sprintf("replay %s has ended before that: %s", r.ReplayID, r.Status))
	}
	return e
}

func idsOf(all []replay.Accepted) []string {
	ids := make([]string, len(all))
	for i, one := range all {
		ids[i] = one.ReplayID
	}
	return ids
}
