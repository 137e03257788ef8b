package smoke

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// correction corrects a listing that failed. Its execution reads the corrected event under derived/, and records it.
func correction(ctx context.Context, e *env) (string, error) {
	id, owner := e.resource("correction")
	run, err := e.ingest(ctx, badListing(id, owner, "a typo"), types.ExecutionStatusFailed)
	if err != nil {
		return "", err
	}
	if _, err := e.decided(ctx, *run.Name, domain.Quarantined); err != nil {
		return "", err
	}
	body := compact(map[string]any{
		"resourceId": id, "reason": "smoke check \u2013 a typo", "transform": map[string]any{"mergePatch": json.RawMessage(listing(id, owner, nil))},
	})
	ans, err := e.API.Do(ctx, client.Request{Method: http.MethodPost, Path: "/versions", Body: body})
	if err != nil {
		return "", err
	}
	var accepted replay.Accepted
	if err := json.Unmarshal(ans.Body, &accepted); err != nil || ans.Status != http.StatusAccepted {
		return "", fmt.Errorf("got status %d, want 202: %s", ans.Status, shorten(string(ans.Body)))
	}
	if err := e.completed(ctx, accepted.ReplayID, replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); err != nil {
		return "", err
	}
	h, err := e.API.Versions.ListPage(ctx, id, "")
	if err != nil {
		return "", err
	}
	marked := len(h.Versions) == 2 && h.Versions[0].Correction != nil
	if !marked || h.Versions[0].Correction.Of != h.Versions[1].VersionID || h.Versions[0].Correction.ReplayID != accepted.ReplayID {
		return "", fmt.Errorf("got versions %+v, want the correction of the older one first", h.Versions)
	}
	_, err = e.decided(ctx, *run.Name, domain.Healed)
	return "version " + h.Versions[0].VersionID + " corrects " + h.Versions[1].VersionID, err
}
