package ledger_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger/ledgertest"
	"github.com/ce873799/replayable-ingestion/replay"
)

func text(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func number(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }

var oldRow = map[string]types.AttributeValue{"pk": text("P#p"), "sk": text("P")}

// announced is a replay of one page, as an earlier release has announced and expanded it.
func announced(t *testing.T, table *awstest.Table, items int) domain.Replay {
	t.Helper()
	row := map[string]types.AttributeValue{
		"replayId": text("p"), "status": text("PENDING"), "reason": text("x"), "requestedBy": text("me"), "action": text("rerun"),
		"createdAt": text("2026-11-01T12:00:00.000Z"), "expanded": &types.AttributeValueMemberBOOL{},
		"gpk": text("REPLAYS"), "gsk": text("p"), "tpk": text("OPENREPLAYS"), "tsk": text("2026-11-01T12:00:00.000Z#p"),
	}
	for _, attr := range []string{"pages", "open", "matched", "started", "skipped", "succeeded", "failed"} {
		row[attr] = number("0")
	}
	row["pk"], row["sk"] = oldRow["pk"], oldRow["sk"]
	_, err := table.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(awstest.TableName), Item: row})
	ok(t, err)
	l := ledger.New(table, awstest.TableName)
	r, err := l.Replays.Get(t.Context(), "p")
	ok(t, err)
	ok(t, l.Pages.Add(t.Context(), r, domain.Page{ReplayID: "p"}, make([]domain.Entry, items), false))
	r, err = l.Replays.Get(t.Context(), "p")
	ok(t, err)
	return r
}

// change moves an item by the ledger of this release.
func change(t *testing.T, l *ledger.Ledger, ordinal, index int, to replay.Outcome, arn string) {
	t.Helper()
	it, err := l.Items.Get(t.Context(), "p", 0, ordinal, index)
	ok(t, err)
	ok(t, l.Items.Change(t.Context(), "p", []domain.ItemChange{{Item: it, To: to, ARN: arn, At: domain.At(start)}}))
}

func openInRow(t *testing.T, table *awstest.Table) string {
	t.Helper()
	out, err := table.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(awstest.TableName), Key: oldRow})
	ok(t, err)
	return out.Item["open"].(*types.AttributeValueMemberN).Value
}

func TestAReplayThatAnEarlierReleaseAnnouncedEnds(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	r := announced(t, table, 3)
	change(t, l, 0, 0, replay.Started, "arn")
	// Functions of the earlier release count in the row.
	for _, w := range []struct {
		key    map[string]types.AttributeValue
		update string
		values map[string]types.AttributeValue
	}{
		{map[string]types.AttributeValue{"pk": text("P#p#0"), "sk": text("I#0001")}, "SET outcome = :o", map[string]types.AttributeValue{":o": text("SUCCEEDED")}},
		{oldRow, "ADD started :one, succeeded :one, #open :less", map[string]types.AttributeValue{":one": number("1"), ":less": number("-1")}},
	} {
		names := map[string]string{}
		if strings.Contains(w.update, "#open") {
			names["#open"] = "open"
		}
		_, err := table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(awstest.TableName), Key: w.key, UpdateExpression: &w.update, ExpressionAttributeNames: names, ExpressionAttributeValues: w.values,
		})
		ok(t, err)
	}
	s := domain.Series{Name: "s", ReplayID: "p", Ordinal: 2, Versions: []string{"a", "b"}, Rows: 1, CreatedAt: domain.At(start)}
	ok(t, l.Series.Add(t.Context(), r, s))
	ok(t, l.Series.AddItems(t.Context(), s))
	if got := openInRow(t, table); got != "3" {
		t.Errorf("an earlier release sees %s open items, want 3 of 4: it must not take the replay for done", got)
	}
	change(t, l, 2, 0, replay.Failed, "arn")
	ledgertest.Finish(t, l, "p", start)
	r, err := l.Replays.Get(t.Context(), "p")
	ok(t, err)
	want(t, "status while items are open", r.Status, replay.Running)
	change(t, l, 0, 0, replay.Succeeded, "arn")
	change(t, l, 2, 1, replay.Skipped, "")
	ledgertest.Finish(t, l, "p", start)
	r, err = l.Replays.Get(t.Context(), "p")
	ok(t, err)
	want(t, "status", r.Status, replay.Completed)
	want(t, "counts", r.Counts(), replay.Counts{Matched: 4, Started: 3, Skipped: 1, Succeeded: 2, Failed: 1})
	for _, left := range []int{1, 0} {
		open, err := l.Replays.Open(t.Context(), start.Add(time.Hour), 10)
		if err != nil || len(open) != left {
			t.Errorf("got %d open replays, %v, want %d", len(open), err, left)
		}
		ok(t, l.Evidence.SetDigest(t.Context(), "p", "digest"))
	}
}

// A function of an earlier release looks for a replay without open items in its row.
func TestAnEarlierReleaseDoesNotEndAReplay(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	ledgertest.NewReplay(t, l, "p", 1)
	if got := openInRow(t, table); strings.HasPrefix(got, "-") || len(got) < 7 {
		t.Errorf("its row has %s open items, want so many that they never reach 0", got)
	}
	change(t, l, 0, 0, replay.Succeeded, "arn")
	ledgertest.Finish(t, l, "p", start)
	want(t, "open items of one that has ended", openInRow(t, table), "0")
}

// between calls something after the n-th look at counters.
type between struct {
	*awstest.Table
	n  int
	do func()
}

func (b *between) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := b.Table.Query(ctx, in, o...)
	if pk := in.ExpressionAttributeValues[":p"].(*types.AttributeValueMemberS).Value; strings.Contains(pk, "#COUNT#") {
		if b.n--; b.n == 0 {
			b.do()
		}
	}
	return out, err
}

// Of two items one has ended, and the other becomes a series while counters are read: the first version ends at once.
func TestAReplayIsNotDoneWhileASeriesAddsItsVersions(t *testing.T) {
	for n := range 5 {
		for range 100 { // which counters are taken is left to chance
			table := &between{Table: awstest.NewTable(), n: n}
			l := ledger.New(table, awstest.TableName)
			r := ledgertest.NewReplay(t, l, "p", 2)
			change(t, l, 0, 0, replay.Skipped, "")
			s := domain.Series{Name: "s", ReplayID: "p", Ordinal: 1, Versions: []string{"a", "b"}, Rows: 1, CreatedAt: domain.At(start)}
			grow := func() {
				ok(t, l.Series.Add(t.Context(), r, s))
				ok(t, l.Series.AddItems(t.Context(), s))
				change(t, l, 1, 0, replay.Succeeded, "arn")
			}
			if table.do = grow; n == 0 {
				grow()
			}
			ledgertest.Finish(t, l, "p", start)
			r, err := l.Replays.Get(t.Context(), "p")
			if ok(t, err); r.Status.Final() {
				t.Fatalf("it is %s with %+v although a version is open that was bound after look %d", r.Status, r.Counts(), n)
			}
			change(t, l, 1, 1, replay.Failed, "arn")
			ledgertest.Finish(t, l, "p", start)
			r, err = l.Replays.Get(t.Context(), "p")
			ok(t, err)
			want(t, "counts", r.Counts(), replay.Counts{Matched: 3, Started: 2, Skipped: 1, Succeeded: 1, Failed: 1})
		}
	}
}

// ends counts the writes that end a replay.
type ends struct {
	*awstest.Table
	n atomic.Int64
}

func (e *ends) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := e.Table.UpdateItem(ctx, in, o...)
	if err == nil && in.ExpressionAttributeNames["#completedAt"] != "" {
		e.n.Add(1)
	}
	return out, err
}

func TestAReplayEndsOnce(t *testing.T) {
	table := &ends{Table: awstest.NewTable()}
	l := ledger.New(table, awstest.TableName)
	ledgertest.NewReplay(t, l, "p", 20)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			change(t, l, i, 0, replay.Succeeded, "arn")
			ledgertest.Finish(t, l, "p", start)
		})
	}
	all.Wait()
	r, err := l.Replays.Get(t.Context(), "p")
	ok(t, err)
	want(t, "counts", r.Counts(), replay.Counts{Matched: 20, Started: 20, Succeeded: 20})
	want(t, "writes that ended it", table.n.Load(), 1)
}

// Series take room of their replay in a write of its own, before they are bound.
func TestSeriesThatAreBoundAtOnceKeepToMaxItems(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	ok(t, l.Replays.Add(t.Context(), domain.Replay{ID: "p", Status: replay.Pending, CreatedAt: domain.At(start), MaxItems: 15}))
	r, err := l.Replays.Get(t.Context(), "p")
	ok(t, err)
	ok(t, l.Pages.Add(t.Context(), r, domain.Page{ReplayID: "p"}, make([]domain.Entry, 10), false))
	var all sync.WaitGroup
	var bound atomic.Int64
	for i := range 10 {
		s := domain.Series{ReplayID: "p", Name: string(rune('a' + i)), Ordinal: i, Versions: []string{"a", "b", "c"}, Rows: 1}
		for range 2 { // deliveries of a message
			all.Go(func() {
				switch err := l.Series.Add(t.Context(), r, s); {
				case err == nil:
					bound.Add(1)
				case !errors.Is(err, ledger.ErrConflict):
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	r, err = l.Replays.Get(t.Context(), "p")
	ok(t, err)
	left := r.Room()
	r, err = l.Replays.Count(t.Context(), r)
	ok(t, err)
	if n := int(bound.Load()); r.Matched != 10+2*n || r.Matched > 15 || left != 15-r.Matched {
		t.Errorf("got %d items and room for %d after %d series, want at most 15 together", r.Matched, left, n)
	}
}
