package engine

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// apart returns a time that is certainly between two events.
func apart() time.Time {
	time.Sleep(5 * time.Millisecond)
	at := time.Now().UTC()
	time.Sleep(5 * time.Millisecond)
	return at
}

// matchedSince is the number of resources of the owner with an event since a time.
func matchedSince(t *testing.T, e *Engine, since time.Time) int {
	t.Helper()
	id := ask(t, e, fmt.Sprintf(`{"select":{"ownerId":"o1","recorded":{"from":%q}},"reason":"a test","dryRun":true}`,
		since.Format(time.RFC3339Nano)))
	e.Pump()
	return get(t, e, id).Counts.Matched
}

// Record died after it wrote an event to S3, and a newer event arrived. Then auto-replay, a redrive or a rebuild
// records the older one. An owner's replay of events recorded since then still matches the resource.
func TestAnOwnersResourceIsNotSeenEarlierAgain(t *testing.T) {
	for name, again := range map[string]func(t *testing.T, e *Engine){
		"its dead letter is taken in": func(_ *testing.T, e *Engine) { e.Schedule() },
		"it is redriven": func(t *testing.T, e *Engine) {
			e.Machine.Repeat("live-1")
			e.Machine.Redrive("live-1")
			e.Machine.RunAll(t.Context())
		},
		"the ledger is rebuilt": func(t *testing.T, e *Engine) {
			e.Dead.TakeAll()
			e.Ask.Rebuild = true
			e.Schedule()
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := inMemory(t)
			e.Machine.Work = failing("InvalidListing", func(x string) bool { return x == "live-2" })
			e.Ingest("live-1", sale(1))
			forget(t, e, "live-1")
			between := apart()
			e.Ingest("live-2", sale(2))
			e.Report()
			if n := matchedSince(t, e, between); n != 1 {
				t.Fatalf("matched %d, want the resource", n)
			}
			again(t, e)
			if _, err := e.Book.Executions.Get(t.Context(), "live-1"); err != nil {
				t.Fatalf("the older event was not noted: %v", err)
			}
			if n := matchedSince(t, e, between); n != 1 {
				t.Errorf("matched %d after the older event was noted again, want 1", n)
			}
		})
	}
}

// moving returns each entry of an index twice, as an index may while its rows move. Like DynamoDB, it rejects a
// duplicate key in a batch.
type moving struct{ ledger.Client }

func (m moving) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := m.Client.Query(ctx, in, o...)
	if err == nil && in.IndexName != nil {
		out.Items = append(out.Items, out.Items...)
		out.Count *= 2
	}
	return out, err
}

// All readers of an index work while its rows move. A storm is held, probed and heals. A quarantine and the items of a
// replay are listed once each.
func TestAnIndexThatShowsRowsTwiceMisleadsNobody(t *testing.T) {
	bucket, up := awstest.NewBucket(), false
	bucket.Now = time.Now
	e := wire(t, moving{awstest.NewTable()}, bucket, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour},
		slog.New(slog.DiscardHandler))
	e.Machine.Work = failing(outage, func(string) bool { return up })
	outageOf(t, e, 6) // twice as many would be more than the threshold of 10
	for range 3 {
		backoff()
		e.Schedule()
	}
	g, err := e.Book.Storms.Get(t.Context(), outage)
	if err == nil && g.Holds {
		t.Errorf("got %+v, want the six failures not held", g)
	}
	up = true
	settleDown(t, e)
	if got := statuses(t, e, 6); got[domain.Healed] != 6 {
		t.Errorf("got %v, want all healed", got)
	}
	up = false
	e.Machine.Work = failing("BadListing", never)
	e.Ingest("live-bad", ev("r9", 1))
	e.Report()
	settleDown(t, e)
	if rows := inQuarantine(t, e); len(rows) != 1 || rows[0].Execution != "live-bad" {
		t.Errorf("got %+v, want the failure once", rows)
	}
	var tally domain.FailureTally
	if err := e.Book.Failures.Count(t.Context(), &tally, 1000); err != nil || tally.Of(replay.FailureQuarantined) != 1 {
		t.Errorf("counted %+v, %v, want one in quarantine", tally, err)
	}
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	e.Pump()
	if r := get(t, e, id); r.Counts.Matched != 7 || len(list(t, e, id, "FAILED")) != r.Counts.Failed {
		t.Errorf("got %+v, %d failed items, want 7 matched, and each failed one listed once", r.Counts,
			len(list(t, e, id, "FAILED")))
	}
	if n := len(e.Machine.Names(domain.APIPrefix)); n != 7 {
		t.Errorf("%d executions of 7 resources", n)
	}
}
