package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/replay"
	"github.com/ce873799/replayable-ingestion/replay/client"
)

// ask has things replayed by API, as people do in the midst of trouble: everything of an owner, some resources, the
// whole history of some.
func (r *run) ask(ctx context.Context, seed uint64, n int, events []event) error {
	random := rand.New(rand.NewPCG(seed, streamAsks)) //nolint:gosec // reproducible on purpose
	owners, versions := map[string]int{}, map[string]int{}
	var ids []string
	for _, e := range events {
		if e.resource == "" {
			continue
		}
		if versions[e.resource]++; versions[e.resource] == 1 {
			ids = append(ids, e.resource)
		}
		owners[e.owner]++
	}
	var several []string
	for _, id := range ids {
		if versions[id] > 1 {
			several = append(several, id)
		}
	}
	pick := func(from []string, n int) []string {
		var some []string
		for _, i := range random.Perm(len(from))[:min(n, len(from))] {
			some = append(some, from[i])
		}
		return some
	}
	owner := pick(sorted(owners), 1)
	old, err := r.oldest(ctx, pick(several, len(several)), 3)
	if err != nil {
		return err
	}
	type wish struct {
		what       string
		choice     map[string]any
		versions   any
		allowStale bool
		action     replay.Action
	}
	wishes := []wish{
		{"an owner", map[string]any{"ownerId": owner[0]}, "latest", false, replay.Rerun},
		{"some resources", map[string]any{"resourceIds": pick(ids, 8)}, "latest", false, replay.Rerun},
		{"histories", map[string]any{"resourceIds": pick(append(several, ids[0]), 4)}, map[string]any{"series": "all", "onFailure": "continue"}, false, replay.Rerun},
		{"histories, however old", map[string]any{"resourceIds": pick(several, 2)}, map[string]any{"series": "all"}, true, replay.Rerun},
	}
	for i, id := range sorted(old) {
		wishes = append(wishes, wish{
			"an old version of " + id, map[string]any{"resourceIds": []string{id}}, map[string]any{"ids": []string{old[id]}}, i > 1, replay.Rerun,
		})
	}
	wishes = append(wishes,
		wish{"failures, redriven", map[string]any{"failures": map[string]any{}}, "failed", false, replay.Redrive},
		wish{"some resources, redriven", map[string]any{"resourceIds": pick(ids, 8)}, "failed", false, replay.Redrive},
		wish{"some resources, redriven however old", map[string]any{"resourceIds": pick(several, 8)}, "failed", true, replay.Redrive},
	)
	for _, a := range wishes {
		reason := fmt.Sprintf("chaos %d.%d: %s", seed, n, a.what)
		request := map[string]any{"action": a.action, "select": a.choice, "versions": a.versions, "reason": reason, "allowStale": a.allowStale}
		if err := r.askUntilAccepted(ctx, reason, request); err != nil {
			return err
		}
	}
	if err := r.operate(ctx, random, fmt.Sprintf("chaos %d.%d", seed, n), ids); err != nil {
		return err
	}
	return r.pauses(ctx, random)
}

// oldest returns the oldest versions of some resources that have several by now, by resource.
func (r *run) oldest(ctx context.Context, resources []string, most int) (map[string]string, error) {
	old := map[string]string{}
	for _, id := range resources {
		if len(old) == most {
			break
		}
		key, err := replay.EventKey(id)
		if err != nil {
			return nil, err
		}
		out, err := r.Bucket.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &r.stack.EventLogBucket, Prefix: &key})
		if err != nil {
			return nil, fmt.Errorf("list versions of %s: %w", key, err)
		}
		if n := len(out.Versions); n > 1 && *out.Versions[n-1].Key == key {
			old[id] = *out.Versions[n-1].VersionId
		}
	}
	return old, nil
}

// askUntilAccepted repeats a request under one idempotency key until it is answered.
func (r *run) askUntilAccepted(ctx context.Context, reason string, request map[string]any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	ans, err := r.until(ctx, http.MethodPost, "/replays", reason, string(body), http.StatusAccepted)
	if err != nil {
		return err
	}
	return r.accepted(reason, ans, "replay requested")
}

// accepted notes a replay that the API accepted.
func (r *run) accepted(reason string, ans client.Response, what string) error {
	var accepted replay.Accepted
	if err := json.Unmarshal(ans.Body, &accepted); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	r.counters.add(what, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[reason] = accepted.ReplayID
	return nil
}
