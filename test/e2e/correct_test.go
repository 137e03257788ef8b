package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// correct corrects a listing by POST /versions.
func (y *system) correct(t *testing.T, id, patch, fields string) replay.Accepted {
	t.Helper()
	body := fmt.Sprintf(`{"resourceId":%q,"transform":{"mergePatch":%s},"reason":%q%s}`, id, patch, why, fields)
	ans, err := y.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/versions", Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	var accepted replay.Accepted
	if err := json.Unmarshal(ans.Body, &accepted); err != nil || ans.Status != http.StatusAccepted {
		t.Fatalf("%s: got %d %s, want 202", body, ans.Status, ans.Body)
	}
	return accepted
}

// A listing with a price that makes no sense fails. Its correction is recorded, runs, and stays: a replay of the latest
// version, of whatever kind, takes the correction.
func TestACorrectionStays(t *testing.T) {
	t.Parallel()
	id, owner := fresh("corrected"), fresh("agency")
	wrong := listing{id: id, owner: owner, price: -1}.json()
	live := sys.ingest(t, wrong)
	sys.failed(t, live, "InvalidListing")
	sys.autoReplay(t)
	sys.decided(t, live, domain.Quarantined)
	right := strings.Replace(wrong, `"priceUsd":-1`, `"priceUsd":450000.10`, 1)
	const patch = `{"listing":{"priceUsd":450000.10}}`

	dry := sys.correct(t, id, patch, `,"dryRun":true`)
	plan, _ := sys.done(t, dry.ReplayID, replay.Planned, replay.Counts{Matched: 1})
	if v := sys.versions(t, id).Versions; len(v) != 1 || !strings.Contains(string(plan.Plan.Sample[0].Diff), "450000.10") {
		t.Errorf("got %+v and %d versions, want the diff and nothing recorded", plan.Plan, len(v))
	}

	accepted := sys.correct(t, id, patch, "")
	_, items := sys.done(t, accepted.ReplayID, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	h := sys.versions(t, id).Versions
	if len(h) != 2 || items[0].VersionID != h[0].VersionID || h[0].Correction == nil || h[0].OwnerID != owner {
		t.Fatalf("got %+v and item %+v, want the version of the correction to be the latest", h, items[0])
	}
	if c := h[0].Correction; c.Of != h[1].VersionID || c.By == "" || c.Reason != why || c.ReplayID != accepted.ReplayID {
		t.Errorf("got %+v, want what it corrects, by whom and why", c)
	}
	body, metadata := sys.object(t, eventKey(t, id))
	if body != right || metadata["correction-of"] != h[1].VersionID ||
		metadata["correction-replay"] != accepted.ReplayID || metadata["corrected-by"] == "" || metadata["correction-reason"] == "" {
		t.Errorf("the log has %s with %v, want %s, marked as a correction", body, metadata, right)
	}
	name := domain.APIName(accepted.ReplayID, id, 0)
	if got := sys.downstream.one(t, name).attributes; got["versionId"] != h[0].VersionID || got["correctionOf"] != h[1].VersionID ||
		got["isReplay"] != "true" || got["reason"] != why {
		t.Errorf("got attributes %v", got)
	}
	sys.decided(t, live, domain.Healed)

	for _, selected := range []selection{{ResourceIDs: []string{id}}, {OwnerID: owner}} {
		again := sys.replay(t, request{Select: selected})
		it := sys.items(t, again.ReplayID, nil).Items[0]
		if it.VersionID != h[0].VersionID || it.Outcome != replay.Succeeded {
			t.Errorf("got %+v, want the correction replayed", it)
		}
		message := sys.downstream.one(t, domain.APIName(again.ReplayID, id, 0))
		if got := decoded(t, message.body)["listing"].(map[string]any)["priceUsd"]; got != 450000.1 {
			t.Errorf("published %s, want the corrected price", message.body)
		}
	}
	if n := len(sys.versions(t, id).Versions); n != 2 {
		t.Errorf("got %d versions, want 2: a replay writes none", n)
	}

	// The version that was wrong is not the latest any more.
	older := fmt.Sprintf(`{"resourceId":%q,"versionId":%q,"transform":{"mergePatch":%s},"reason":%q}`, id, h[1].VersionID, patch, why)
	if p := sys.problem(t, http.MethodPost, "/versions", nil, older, http.StatusConflict); !strings.Contains(p.Detail, h[0].VersionID) {
		t.Errorf("got %q, want the newer version", p.Detail)
	}
}
