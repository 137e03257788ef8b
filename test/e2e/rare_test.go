package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/dev/lambdahost"
	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// What happens here is rare, and some calls to AWS are made for it only: without these tests, nothing would show that
// the roles of the functions allow them.

// TestARetryThatKnowsThatItIsOne: Record finds the version that its first attempt wrote before it died, and writes no
// second one.
func TestARetryThatKnowsThatItIsOne(t *testing.T) {
	id, name := fresh("again"), fresh("live")
	sys.hook(t, "Record", func(ctx context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		if !bytes.Contains(payload, []byte(name)) {
			return invoke(payload)
		}
		if _, err := invoke(payload); err != nil { // its answer never arrives
			return lambdahost.Answer{}, err
		}
		if err := sys.forget(ctx, name); err != nil {
			return lambdahost.Answer{}, err
		}
		var in map[string]any
		if err := json.Unmarshal(payload, &in); err != nil {
			return lambdahost.Answer{}, err
		}
		in["retryCount"] = 1
		again, err := json.Marshal(in)
		if err != nil {
			return lambdahost.Answer{}, err
		}
		return invoke(again)
	})
	sys.start(t, name, listing{id: id, owner: fresh("agency")}.json())
	sys.succeeded(t, name)
	raw, err := sys.Bucket.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{
		Bucket: &sys.EventLogBucket, Prefix: aws.String(eventKey(t, id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(raw.Versions) != 1 {
		t.Errorf("got %d versions in the bucket, want 1", len(raw.Versions))
	}
}

// forget deletes the row of an execution.
func (y *system) forget(ctx context.Context, name string) error {
	_, err := y.Table.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &y.LedgerTable, Key: map[string]dynamotypes.AttributeValue{
		"pk": &dynamotypes.AttributeValueMemberS{Value: "X#" + name}, "sk": &dynamotypes.AttributeValueMemberS{Value: "X"},
	}})
	return err
}

// deletes deletes the object of a resource before a function works on a payload that has a text, once.
func (y *system) deletes(t *testing.T, function, text, id string) {
	t.Helper()
	var once sync.Once
	y.hook(t, function, func(ctx context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		var err error
		if bytes.Contains(payload, []byte(text)) {
			once.Do(func() {
				_, err = y.Bucket.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &y.EventLogBucket, Key: aws.String(eventKey(t, id))})
			})
		}
		if err != nil {
			return lambdahost.Answer{}, err
		}
		return invoke(payload)
	})
}

func TestWhatIsDeletedWhileItRunsIsNotPublished(t *testing.T) {
	id := fresh("deleted")
	sys.succeeded(t, sys.ingest(t, listing{id: id, owner: fresh("agency")}.json()))
	sys.deletes(t, "Publish", `"rp-`, id)
	r := sys.replay(t, request{Select: selection{ResourceIDs: []string{id}}})
	name := domain.APIName(r.ReplayID, id, 0)
	if row := sys.row(t, name); row.Withheld == "" || !row.PublishedAt.IsZero() {
		t.Errorf("got row %+v, want its output withheld", row)
	}
	sys.downstream.none(t, name)
}

func TestWhatIsDeletedBeforeItIsRepublishedIsNotSent(t *testing.T) {
	id, owner := fresh("deleted"), fresh("agency")
	sys.sold(t, id, owner, 2)
	accepted := sys.asked(t, `"action":"republish","select":{"resourceIds":[%q]},"versions":{"series":"all"},"maxPerSecond":50`, id)
	sys.deletes(t, "Series", accepted.ReplayID, id)
	r := sys.completed(t, accepted.ReplayID)
	if r.Counts.Succeeded != 0 || r.Counts.Matched != 2 {
		t.Errorf("got %+v, want none of 2 sent", r.Counts)
	}
}

// TestASeriesIsPaced also hands its end to auto-replay in a form that nobody sends: the executions that a dead letter
// names are looked up.
func TestASeriesIsPaced(t *testing.T) {
	const perSecond = 1
	id, owner := fresh("paced"), fresh("agency")
	sys.sold(t, id, owner, 2)
	var once sync.Once
	sys.hook(t, "Series", func(ctx context.Context, payload []byte, invoke func([]byte) (lambdahost.Answer, error)) (lambdahost.Answer, error) {
		var in struct{ ReplayID string }
		err := json.Unmarshal(payload, &in)
		once.Do(func() { // others take all starts of this window
			now := time.Now()
			claimant := ledger.Claimant{Name: in.ReplayID, MaxPerSecond: perSecond}
			for got := (ledger.Reserved{At: now, N: 1}); err == nil && got.N > 0 && !got.At.After(now); {
				got, err = sys.Book.Pace.Reserve(ctx, ledger.Starts(30), claimant, 1, now)
			}
		})
		if err != nil {
			return lambdahost.Answer{}, err
		}
		return invoke(payload)
	})
	accepted := sys.asked(t, `"select":{"resourceIds":[%q]},"versions":{"series":"all"},"maxPerSecond":%d`, id, perSecond)
	sys.done(t, accepted.ReplayID, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	sys.send(t, sys.DeadLetterQueueURL, fmt.Sprintf(`{"form":"unknown","about":%q}`, sys.series(accepted.ReplayID)))
	eventually(t, patience, "the dead letter is understood", func(context.Context) (bool, error) {
		sys.autoReplay(t)
		return sys.waiting(t, sys.DeadLetterQueueURL) == 0, nil
	})
}

// series is the ARN of the execution that runs the only series of a replay.
func (y *system) series(replayID string) string {
	machine := strings.Replace(y.Ingestions[0].SeriesMachineARN, ":stateMachine:", ":execution:", 1)
	return machine + ":" + domain.SeriesName(replayID, 0, 0)
}

func TestASeriesIsHaltedByWhatCannotBePatched(t *testing.T) {
	t.Parallel()
	id, owner := fresh("unpatched"), fresh("agency")
	sys.sold(t, id, owner, 3)
	accepted := sys.asked(t, `"select":{"resourceIds":[%q]},"versions":{"series":"all","onFailure":"continue"},"maxFailures":0,`+
		`"transform":{"jsonPatch":[{"op":"remove","path":"/listing/nothing"}]}`, id)
	sys.done(t, accepted.ReplayID, replay.Halted, replay.Counts{Matched: 3, Failed: 1, Skipped: 2})
}

// TestTheEndOfASeriesIsHeardEarly: what became of the version that runs, Step Functions is asked. It is left to its
// end, and the others are skipped.
func TestTheEndOfASeriesIsHeardEarly(t *testing.T) {
	id, owner := fresh("early"), fresh("agency")
	sys.sold(t, id, owner, 2)
	sys.outage(t, observe.GeocoderHang)
	accepted := sys.asked(t, `"select":{"resourceIds":[%q]},"versions":{"series":"all"}`, id)
	eventually(t, patience, "the first version runs", func(context.Context) (bool, error) {
		items := sys.items(t, accepted.ReplayID, nil).Items
		return len(items) > 0 && items[0].Outcome == replay.Started, nil
	})
	sys.send(t, sys.ReplayQueueURL, outcome.Close(domain.Ended{
		Name: domain.SeriesName(accepted.ReplayID, 0, 0), Status: domain.Failed, Error: "SeriesStopped",
	}))
	eventually(t, patience, "the second version is skipped", func(context.Context) (bool, error) {
		items := sys.items(t, accepted.ReplayID, nil).Items
		return len(items) == 2 && items[1].Outcome == replay.Skipped, nil
	})
	sys.geocoder(t, observe.GeocoderOK)
	r := sys.completed(t, accepted.ReplayID)
	if c := r.Counts; c.Matched != 2 || c.Skipped != 1 || c.Succeeded+c.Failed != 1 {
		t.Errorf("got %+v, want one that ran and one that was skipped", c)
	}
}

func TestARowThatIsLostIsMadeAgain(t *testing.T) {
	id := fresh("lost")
	name := sys.ingest(t, listing{id: id, owner: fresh("agency")}.json())
	sys.succeeded(t, name)
	eventually(t, patience, "the execution is settled", func(context.Context) (bool, error) {
		return sys.row(t, name).Status == domain.Succeeded, nil
	})
	before := sys.row(t, name)
	if err := sys.forget(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	answer, err := sys.Host.Invoke(t.Context(), "AutoReplay", []byte(`{"rebuild":true}`))
	if err != nil || answer.Failed {
		t.Fatalf("rebuild: %v, %s", err, answer.Payload)
	}
	var got domain.Execution
	eventually(t, patience, "the row is there again", func(ctx context.Context) (bool, error) {
		var err error
		if got, err = sys.Book.Executions.Get(ctx, name); err == nil {
			return true, nil
		}
		sys.autoReplay(t)
		return false, nil
	})
	if got.OutputKey != before.OutputKey || got.VersionID != before.VersionID || got.Status != before.Status {
		t.Errorf("got row %+v, want %+v", got, before)
	}
}
