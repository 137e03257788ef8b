package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// evidence waits until a replay has its evidence, and reads it.
func (y *system) evidence(t *testing.T, id string) (e replay.Evidence) {
	t.Helper()
	eventually(t, patience, "the evidence of "+id, func(ctx context.Context) (bool, error) {
		row, err := y.Book.Replays.Get(ctx, id)
		return row.Evidence != "", err
	})
	y.get(t, "/replays/"+id+"/evidence", nil, &e)
	return e
}

func TestEvidenceOfAReplay(t *testing.T) {
	t.Parallel()
	owner := fresh("agency")
	var live []string
	for range 3 {
		live = append(live, sys.ingest(t, listing{id: fresh("proven"), owner: owner, price: bad}.json()))
	}
	for _, execution := range live {
		sys.failed(t, execution, "InvalidListing")
		sys.decided(t, execution, domain.Quarantined)
	}
	r := sys.asked(t, `"select":{"ownerId":%q,"failures":{"error":"InvalidListing"}},"transform":{"mergePatch":{"listing":{"priceUsd":1}}}`, owner)
	_, items := sys.done(t, r.ReplayID, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 3})

	e := sys.evidence(t, r.ReplayID)
	if e.Version != replay.EvidenceVersion || e.Status != replay.Completed || e.Reason != why || e.RequestedBy == "" || e.Items != 3 ||
		e.Counts.Succeeded != 3 || e.Request.Transform == nil || e.Request.Select.OwnerID != owner || len(e.Failed) != 0 {
		t.Errorf("got %+v", e)
	}
	digest := replay.NewItemsDigest()
	for _, it := range items {
		digest.Add(it)
	}
	if digest.Sum() != e.Digest {
		t.Errorf("got digest %s, want that of the items, %s", e.Digest, digest.Sum())
	}
	if s := e.Failures.Selected; len(s) != 1 || s[0].Error != "InvalidListing" || s[0].Count != 3 {
		t.Errorf("got %+v, want what became of the three failures", s)
	}
	if e.Failures.After == nil || e.WrittenAt.Before(e.CreatedAt) {
		t.Errorf("got %+v, written %s", e.Failures, e.WrittenAt)
	}
	body, _ := sys.object(t, eventlog.EvidenceKey(r.ReplayID))
	var stored replay.Evidence
	if err := json.Unmarshal([]byte(body), &stored); err != nil || stored.Digest != e.Digest {
		t.Errorf("got %s, %v, want what the API answers", body, err)
	}

	plan := sys.asked(t, `"select":{"ownerId":%q},"dryRun":true`, owner)
	eventually(t, patience, "the plan", func(ctx context.Context) (bool, error) {
		row, err := sys.Book.Replays.Get(ctx, plan.ReplayID)
		return row.Status.Final(), err
	})
	sys.problem(t, http.MethodGet, "/replays/"+plan.ReplayID+"/evidence", nil, "", http.StatusNotFound)
}

func TestPeopleFindTheirResources(t *testing.T) {
	t.Parallel()
	owner := fresh("agency") + "/ö & co"
	ids := map[string]string{} // of resources, and their executions
	for range 3 {
		id := fresh("found")
		ids[id] = sys.ingest(t, listing{id: id, owner: owner}.json())
		sys.succeeded(t, ids[id])
	}
	broken := fresh("found")
	ids[broken] = sys.ingest(t, listing{id: broken, owner: owner, price: bad}.json())
	sys.failed(t, ids[broken], "InvalidListing")
	eventually(t, patience, "the failure", func(ctx context.Context) (bool, error) {
		row, err := sys.Book.Executions.Get(ctx, ids[broken])
		return row.Status == domain.Failed, err
	})

	found := map[string]replay.OwnedResource{}
	query := url.Values{"ownerId": {owner}, "limit": {"2"}}
	for {
		var page replay.Resources
		sys.get(t, "/resources", query, &page)
		for _, r := range page.Resources {
			found[r.ResourceID] = r
		}
		if page.NextCursor == "" {
			break
		}
		query.Set("cursor", page.NextCursor)
	}
	for id, execution := range ids {
		if r := found[id]; r.Latest == nil || r.Latest.Name != execution || r.OwnerID != owner || r.LastEventAt.IsZero() {
			t.Errorf("%s: got %+v, want its execution %s", id, r, execution)
		}
	}
	if r := found[broken]; len(found) != 4 || r.Latest == nil || r.Latest.Error != "InvalidListing" {
		t.Errorf("got %d resources, %+v, want 4, one of which has failed", len(found), r)
	}

	ended := func(query url.Values) (names []string) {
		t.Helper()
		query.Set("ownerId", owner)
		for {
			var page replay.Executions
			sys.get(t, "/executions", query, &page)
			for _, e := range page.Executions {
				names = append(names, e.Name)
			}
			if page.NextCursor == "" || query.Get("follow") != "" && len(page.Executions) == 0 {
				slices.Sort(names)
				return slices.Compact(names)
			}
			query.Set("cursor", page.NextCursor)
		}
	}
	eventually(t, patience, "every end is listed", func(context.Context) (bool, error) {
		return len(ended(url.Values{})) == 4, nil
	})
	if got := ended(url.Values{"status": {"FAILED"}, "error": {"Invalid*"}}); !slices.Equal(got, []string{ids[broken]}) {
		t.Errorf("got %v, want %s", got, ids[broken])
	}
	eventually(t, patience, "every end can be followed", func(context.Context) (bool, error) {
		return len(ended(url.Values{"follow": {"true"}, "since": {"-PT1H"}})) == 4, nil
	})
	if got := fmt.Sprint(sys.problem(t, http.MethodGet, "/executions", url.Values{"status": {"DONE"}}, "", http.StatusBadRequest)); !strings.Contains(got, "status") {
		t.Errorf("got %s", got)
	}
}
