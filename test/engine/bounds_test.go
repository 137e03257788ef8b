package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ce873799/replayable-ingestion/dev/memory"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
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

// counting returns an engine in memory, and what counts the calls of its table.
func counting(t *testing.T, now func() time.Time) (*Engine, *counted) {
	t.Helper()
	c := &counted{Client: memory.NewTable()}
	bucket := memory.NewBucket()
	bucket.Now = now
	e := wire(t, c, bucket, &Faults{}, Clock{Now: now, SettleAfter: time.Hour}, slog.New(slog.DiscardHandler))
	e.Bucket = bucket
	return e, c
}

// An owner of 500,000 resources that had no event since "recorded.from" gives a replay 5,000 pages without items.
func TestAPageOfItemsTakesFewQueriesHoweverManyPagesHaveNone(t *testing.T) {
	e, table := counting(t, time.Now)
	r := ledger.Replay{ID: "01J00000000000000000000000", Status: replay.Pending, CreatedAt: ledger.At(time.Now()), Reason: "x"}
	if err := e.Book.AddReplay(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	const pages = 5000
	for n := range pages {
		p := ledger.Page{ReplayID: r.ID, Number: n, Next: "more"}
		var entries []ledger.Entry
		if n == pages-1 {
			p.Next, entries = "", []ledger.Entry{{ResourceID: "r1"}}
		}
		if err := e.Book.AddPage(t.Context(), r, p, entries, false); err != nil {
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
