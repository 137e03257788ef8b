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
	both := replay.Counts{Matched: 2, Started: 2, Succeeded: 2}
	items, err := e.replay(ctx, all, both)
	if err != nil {
		return "", err
	}
	var runs []string // the older version first
	for _, it := range items {
		runs = append(runs, it.ExecutionARN[strings.LastIndex(it.ExecutionARN, ":")+1:])
	}
	if len(runs) != 2 {
		return "", fmt.Errorf("got items %+v, want two", items)
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
	if items, err = e.replay(ctx, again, both); err != nil {
		return "", err
	}
	for i, it := range items {
		if !strings.HasSuffix(it.ExecutionARN, ":"+runs[i]) {
			return "", fmt.Errorf("version %s: published the output of %s again, want that of %s", it.VersionID, it.ExecutionARN, runs[i])
		}
	}
	return fmt.Sprintf("%s after %s, and both outputs published again", runs[1], runs[0]), nil
}
