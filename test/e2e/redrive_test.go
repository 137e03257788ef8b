package e2e

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// All automatic replays have failed in the state that calls the geocoder. The last one is redriven: it goes on from that
// state, what ran before it is not repeated, and the event is published once.
func TestRedriveGoesOnFromTheFailedState(t *testing.T) {
	id := fresh("redriven")
	sys.outage(t, geocoderUnavailable)
	live := sys.ingest(t, listing{id: id, owner: fresh("agency")}.json())
	sys.failed(t, live, unavailable)
	sys.decided(t, live, domain.FailedAgain)
	sys.decided(t, domain.AutoName(live, 1), domain.FailedAgain)
	last := domain.AutoName(live, maxAttempts)
	f := sys.decided(t, last, domain.Quarantined)
	before := sys.entries(t, last)
	if f.State == "" || before[f.State] == 0 || before["Record"] != 1 {
		t.Fatalf("failed in state %q, of %v", f.State, before)
	}

	dry, err := sys.API.Replays.Wait(t.Context(), sys.accept(t, request{
		Action: replay.Redrive, Select: selection{ResourceIDs: []string{id}}, DryRun: true,
	}).ReplayID)
	if err != nil {
		t.Fatal(err)
	}
	if it := sys.items(t, dry.ReplayID, nil).Items; len(it) != 1 || it[0].Reason != "goes on with execution "+last+` from state "`+f.State+`"` {
		t.Errorf("got the plan %+v, want it to name %s", it, f.State)
	}

	sys.geocoder(t, geocoderOK)
	r := sys.replay(t, request{Action: replay.Redrive, Select: selection{ResourceIDs: []string{id}}})
	if want := (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); r.Counts != want {
		t.Fatalf("got counts %+v, want %+v: %+v", r.Counts, want, sys.items(t, r.ReplayID, nil).Items)
	}
	out := sys.succeeded(t, last)
	if aws.ToInt32(out.RedriveCount) != 1 {
		t.Errorf("redriven %d times, want once", aws.ToInt32(out.RedriveCount))
	}
	for state, n := range sys.entries(t, last) {
		want := max(before[state], 1)
		if state == f.State {
			want++
		}
		if n != want {
			t.Errorf("state %s was entered %d times, want %d", state, n, want)
		}
	}
	sys.downstream.one(t, last)
	eventually(t, patience, "the failure is closed", func(context.Context) (bool, error) {
		f = sys.failure(t, last)
		return f.Status == domain.Closed && f.HealedBy == last, nil
	})
	if sys.describe(t, domain.APIName(r.ReplayID, id, 0)) != nil {
		t.Error("a redrive started an execution")
	}
}

// entries counts how often an execution entered each state.
func (y *system) entries(t *testing.T, execution string) map[string]int {
	t.Helper()
	entered := map[string]int{}
	pages := sfn.NewGetExecutionHistoryPaginator(y.Machine, &sfn.GetExecutionHistoryInput{ExecutionArn: aws.String(y.ExecutionARN(execution))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.StateEnteredEventDetails != nil {
				entered[aws.ToString(e.StateEnteredEventDetails.Name)]++
			}
		}
	}
	return entered
}
