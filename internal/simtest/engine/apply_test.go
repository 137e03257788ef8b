package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// planned makes a plan and returns it with its hash.
func planned(t *testing.T, e *Engine, fields string) replay.Replay {
	t.Helper()
	id := ask(t, e, `{`+fields+`,"dryRun":true,"reason":"a test"}`)
	e.Pump()
	if r := get(t, e, id); r.Status != replay.Planned || r.Plan == nil || r.Plan.PlanHash != "" {
		t.Fatalf("got %+v, want a plan whose hash is not asked for yet", r)
	}
	e.Pump()
	r := get(t, e, id)
	if len(r.Plan.PlanHash) != 64 || r.Plan.ExpiresAt.Sub(*r.CompletedAt) != replay.PlanLife {
		t.Fatalf("got plan %+v, want its hash and when it expires", r.Plan)
	}
	return r
}

func applying(r replay.Replay) string {
	return fmt.Sprintf(`{"apply":{"planId":%q,"planHash":%q}}`, r.ReplayID, r.Plan.PlanHash)
}

func TestAPlanRunsExactlyWhatItPlanned(t *testing.T) {
	e := inMemory(t)
	for i := range 250 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprintf("r%03d", i), "o1", i))
	}
	e.Report()
	plan := planned(t, e, `"select":{"ownerId":"o1","where":"@.n != 7"},"transform":{"mergePatch":{"n":-1}},"maxPerSecond":1000`)
	if plan.Plan.Items != 249 || plan.Plan.Estimate.Seconds != 2 || plan.Plan.Estimate.USD != 0.02 {
		t.Errorf("got %+v, want 249 items in 2 seconds for 2 cents", plan.Plan)
	}
	e.Ingest("new", event("new", "o1", 1)) // it was not planned
	e.Report()
	id := ask(t, e, applying(plan))
	e.Pump()
	r := finished(t, e, id, replay.Completed, replay.Counts{Matched: 249, Started: 249, Succeeded: 249})
	if r.Request.Apply == nil || r.Request.Apply.PlanID != plan.ReplayID || r.DryRun || r.Reason != "a test" || r.Request.Select.OwnerID != "o1" {
		t.Errorf("got %+v, want the request of the plan, and that it is applied", r.Request)
	}
	for i, it := range list(t, e, id, "") {
		if want := list(t, e, plan.ReplayID, "")[i]; it.VersionID != want.VersionID || it.ResourceID != want.ResourceID {
			t.Fatalf("item %d is %+v, want %+v", i, it, want)
		}
	}
	if p, r := get(t, e, plan.ReplayID), get(t, e, id); p.AppliedBy != id || r.PlanID != plan.ReplayID || r.AppliedBy+p.PlanID != "" {
		t.Errorf("the plan was applied by %q, and the replay applies %q, want each other", p.AppliedBy, r.PlanID)
	}
}

// A caller can recompute a hash from the API and the bucket, except for the digests of patched events.
func TestTheHashOfAPlanIsOverItsRequestAndItsVersions(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 3)
	history(t, e, "r2", 1)
	plan := planned(t, e, `"select":{"resourceIds":["r1","gone","r2"]},"versions":{"series":{"last":2}}`)
	request, err := e.Log.Object(t.Context(), eventlog.RequestKey(plan.ReplayID))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%s\n", request)
	for _, it := range list(t, e, plan.ReplayID, "") {
		if it.Outcome == replay.WouldRun {
			_, _ = fmt.Fprintf(sum, "[%q,%q,\"\"]\n", it.ResourceID, it.VersionID)
		}
	}
	if want := hex.EncodeToString(sum.Sum(nil)); plan.Plan.PlanHash != want {
		t.Errorf("got hash %s, want %s", plan.Plan.PlanHash, want)
	}
	other := planned(t, e, `"select":{"resourceIds":["r1","r2"]},"versions":{"series":{"last":2}}`)
	patched := planned(t, e, `"select":{"resourceIds":["r1","r2"]},"versions":{"series":{"last":2}},"transform":{"mergePatch":{"n":1}}`)
	if h := []string{plan.Plan.PlanHash, other.Plan.PlanHash, patched.Plan.PlanHash}; len(slices.Compact(h)) != 3 {
		t.Errorf("got %v, want three hashes", h)
	}
}

func TestAPlanOfSeriesRunsItsVersions(t *testing.T) {
	e := inMemory(t)
	ids := history(t, e, "r1", 5)
	history(t, e, "r2", 1)
	plan := planned(t, e, `"select":{"ownerId":"o1"},"versions":{"series":{"last":3}},"transform":{"mergePatch":{"m":1}}`)
	before := len(order(t, e))
	id := ask(t, e, applying(plan))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 4, Started: 4, Succeeded: 4})
	ran := slices.DeleteFunc(order(t, e)[before:], func(v string) bool { return !slices.Contains(ids, v) })
	if !slices.Equal(ran, ids[2:]) {
		t.Errorf("ran %v, want %v", ran, ids[2:])
	}
}

// The data of a plan changes in every way before it is applied. Each change is reported as drift, and the rest runs.
func TestWhatHasChangedSinceAPlanIsDrift(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = failing("InvalidListing", func(execution string) bool { return !strings.Contains(execution, "bad") })
	for _, id := range []string{"same", "newer", "running", "expired", "moved", "deleted"} {
		e.Ingest("live-"+id, event(id, "o1", 1))
	}
	e.Ingest("live-bad", event("healed", "o1", 1))
	e.Ingest("live-bad-2", event("failed", "o1", 1))
	e.Report()
	e.Schedule()
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	plan := planned(t, e, `"select":{"ownerId":"o1"},"allowStale":true`)
	failures := planned(t, e, `"select":{"failures":{}}`)
	if plan.Plan.Items != 8 || failures.Plan.Items != 2 {
		t.Fatalf("got %+v and %+v, want all eight and both failures", plan.Plan, failures.Plan)
	}

	time.Sleep(2 * time.Millisecond) // events are ordered by when they started, in milliseconds
	e.Ingest("live-newer-2", event("newer", "o1", 2))
	e.Ingest("live-moved-2", event("moved", "o2", 2))
	e.Report()
	expire(t, e, "expired", "live-expired")
	e.Bucket.Delete("events/deleted")
	heal := ask(t, e, `{"select":{"resourceIds":["healed"]},"reason":"a test"}`)
	e.Pump()
	finished(t, e, heal, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})

	id := ask(t, e, applying(plan))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 8, Started: 4, Succeeded: 4, Skipped: 4})
	all := items(t, e, id)
	for resource, why := range map[string]string{
		"newer": " is newer than the planned one", "moved": `its latest event belongs to owner "o2"`,
		"expired": "the event log has no version", "deleted": "its object was deleted from the event log",
	} {
		if it := all[resource]; it.Outcome != replay.Skipped || !strings.HasPrefix(it.Reason, "drift: ") || !strings.Contains(it.Reason, why) {
			t.Errorf("%s: got %s, %q, want it skipped as drift: %s", resource, it.Outcome, it.Reason, why)
		}
	}
	again := ask(t, e, applying(failures))
	e.Pump()
	finished(t, e, again, replay.Completed, replay.Counts{Matched: 2, Skipped: 2}) // the replay above healed the other
	for _, it := range list(t, e, again, "") {
		if !strings.HasPrefix(it.Reason, "drift: the failure of execution live-bad") || !strings.HasSuffix(it.Reason, "is healed by now") {
			t.Errorf("got %+v, want it skipped since it has healed", it)
		}
	}
}

// expire removes the version that an execution recorded, as the lifecycle does with noncurrent versions, and records
// another one that the plan does not know.
func expire(t *testing.T, e *Engine, resource, execution string) {
	t.Helper()
	v, err := e.Log.Latest(t.Context(), resource)
	if err != nil || v.Execution != execution {
		t.Fatalf("got %+v, %v", v, err)
	}
	e.Ingest(execution+"-2", event(resource, "o1", 2))
	e.Report()
	e.Bucket.Expire("events/"+resource, v.ID)
}

func TestAnEventThatIsPatchedOtherwiseThanPlannedIsDrift(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	history(t, e, "r2", 1)
	plan := planned(t, e, `"select":{"ownerId":"o1"},"transform":{"mergePatch":{"n":9}}`)
	// This is as if the plan came from another release, whose transform had another result.
	first := list(t, e, plan.ReplayID, "")[0]
	change(t, e, "P#"+plan.ReplayID+"#0", "I#0000", "digest", strings.Repeat("0", 64))
	id := ask(t, e, applying(plan))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 1, Succeeded: 1, Skipped: 1})
	if it := items(t, e, id)[first.ResourceID]; !strings.HasPrefix(it.Reason, "drift: the transform makes another event") {
		t.Errorf("got %+v, want drift", it)
	}
}

// change sets an attribute of a row.
func change(t *testing.T, e *Engine, pk, sk, attribute, value string) {
	t.Helper()
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	if _, err := e.Table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String(awstest.TableName), Key: map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)},
		UpdateExpression: aws.String("SET #a = :v"), ExpressionAttributeNames: map[string]string{"#a": attribute},
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": text(value)},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAPlanOfWhatNeverReachedTheLog(t *testing.T) {
	e := inMemory(t)
	lostEvent(t, e, ev("r1", 1))
	plan := planned(t, e, `"select":{"failures":{}},"transform":{"mergePatch":{"n":9}}`)
	id := ask(t, e, applying(plan))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
}

func TestAPlanThatCannotBeApplied(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	refused := func(body string, status int, want string) {
		t.Helper()
		answer := e.Call("POST", "/replays", body, nil, nil)
		if answer.StatusCode != status || !strings.Contains(answer.Body, want) {
			t.Errorf("%s: got %d %s, want %d with %q", body, answer.StatusCode, answer.Body, status, want)
		}
	}
	plan := planned(t, e, `"select":{"ownerId":"o1"}`)
	hash := plan.Plan.PlanHash
	refused(strings.Replace(applying(plan), hash, strings.Repeat("0", 64), 1), 409, "has another planHash, "+hash)
	refused(strings.Replace(applying(plan), plan.ReplayID, "01ARZ3NDEKTSV4RRFFQ69G5FAV", 1), 400, "is not the replay id of a dry run")
	no := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	refused(strings.Replace(applying(plan), plan.ReplayID, no, 1), 400, "is not the replay id of a dry run")
	e.Pump()
	open := ask(t, e, `{"select":{"ownerId":"o1"},"dryRun":true,"reason":"a test"}`)
	refused(strings.Replace(applying(plan), plan.ReplayID, open, 1), 409, "is PENDING: a dry run is applied when it is PLANNED")
	e.Pump()
	refused(strings.Replace(applying(plan), plan.ReplayID, open, 1), 409, "is being computed")
	none := planned(t, e, `"select":{"ownerId":"nobody"}`)
	refused(applying(none), 409, "has nothing to run")

	change(t, e, "P#"+plan.ReplayID, "P", "completedAt", domain.At(time.Now().Add(-replay.PlanLife)).String())
	refused(applying(plan), 409, "has expired at ")
	again := planned(t, e, `"select":{"ownerId":"o1"}`)
	id := ask(t, e, applying(again))
	refused(applying(again), 409, "was applied by replay "+id)
}

// The same call may be sent again. It is one replay, even if the plan has expired since.
func TestAPlanIsAppliedOnceUnderOneKey(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	plan := planned(t, e, `"select":{"ownerId":"o1"}`)
	var ids []string
	for range 3 {
		answer := e.CallWith("POST", "/replays", applying(plan), nil, nil, map[string]string{"Idempotency-Key": "ticket"})
		var accepted replay.Accepted
		if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil || answer.StatusCode != 202 || accepted.Request.Select.OwnerID != "o1" {
			t.Fatalf("got %d %s, want 202 with the request of the plan", answer.StatusCode, answer.Body)
		}
		ids = append(ids, accepted.ReplayID)
		if len(ids) == 2 {
			e.Pump()
		}
		change(t, e, "P#"+plan.ReplayID, "P", "completedAt", domain.At(time.Now().Add(-replay.PlanLife)).String())
	}
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("got replays %v, want one", ids)
	}
}
