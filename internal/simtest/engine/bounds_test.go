package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// counted counts the calls of a table by operation.
type counted struct {
	ledger.Client
	queries      atomic.Int64
	transactions atomic.Int64
}

func (c *counted) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries.Add(1)
	return c.Client.Query(ctx, in, opts...)
}

func (c *counted) TransactWriteItems(
	ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options),
) (*dynamodb.TransactWriteItemsOutput, error) {
	c.transactions.Add(1)
	return c.Client.TransactWriteItems(ctx, in, opts...)
}

// engine returns an engine in memory over the table.
func (c *counted) engine(t *testing.T, now func() time.Time) *Engine {
	t.Helper()
	bucket := awstest.NewBucket()
	bucket.Now = now
	e := wire(t, c, bucket, &Faults{}, Clock{Now: now, SettleAfter: time.Hour}, slog.New(slog.DiscardHandler))
	e.Bucket = bucket
	return e
}

// An owner of 500,000 resources that had no event since "recorded.from" gives a replay 5,000 pages without items.
func TestAPageOfItemsTakesFewQueriesHoweverManyPagesHaveNone(t *testing.T) {
	table := &counted{Client: awstest.NewTable()}
	e := table.engine(t, time.Now)
	r := domain.Replay{ID: "01J00000000000000000000000", Status: replay.Pending, CreatedAt: domain.At(time.Now()), Reason: "x"}
	if err := e.Book.Replays.Add(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	const pages = 5000
	for n := range pages {
		p := domain.Page{ReplayID: r.ID, Number: n, Next: "more"}
		var entries []domain.Entry
		if n == pages-1 {
			p.Next, entries = "", []domain.Entry{{ResourceID: "r1"}}
		}
		if err := e.Book.Pages.Add(t.Context(), r, p, entries, false); err != nil {
			t.Fatal(err)
		}
	}
	query := map[string]string{}
	var all []replay.Item
	for range pages {
		before := table.queries.Load()
		answer := e.Call("GET", "/replays/{replayId}/items", "", map[string]string{"replayId": r.ID}, query)
		var page replay.Items
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 {
			t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
		}
		if n := table.queries.Load() - before; n > 25 {
			t.Fatalf("got %d queries for one page, want at most 25", n)
		}
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			break
		}
		query["cursor"] = page.NextCursor
	}
	if len(all) != 1 || all[0].ResourceID != "r1" {
		t.Errorf("got %+v, want the one item of r1", all)
	}
}

// longSeries makes a replay of pages that have a series of 1,000 versions each, and returns its id.
func longSeries(t *testing.T, e *Engine, pages int, at time.Time) string {
	t.Helper()
	r := domain.Replay{ID: "01J00000000000000000000000", Status: replay.Pending, CreatedAt: domain.At(at), Reason: "x"}
	must(t, e.Book.Replays.Add(t.Context(), r))
	versions := make([]string, replay.MaxSeriesVersions)
	for i := range versions {
		versions[i] = fmt.Sprint("v", i)
	}
	for n := range pages {
		resource := fmt.Sprint("r", n)
		p := domain.Page{ReplayID: r.ID, Number: n}
		if n < pages-1 {
			p.Next = "more"
		}
		must(t, e.Book.Pages.Add(t.Context(), r, p, []domain.Entry{{ResourceID: resource}}, false))
		s := domain.Series{
			Name: domain.SeriesName(r.ID, n, 0), ReplayID: r.ID, Page: n, ResourceID: resource, Versions: versions, Rows: 1,
			CreatedAt: domain.At(at),
		}
		must(t, e.Book.Series.Add(t.Context(), r, s))
		must(t, e.Book.Series.AddItems(t.Context(), s))
	}
	return r.ID
}

// stoppedSeries is a long series that must not start anything more.
func stoppedSeries(t *testing.T, e *Engine, pages int, at time.Time) string {
	t.Helper()
	id := longSeries(t, e, pages, at)
	stop := replay.Stop{Status: replay.Cancelled, At: at, Reason: "a test"}
	must(t, progress.New(e.Book.Items, e.Book.Replays, e.Replays).Stop(t.Context(), id, stop))
	return id
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A transaction takes ten seconds here, so a sweep takes more than half an hour.
func TestASweepGoesOnFromMessageToMessageAndIsTheOnlyOne(t *testing.T) {
	begun, table := time.Now(), &counted{Client: awstest.NewTable()}
	now := func() time.Time { return begun.Add(time.Duration(table.transactions.Load()) * 10 * time.Second) }
	e := table.engine(t, now)
	const pages = 20
	id := stoppedSeries(t, e, pages, now())
	messages := 0
	for bodies := e.Replays.TakeAll(); len(bodies) > 0; bodies = withoutEvidence(e.Replays.TakeAll()) {
		if messages++; len(bodies) > 1 {
			t.Fatalf("message %d led to %d, want one: %v", messages-1, len(bodies), bodies)
		}
		transactions, queries := table.transactions.Load(), table.queries.Load()
		if e.Listen(bodies...) > 0 {
			t.Fatal("the sweep was refused")
		}
		transactions, queries = table.transactions.Load()-transactions, table.queries.Load()-queries
		if transactions > 25 || queries > 25 {
			t.Fatalf("message %d took %d transactions and %d queries, want at most 25", messages, transactions, queries)
		}
	}
	r, err := e.Book.Replays.Get(t.Context(), id)
	must(t, err)
	const items = pages * replay.MaxSeriesVersions
	if r.Status != replay.Cancelled || r.Skipped != items || messages > items/1000 {
		t.Errorf("got %s with %d items skipped by %d messages, want CANCELLED, %d and at most %d", r.Status, r.Skipped, messages,
			items, items/1000)
	}
}

// A message may be redelivered, or a second one sent because the first waits in the queue for a long time.
func TestOfTwoSweepsOneGoesOn(t *testing.T) {
	ahead := time.Duration(0)
	now := func() time.Time { return time.Now().Add(ahead) }
	table := &counted{Client: awstest.NewTable()}
	e := table.engine(t, now)
	id := stoppedSeries(t, e, 3, now())
	first := e.Replays.TakeAll()
	e.Listen(first...)
	second := e.Replays.TakeAll()
	transactions := table.transactions.Load()
	if e.Listen(first...); len(e.Replays.TakeAll()) > 0 || table.transactions.Load() > transactions {
		t.Error("the first message, delivered again, swept beside the second")
	}
	ahead += 2 * progress.SweepAgain // the second one is lost
	e.Listen(first...)
	third := e.Replays.TakeAll()
	if e.Listen(second...); len(e.Replays.TakeAll()) > 0 {
		t.Error("the second message, delivered late, swept beside the third")
	}
	ahead += 2 * progress.SweepAgain // the third one is lost, which the next look at the replay detects
	must(t, progress.New(e.Book.Items, e.Book.Replays, e.Replays).CompleteIfDone(t.Context(), id, now()))
	if fourth := e.Replays.TakeAll(); !slices.Equal(fourth, third) {
		t.Fatalf("got %v, want a message that goes on where the sweep was left: %v", fourth, third)
	}
	e.Listen(third...)
	e.Pump()
	if r, err := e.Book.Replays.Get(t.Context(), id); err != nil || r.Status != replay.Cancelled || r.Skipped != 3000 {
		t.Errorf("got %s with %d items skipped, %v, want CANCELLED and 3000", r.Status, r.Skipped, err)
	}
}
