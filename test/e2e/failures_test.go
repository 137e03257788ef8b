package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

const unavailable = "GeocoderServiceUnavailable"

func TestAFailureLeavesAPointerAndHealsByAutoReplay(t *testing.T) {
	id, owner := fresh("heals"), fresh("agency")
	const secret = "nobody who reads a queue may see this"
	resume := sys.pause(t, "AutoReplay")
	sys.outage(t, observe.GeocoderUnavailable)
	live := sys.ingest(t, listing{id: id, owner: owner, extra: map[string]any{"note": secret}}.json())
	sys.failed(t, live, unavailable)

	checkPointer(t, sys.deadLetter(t, live), live, secret)
	if got := sys.failure(t, live); got.Status != "" {
		t.Fatalf("the dead letter is gone: %+v", got)
	}
	sys.geocoder(t, observe.GeocoderOK)
	resume()

	f := sys.decided(t, live, domain.Healed)
	replayed := domain.AutoName(live, 1)
	if f.HealedBy != replayed || f.Error != unavailable || f.ResourceID != id || f.OwnerID != owner {
		t.Errorf("got %+v, want it healed by %s", f, replayed)
	}
	sys.succeeded(t, replayed)
	row := sys.row(t, replayed)
	if row.Mode != domain.Auto || row.Attempt != 1 || row.Root != live || row.VersionID != f.VersionID {
		t.Errorf("got row %+v", row)
	}
	v := sys.versions(t, id)
	if len(v.Versions) != 1 || !slices.Equal(statuses(v.Versions[0]), []string{"live FAILED", "auto SUCCEEDED"}) {
		t.Errorf("the replay wrote a version, or its outcome is not shown: %+v", v.Versions)
	}
	sys.downstream.none(t, live)
	got := sys.downstream.one(t, replayed).attributes
	want := map[string]string{
		"resourceId": id, "ownerId": owner, "versionId": row.VersionID, "recordedAt": row.RecordedAt.String(),
		"execution": replayed, "isReplay": "true", "attempt": "1", "reason": "failed with " + unavailable,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got attributes %v, want %v", got, want)
	}
	sys.live.none(t, replayed)
}

// checkPointer looks at what the rule made of a status event.
func checkPointer(t *testing.T, body, execution, secret string) {
	t.Helper()
	var pointer map[string]any
	if err := json.Unmarshal([]byte(body), &pointer); err != nil {
		t.Fatalf("the dead letter is not JSON: %v: %s", err, body)
	}
	fields := slices.Sorted(maps.Keys(pointer))
	want := []string{"error", "executionArn", "kind", "name", "redriveCount", "startDate", "stateMachineArn", "status", "stopDate", "v"}
	if !slices.Equal(fields, want) {
		t.Errorf("got fields %v, want %v", fields, want)
	}
	if pointer["name"] != execution || pointer["status"] != "FAILED" || pointer["error"] != unavailable ||
		pointer["executionArn"] != sys.ExecutionARN(execution) || pointer["stateMachineArn"] != sys.StateMachineARN {
		t.Errorf("got %s", body)
	}
	if strings.Contains(body, secret) {
		t.Errorf("the pointer carries the execution's data: %s", body)
	}
}

// The schedule is deployed at the rate of the dev stage. It runs faster here, because only the waiting would differ.
func TestTheScheduleHealsAFailure(t *testing.T) {
	id := fresh("scheduled")
	if deployed := sys.hurry(t); deployed != "rate(1 minute)" {
		t.Errorf("auto-replay is scheduled with %s, want the stage's rate(1 minute)", deployed)
	}
	sys.outage(t, observe.GeocoderUnavailable)
	live := sys.ingest(t, listing{id: id, owner: fresh("agency")}.json())
	sys.failed(t, live, unavailable)
	sys.geocoder(t, observe.GeocoderOK)
	eventually(t, 2*patience, "the schedule heals "+live, func(context.Context) (bool, error) {
		return sys.failure(t, live).Status == domain.Healed, nil
	})
	sys.downstream.one(t, domain.AutoName(live, 1))
}

func TestAFailureThatNoReplayCanHealIsQuarantined(t *testing.T) {
	t.Parallel()
	id := fresh("bad")
	live := sys.ingest(t, listing{id: id, owner: fresh("agency"), price: bad}.json())
	sys.failed(t, live, "InvalidListing")
	sys.decided(t, live, domain.Quarantined)

	f := sys.quarantined(t, live)
	if f.Error != "InvalidListing" || !strings.Contains(f.Cause, "listing.priceUsd must be a number from 0 up, got -1") {
		t.Errorf("got error %s with cause %q", f.Error, f.Cause)
	}
	if f.ResourceID != id || f.VersionID == "" || f.InputKey != "" || f.Attempt != 0 || f.FailedAt.IsZero() ||
		!strings.Contains(f.Decision, "not retriable") {
		t.Errorf("got %+v", f)
	}
	if sys.describe(t, domain.AutoName(live, 1)) != nil {
		t.Error("it was replayed all the same")
	}
	if got := ways(sys.history(t, id)); !slices.Equal(got, []string{"live FAILED"}) {
		t.Errorf("got executions %v", got)
	}
}

func TestAttemptsAreCappedAndAReplayByAPIHealsWhatIsLeft(t *testing.T) {
	id := fresh("capped")
	sys.outage(t, observe.GeocoderUnavailable)
	live := sys.ingest(t, listing{id: id, owner: fresh("agency")}.json())
	sys.failed(t, live, unavailable)
	sys.decided(t, live, domain.FailedAgain)
	first, second := domain.AutoName(live, 1), domain.AutoName(live, 2)
	sys.decided(t, first, domain.FailedAgain)
	f := sys.decided(t, second, domain.Quarantined)
	if f.Attempt != maxAttempts || f.Root != live || f.Decision != "2 of 2 automatic replays failed" {
		t.Errorf("got %+v", f)
	}
	if sys.describe(t, domain.AutoName(live, 3)) != nil {
		t.Error("a third replay was started")
	}
	if got := sys.quarantined(t, second); got.Attempt != maxAttempts || got.Error != unavailable {
		t.Errorf("got %+v", got)
	}

	sys.geocoder(t, observe.GeocoderOK)
	r := sys.replay(t, request{Select: selection{ResourceIDs: []string{id}}})
	if want := (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); r.Counts != want {
		t.Errorf("got counts %+v, want %+v", r.Counts, want)
	}
	byAPI := domain.APIName(r.ReplayID, id, 0)
	eventually(t, patience, "the quarantined failure is healed", func(context.Context) (bool, error) {
		f = sys.failure(t, second)
		return f.Status == domain.Healed && f.HealedBy == byAPI, nil
	})
	want := []string{"live FAILED", "auto FAILED", "auto FAILED", "api SUCCEEDED"}
	if got := ways(sys.history(t, id)); !slices.Equal(got, want) {
		t.Errorf("got executions %v, want %v", got, want)
	}
	if got := len(sys.versions(t, id).Versions); got != 1 {
		t.Errorf("got %d versions, want 1", got)
	}
}

func TestAFailureThatANewerEventSupersededIsClosed(t *testing.T) {
	id, owner := fresh("superseded"), fresh("agency")
	sys.outage(t, observe.GeocoderUnavailable)
	older := sys.ingest(t, listing{id: id, owner: owner, price: 300_000}.json())
	sys.failed(t, older, unavailable)
	sys.geocoder(t, observe.GeocoderOK)
	newer := sys.ingest(t, listing{id: id, owner: owner, price: 320_000}.json())
	sys.succeeded(t, newer)

	f := sys.decided(t, older, domain.Superseded)
	if !strings.Contains(f.Decision, newer) {
		t.Errorf("the decision %q does not name %s", f.Decision, newer)
	}
	if sys.describe(t, domain.AutoName(older, 1)) != nil {
		t.Error("the older event was replayed over the newer one")
	}
	sys.downstream.one(t, newer)
	if v := sys.versions(t, id); len(v.Versions) != 2 {
		t.Errorf("got %d versions, want 2", len(v.Versions))
	}
}

func TestAFunctionThatRunsIntoItsTimeoutIsReplayed(t *testing.T) {
	id := fresh("hangs")
	sys.outage(t, observe.GeocoderHang)
	live := sys.ingest(t, listing{id: id, owner: fresh("agency")}.json())
	out := sys.failed(t, live, "Sandbox.Timedout")
	if !strings.Contains(aws.ToString(out.Cause), "timed out after 3") {
		t.Errorf("got cause %s", aws.ToString(out.Cause))
	}
	sys.geocoder(t, observe.GeocoderOK)
	f := sys.decided(t, live, domain.Healed)
	if f.Error != "Sandbox.Timedout" {
		t.Errorf("got error %s", f.Error)
	}
	sys.downstream.one(t, domain.AutoName(live, 1))
}

func TestAnExecutionThatAnOperatorAbortedIsNotReplayed(t *testing.T) {
	id := fresh("aborted")
	sys.outage(t, observe.GeocoderHang)
	live := sys.ingest(t, listing{id: id, owner: fresh("agency")}.json())
	eventually(t, patience, live+" is recorded", func(ctx context.Context) (bool, error) {
		_, err := sys.Book.Executions.Get(ctx, live)
		if errors.Is(err, ledger.ErrNotFound) {
			return false, nil
		}
		return true, err
	})
	if _, err := sys.Machine.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: aws.String(sys.ExecutionARN(live))}); err != nil {
		t.Fatal(err)
	}
	sys.ended(t, live, sfntypes.ExecutionStatusAborted)
	sys.geocoder(t, observe.GeocoderOK)
	sys.autoReplay(t)
	if f := sys.failure(t, live); f.Status != "" {
		t.Errorf("got failure %+v, want none", f)
	}
	if got := ways(sys.history(t, id)); !slices.Equal(got, []string{"live ABORTED"}) {
		t.Errorf("got executions %v", got)
	}
	sys.downstream.none(t, live)
}
