package resources_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestResourcesOfAnOwner(t *testing.T) {
	w := operator.New(t)
	w.Run("resources").Wants(t, exit.Usage, nil, []string{"--owner is required"})
	w.Run("resources --owner U/1").Wants(t, exit.OK, nil, []string{"no resources: no event has named this owner"})
	for i := range 30 {
		w.Engine.Ingest(fmt.Sprint("live-", i), fmt.Sprintf(`{"id":"L/%d","owner":"U/1"}`, i))
	}
	w.Engine.Ingest("live-moved", `{"id":"L/7","owner":"U-2"}`)
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "ListingBroken" }
	w.Engine.Ingest("live-broken", `{"id":"L/8","owner":"U/1"}`)
	w.Engine.Pump()

	w.Run("resources --owner U/1").Wants(t, exit.OK, []string{"RESOURCE", "LAST EVENT", "OWNER"}, []string{"there are more"})
	var doc struct{ Resources []replay.OwnedResource }
	got := w.Run("resources --owner U/1 --limit 0 -o json")
	if err := json.Unmarshal([]byte(got.Out), &doc); err != nil || len(doc.Resources) != 30 {
		t.Fatalf("got %d resources, %v, want 30: %s", len(doc.Resources), err, got.Err)
	}
	seen := map[string]replay.OwnedResource{}
	for _, r := range doc.Resources {
		if seen[r.ResourceID] = r; r.LastEventAt.IsZero() || r.Latest == nil || r.VersionID == "" {
			t.Errorf("got %+v, want its last event and what became of it", r)
		}
	}
	if r := seen["L/7"]; r.OwnerID != "U-2" || r.Latest.Name != "live-moved" {
		t.Errorf("got %+v, want the owner that has it now", r)
	}
	if r := seen["L/8"]; r.Latest.Status != "FAILED" || r.Latest.Error != "ListingBroken" {
		t.Errorf("got %+v, want its failure", r.Latest)
	}
	if len(seen) != 30 {
		t.Errorf("got %d different resources, want 30", len(seen))
	}
}
