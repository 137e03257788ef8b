package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// A write that comes late, or again, moves no time back.
func TestTimesMoveForwardOnly(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	ctx, late := t.Context(), start.Add(-time.Minute)
	r := domain.Replay{ID: "p", Status: replay.Pending, CreatedAt: domain.At(start)}
	ok(t, l.Replays.Add(ctx, r))
	ok(t, l.Pages.Add(ctx, r, domain.Page{ReplayID: "p", StartsAt: domain.At(start), Next: "more"}, make([]domain.Entry, 1), false))
	r, err := l.Replays.Stop(ctx, "p", replay.Stop{Status: replay.Cancelled, At: start})
	ok(t, err)
	row, err := l.Executions.Add(ctx, live("x", "r", start))
	ok(t, err)
	for _, at := range []time.Time{start.Add(time.Hour), late} {
		ok(t, l.Owners.Note(ctx, "o", "r", domain.At(at)))
		ok(t, l.Replays.MarkSweeping(ctx, "p", domain.At(at)))
		ok(t, l.Pages.SetStart(ctx, domain.Page{ReplayID: "p"}, domain.At(at)))
		ok(t, l.Marks.Save(ctx, domain.Mark{Name: "walk", Token: at.String(), TakenAt: domain.At(at)}))
		ok(t, l.Executions.CheckLater(ctx, row, at))
		ok(t, l.Replays.CheckLater(ctx, r, at))
		_, err := l.Executions.MarkPublished(ctx, row, domain.Published{Name: "x", At: at, Now: at, OutputKey: "out"})
		ok(t, err)
	}
	want := start.Add(time.Hour)
	ids, _, err := l.Owners.Resources(ctx, "o", want, "", 10)
	ok(t, err)
	if !slices.Equal(ids, []string{"r"}) {
		t.Errorf("owned since an hour later: got %v, want r", ids)
	}
	mark, err := l.Marks.Get(ctx, "walk")
	ok(t, err)
	p, err := l.Pages.Get(ctx, "p", 0)
	ok(t, err)
	r, err = l.Replays.Get(ctx, "p")
	ok(t, err)
	row, err = l.Executions.Get(ctx, "x")
	ok(t, err)
	for what, got := range map[string]domain.Stamp{
		"mark": mark.TakenAt, "start of the page": p.StartsAt, "sweep": r.SweepAt, "publication": row.PublishedAt,
	} {
		if !got.Equal(domain.At(want).Time) {
			t.Errorf("%s: got %s, want %s", what, got, domain.At(want))
		}
	}
	if mark.Token != want.String() || row.OutputKey != "out" || row.Status != domain.Succeeded {
		t.Errorf("got %+v, %+v, want the later mark and the output", mark, row)
	}
	if !r.CheckAt.Equal(domain.At(want).Time) {
		t.Errorf("the replay is to be looked at at %s, want %s", r.CheckAt, domain.At(want))
	}
}

// What is open stays where it is in the list when an older look is noted late.
func TestALookIsNotBroughtForward(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	row, err := l.Executions.Add(t.Context(), live("x", "r", start))
	ok(t, err)
	r := domain.Replay{ID: "p", Status: replay.Pending, CreatedAt: domain.At(start)}
	ok(t, l.Replays.Add(t.Context(), r))
	ok(t, l.Pages.Add(t.Context(), r, domain.Page{ReplayID: "p"}, make([]domain.Entry, 1), false))
	s := domain.Series{Name: "s", ReplayID: "p", Versions: []string{"a", "b"}, CreatedAt: domain.At(start)}
	ok(t, l.Series.Add(t.Context(), r, s))
	for _, at := range []time.Time{start.Add(time.Hour), start} {
		ok(t, l.Executions.CheckLater(t.Context(), row, at))
		ok(t, l.Series.CheckLater(t.Context(), "s", at))
	}
	row, err = l.Executions.Get(t.Context(), "x")
	ok(t, err)
	s, err = l.Series.Get(t.Context(), "s")
	ok(t, err)
	for _, got := range []domain.Stamp{row.CheckAt, s.CheckAt} {
		if want := domain.At(start.Add(time.Hour)); !got.Equal(want.Time) {
			t.Errorf("to be looked at at %s, want %s", got, want)
		}
	}
}

// updates sees what is written.
type updates struct {
	ledger.Client
	see func(*dynamodb.UpdateItemInput)
}

func (u updates) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, o ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	u.see(in)
	return u.Client.UpdateItem(ctx, in, o...)
}

// The row of a window that is reserved ahead must not expire before it.
func TestAPaceWindowOutlivesItsQueue(t *testing.T) {
	var expires, window int64
	seeing := ledger.New(updates{awstest.NewTable(), func(in *dynamodb.UpdateItemInput) {
		for alias, attr := range in.ExpressionAttributeNames {
			if attr != schema.TTL {
				continue
			}
			_, value, _ := strings.Cut(*in.UpdateExpression, alias+" = ")
			value, _, _ = strings.Cut(value, " ")
			_, err := fmt.Sscan(in.ExpressionAttributeValues[strings.TrimSuffix(value, ",")].(*types.AttributeValueMemberN).Value, &expires)
			ok(t, err)
			_, err = fmt.Sscan(strings.TrimLeft(in.Key[schema.SortKey].(*types.AttributeValueMemberS).Value, "0"), &window)
			ok(t, err)
		}
	}}, awstest.TableName)
	var at time.Time
	for range 500 { // 500 s of starts
		got, err := seeing.Pace.Reserve(t.Context(), ledger.Own("p", 1), ledger.Claimant{Name: "p", Patient: true}, 1, start)
		ok(t, err)
		at = got.At
	}
	if at.Before(start.Add(490 * time.Second)) {
		t.Fatalf("reserved at %s, want it behind the queue", at)
	}
	if begins := time.Unix(window*int64(ledger.PaceWindow.Seconds()), 0); !begins.Equal(at) {
		t.Errorf("the last write was of the window at %s, want %s", begins, at)
	}
	if got := time.Unix(expires, 0).Sub(at); got < 12*time.Hour {
		t.Errorf("the window expires %s after it begins, want it kept for half a day at least", got)
	}
}

// held shows failures that are held still among those that are not, as an index does while they move.
type held struct {
	ledger.Client
	storm string
}

func (h held) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := h.Client.Query(ctx, in, o...)
	partition := in.ExpressionAttributeValues[":p"].(*types.AttributeValueMemberS)
	if err != nil || !strings.HasPrefix(partition.Value, "EH#"+h.storm) {
		return out, err
	}
	other := *in
	other.ExpressionAttributeValues = map[string]types.AttributeValue{}
	for k, v := range in.ExpressionAttributeValues {
		other.ExpressionAttributeValues[k] = v
	}
	other.ExpressionAttributeValues[":p"] = &types.AttributeValueMemberS{Value: strings.Replace(partition.Value, "EH#", "EO#", 1)}
	more, err := h.Client.Query(ctx, &other, o...)
	if err == nil {
		out.Items, out.Count = append(out.Items, more.Items...), out.Count+more.Count
	}
	return out, err
}

// A failure that is in two places of an index while it is held counts once: twice would begin a storm that
// is none.
func TestAFailureThatMovesInAnIndexCountsOnce(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(held{table, "Boom"}, awstest.TableName)
	var want int
	for i := range 20 {
		f := failure(fmt.Sprint("f", i), start)
		f.Storm = "Boom"
		_, err := l.Failures.Add(t.Context(), f)
		ok(t, err)
		want++
	}
	n, err := l.Failures.CountOpen(t.Context(), "Boom", 100)
	ok(t, err)
	if n != want {
		t.Errorf("counted %d open failures, want %d", n, want)
	}
	rows, _, err := l.Failures.Held(t.Context(), "Boom", func(domain.Failure) bool { return false }, 100)
	ok(t, err)
	if len(rows) != 0 {
		t.Errorf("got %d held failures, want none", len(rows))
	}
	if n, err = l.Failures.CountOpen(t.Context(), "Boom", 7); err != nil || n != 7 {
		t.Errorf("counted %d, %v, want no more than 7", n, err)
	}
}

// Keys that are asked for twice are read once: DynamoDB refuses a batch that has one twice.
func TestKeysAreAskedForOnce(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	_, err := l.Failures.Add(t.Context(), failure("f", start))
	ok(t, err)
	partition := domain.FailureID("f", 0)
	rows, err := l.Failures.Find(t.Context(), []string{partition, partition, domain.FailureID("none", 0)})
	ok(t, err)
	if len(rows) != 1 {
		t.Errorf("got %d failures, want one", len(rows))
	}
	ended := domain.Ended{Name: "x", Status: domain.Aborted, StoppedAt: start}
	rest, err := l.Executions.Unaccounted(t.Context(), []domain.Ended{ended, ended})
	ok(t, err)
	if len(rest) == 0 {
		t.Error("got none, want an end that the ledger does not know")
	}
}

// An execution was given up as never started while another delivery started it, and clocks differ: its end counts, in
// whatever order the two are noted.
func TestAnEndCountsMoreThanAStartThatWasGivenUp(t *testing.T) {
	ctx := t.Context()
	end := domain.Ended{Name: "x", Status: domain.Succeeded, StoppedAt: start}
	for _, off := range []time.Duration{-time.Minute, time.Minute} {
		given := domain.Ended{Name: "x", Status: domain.Aborted, Error: domain.NeverStarted, StoppedAt: start.Add(off)}
		for _, order := range [][]domain.Ended{{given, end}, {end, given}, {given, given, end}} {
			l := ledger.New(awstest.NewTable(), awstest.TableName)
			_, err := l.Executions.Add(ctx, live("x", "r", start))
			ok(t, err)
			for _, o := range order {
				if _, err := l.Executions.RecordOutcome(ctx, o); err != nil && !errors.Is(err, ledger.ErrConflict) {
					t.Fatal(err)
				}
			}
			row, err := l.Executions.Get(ctx, "x")
			ok(t, err)
			if row.Status != domain.Succeeded || row.Error != "" || !row.StoppedAt.Equal(start) {
				t.Errorf("given up %s after its end: got %+v, want it succeeded", off, row)
			}
		}
	}
}
