package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// The first resource of a ramp fails, so nothing else starts. Once it is resumed, each step starts after the one before has ended.
func TestARampPausesAtItsFirstFailure(t *testing.T) {
	t.Parallel()
	ids, owner := make([]string, 8), fresh("agency")
	var healthy []listing
	for i := range ids {
		ids[i] = fresh("ramped")
		if i > 0 {
			healthy = append(healthy, listing{id: ids[i], owner: owner})
		}
	}
	sys.failed(t, sys.ingest(t, listing{id: ids[0], owner: owner, price: bad}.json()), "InvalidListing")
	sys.ingestAll(t, healthy...)
	selected, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"select":{"resourceIds":%s},"ramp":{"maxFailureShare":0.1},"reason":%q}`, selected, why)
	ans, err := sys.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays", Body: []byte(body)})
	var accepted replay.Accepted
	if err != nil || ans.Status != http.StatusAccepted || json.Unmarshal(ans.Body, &accepted) != nil {
		t.Fatalf("got %d %s, %v, want 202", ans.Status, ans.Body, err)
	}
	self := "/replays/" + accepted.ReplayID
	var r replay.Replay
	eventually(t, patience, "the ramp to pause", func(context.Context) (bool, error) {
		r = replay.Replay{} // absent fields keep what they had
		sys.get(t, self, nil, &r)
		return r.Status == replay.Paused, nil
	})
	if c := r.Counts; c.Started != 1 || c.Failed != 1 || r.Paused.By != "" || r.Ramp == nil || r.Ramp.Resources != 1 {
		t.Errorf("got %+v %+v %+v, want one item started and failed", c, r.Paused, r.Ramp)
	}
	ans, err = sys.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: self + "/resume"})
	if err != nil || ans.Status != http.StatusOK {
		t.Fatalf("got %d %s, %v, want 200", ans.Status, ans.Body, err)
	}
	r = sys.completed(t, accepted.ReplayID)
	if c := r.Counts; c.Started != 8 || c.Succeeded != 7 || c.Failed != 1 || r.Resumed == nil {
		t.Errorf("got %+v %+v, want 7 of 8 succeeded", c, r.Resumed)
	}
	var page replay.Items
	sys.get(t, self+"/items", nil, &page)
	slices.SortFunc(page.Items, func(a, b replay.Item) int { return slices.Index(ids, a.ResourceID) - slices.Index(ids, b.ResourceID) })
	ended := func(from, to int) replay.Item {
		return slices.MaxFunc(page.Items[from:to], func(a, b replay.Item) int { return a.EndedAt.Compare(*b.EndedAt) })
	}
	for _, step := range [][2]int{{0, 1}, {1, 2}, {2, 6}} {
		last := ended(step[0], step[1])
		for _, next := range page.Items[step[1]:] {
			if next.StartedAt.Before(*last.EndedAt) {
				t.Errorf("%+v started before %+v of an earlier step had ended", next, last)
			}
		}
	}
}
