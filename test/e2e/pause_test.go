package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// A series is paused between two versions for longer than a message waits, and goes on with the rest in order.
func TestAReplayIsPausedAndResumed(t *testing.T) {
	t.Parallel()
	id := fresh("paused")
	const versions = 6
	for i := range versions {
		sys.succeeded(t, sys.ingest(t, listing{id: id, owner: fresh("agency"), price: 100 + i}.json()))
	}
	do := func(method, path, body string) {
		t.Helper()
		ans, err := sys.API.Do(t.Context(), client.Request{Method: method, Path: path, Body: []byte(body)})
		if err != nil || ans.Status != http.StatusOK {
			t.Fatalf("%s %s: got %d %s, %v, want 200", method, path, ans.Status, ans.Body, err)
		}
	}
	var accepted replay.Accepted
	body := fmt.Sprintf(`{"select":{"resourceIds":[%q]},"versions":{"series":"all"},"allowStale":true,"maxPerSecond":1,"reason":%q}`, id, why)
	ans, err := sys.API.Do(t.Context(), client.Request{Method: http.MethodPost, Path: "/replays", Body: []byte(body)})
	if err != nil || ans.Status != http.StatusAccepted {
		t.Fatalf("got %d %s, %v, want 202", ans.Status, ans.Body, err)
	}
	if err := json.Unmarshal(ans.Body, &accepted); err != nil {
		t.Fatal(err)
	}
	self := "/replays/" + accepted.ReplayID
	now := func() (r replay.Replay) {
		t.Helper()
		sys.get(t, self, nil, &r)
		return r
	}
	eventually(t, patience, "the first version to start", func(context.Context) (bool, error) { return now().Counts.Started > 0, nil })
	do(http.MethodPost, self+"/pause", `{"reason":"a look"}`)
	eventually(t, patience, "what started to end", func(context.Context) (bool, error) {
		c := now().Counts
		return c.Started == c.Succeeded, nil
	})
	before := now()
	if before.Status != replay.Paused || before.Counts.Started == versions {
		t.Fatalf("got %s %+v, want it paused with some left", before.Status, before.Counts)
	}
	time.Sleep(5 * time.Second) // nothing must happen: there is nothing to wait for
	if after := now(); after.Counts != before.Counts {
		t.Errorf("got %+v during the pause, want %+v", after.Counts, before.Counts)
	}
	do(http.MethodPatch, self, `{"maxPerSecond":null}`)
	do(http.MethodPost, self+"/resume", "")
	if r := sys.completed(t, accepted.ReplayID); r.Counts.Succeeded != versions || r.Counts.Started != versions {
		t.Errorf("got %+v, want %d started once and succeeded", r.Counts, versions)
	}
}
