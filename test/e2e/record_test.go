package e2e

import (
	"bytes"
	"context"
	"maps"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestALiveEventIsRecordedEnrichedAndPublished(t *testing.T) {
	t.Parallel()
	id, owner := fresh("whole"), fresh("agency")
	event := listing{id: id, owner: owner, price: costly}.json()
	name := sys.ingest(t, event)
	output := aws.ToString(sys.succeeded(t, name).Output)

	// The execution's output is the user's: the event with its enrichment, and nothing of the ingestion.
	want := decoded(t, event)
	got := decoded(t, output)
	enrichment, ok := got["enrichment"].(map[string]any)
	if !ok || enrichment["premium"] != true || enrichment["marketBand"] != "premium" {
		t.Errorf("not enriched: %s", output)
	}
	delete(got, "enrichment")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got output %v, want %v", got, want)
	}

	row := sys.row(t, name)
	if row.Mode != domain.Live || row.Status != domain.Succeeded || row.PublishedAt.IsZero() || row.ResourceID != id ||
		row.OwnerID != owner || row.OutputKey != "outputs/"+name || row.Error != "" || row.StoppedAt.IsZero() {
		t.Errorf("got row %+v", row)
	}
	body, metadata := sys.object(t, eventKey(t, id))
	if body != event {
		t.Errorf("the log has %s, want %s", body, event)
	}
	if metadata["execution"] != name || metadata["owner"] != owner ||
		metadata["recorded-at"] != row.RecordedAt.Format(time.RFC3339Nano) || metadata["started-at"] == "" {
		t.Errorf("got metadata %v", metadata)
	}
	v := sys.versions(t, id)
	if len(v.Versions) != 1 || v.Versions[0].VersionID != row.VersionID || v.Versions[0].Size != int64(len(event)) ||
		v.Versions[0].OwnerID != owner || !v.Versions[0].RecordedAt.Equal(row.RecordedAt.Time) {
		t.Errorf("got %+v", v.Versions)
	}

	message := sys.downstream.one(t, name)
	if !reflect.DeepEqual(decoded(t, message.body), decoded(t, output)) {
		t.Errorf("published %s, want %s", message.body, output)
	}
	attributes := map[string]string{
		"resourceId": id, "ownerId": owner, "versionId": row.VersionID, "recordedAt": row.RecordedAt.String(),
		"execution": name, "isReplay": "false",
	}
	if !maps.Equal(message.attributes, attributes) {
		t.Errorf("got attributes %v, want %v", message.attributes, attributes)
	}
	sys.live.one(t, name)
	sys.premium.one(t, id)
	if stored, _ := sys.object(t, "outputs/"+name); !reflect.DeepEqual(decoded(t, stored), decoded(t, output)) {
		t.Errorf("stored output %s, want %s", stored, output)
	}
}

func TestAnEventWithoutOwnerIsFine(t *testing.T) {
	t.Parallel()
	id := fresh("orphan")
	event := `{"listing":{"id":"` + id + `","priceUsd":100000,"livingAreaSqft":900,"address":{"zipcode":"98144"}}}`
	name := sys.ingest(t, event)
	sys.succeeded(t, name)
	if got, found := sys.downstream.one(t, name).attributes["ownerId"]; found {
		t.Errorf("got owner %q, want none", got)
	}
}

// MiniStack gives every attempt of a state the retry count 0. So the second attempts here do not know that they are
// second ones, and Record writes a second version: the harder case.
func TestARetriedRecordOrPublishCountsOnce(t *testing.T) {
	id := fresh("twice")
	name := fresh("live")
	repeated := map[string]*atomic.Int32{"Record": {}, "Publish": {}}
	for function, count := range repeated {
		sys.hook(t, function, func(_ context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
			if bytes.Contains(payload, []byte(name)) {
				count.Add(1)
				if _, err := invoke(payload); err != nil { // its answer never arrives
					return lambdahost.Answer{}, err
				}
			}
			return invoke(payload)
		})
	}
	sys.start(t, name, listing{id: id, owner: fresh("agency")}.json())
	sys.succeeded(t, name)
	for function, count := range repeated {
		if n := count.Load(); n != 1 {
			t.Errorf("%s was repeated %d times, want once", function, n)
		}
	}

	raw, err := sys.Bucket.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{
		Bucket: &sys.EventLogBucket, Prefix: aws.String(eventKey(t, id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(raw.Versions) != 2 {
		t.Errorf("got %d versions in the bucket, want 2: the test proves nothing", len(raw.Versions))
	}
	v := sys.versions(t, id)
	oldest := aws.ToString(raw.Versions[len(raw.Versions)-1].VersionId)
	if len(v.Versions) != 1 || v.Versions[0].VersionID != oldest {
		t.Fatalf("got %+v, want version %s once", v.Versions, oldest)
	}
	if got := sys.downstream.one(t, name).attributes["versionId"]; got != oldest {
		t.Errorf("published version %s, want %s", got, oldest)
	}
	r := sys.replay(t, request{Select: selection{ResourceIDs: []string{id}}})
	if got := sys.items(t, r.ReplayID, nil).Items[0].VersionID; got != oldest {
		t.Errorf("replayed version %s, want %s", got, oldest)
	}
}

func eventKey(t *testing.T, id string) string {
	t.Helper()
	key, err := replay.EventKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
