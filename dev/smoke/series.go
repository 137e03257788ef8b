package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/replay"
)

// series replays two versions of a listing in order, patched, and then publishes their outputs again. With the patch,
// the binder writes under derived/. With the republish, it reads outputs and uses the topic.
func series(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("series")
	for range 2 {
		if _, err := e.ingest(ctx, listing(id, owner, nil), types.ExecutionStatusSucceeded); err != nil {
			return "", err
		}
	}
	all := replay.Request{
		Action: replay.Rerun, Reason: "smoke check", Select: replay.Select{ResourceIDs: []string{id}},
		Versions:  replay.Versions{Mode: replay.VersionSeries, Series: &replay.Series{}, OnFailure: replay.StopOnFailure},
		Transform: &replay.Transform{MergePatch: json.RawMessage(`{"smoke":true}`)},
	}
	items, err := e.bothOf(ctx, all)
	if err != nil {
		return "", err
	}
	var runs [2]string
	for i, it := range items {
		runs[i] = it.ExecutionARN[strings.LastIndex(it.ExecutionARN, ":")+1:]
	}
	first, err := e.ended(ctx, runs[0], types.ExecutionStatusSucceeded)
	if err != nil {
		return "", err
	}
	second, err := e.ended(ctx, runs[1], types.ExecutionStatusSucceeded)
	if err != nil {
		return "", err
	}
	if second.StartDate.Before(*first.StopDate) {
		return "", fmt.Errorf("%s started before %s had ended", runs[1], runs[0])
	}
	again := all
	again.Action, again.Transform, again.Target = replay.Republish, nil, "smoke"
	if items, err = e.bothOf(ctx, again); err != nil {
		return "", err
	}
	for i, it := range items {
		if !strings.HasSuffix(it.ExecutionARN, ":"+runs[i]) {
			return "", fmt.Errorf("version %s: published the output of %s again, want that of %s", it.VersionID, it.ExecutionARN, runs[i])
		}
	}
	return fmt.Sprintf("%s after %s, and both outputs published again", runs[1], runs[0]), nil
}

// bothOf runs a replay of two versions, which must succeed, and returns its items, the older version first.
func (e *env) bothOf(ctx context.Context, r replay.Request) ([]replay.Item, error) {
	accepted, err := e.API.Replays.Create(ctx, "", r)
	if err != nil {
		return nil, err
	}
	done, err := e.API.Replays.Wait(ctx, accepted.ReplayID)
	if err != nil {
		return nil, err
	}
	page, err := e.API.Replays.ListItemsPage(ctx, accepted.ReplayID, "", "")
	if err != nil {
		return nil, err
	}
	if want := (replay.Counts{Matched: 2, Started: 2, Succeeded: 2}); done.Counts != want || len(page.Items) != 2 {
		return nil, fmt.Errorf("replay %s: got %s, %+v and items %+v, want %+v", accepted.ReplayID, done.Status, done.Counts, page.Items, want)
	}
	return page.Items, nil
}
