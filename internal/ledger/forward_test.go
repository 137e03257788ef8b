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
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// A write that comes late, or again, moves no time back.
func TestTimesMoveForwardOnly(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	ctx, late := t.Context(), start.Add(-time.Minute)
	r := ledger.Replay{ID: "p", Status: replay.Pending, CreatedAt: ledger.At(start)}
	ok(t, l.AddReplay(ctx, r))
	ok(t, l.AddPage(ctx, r, ledger.Page{ReplayID: "p", StartsAt: ledger.At(start), Next: "more"}, make([]ledger.Entry, 1), false))
	r, err := l.StopReplay(ctx, "p", replay.Stop{Status: replay.Cancelled, At: start})
	ok(t, err)
	row, err := l.AddExecution(ctx, live("x", "r", start))
	ok(t, err)
	for _, at := range []time.Time{start.Add(time.Hour), late} {
		ok(t, l.AddOwned(ctx, "o", "r", ledger.At(at)))
		ok(t, l.MarkSweeping(ctx, "p", ledger.At(at)))
		ok(t, l.SetStart(ctx, ledger.Page{ReplayID: "p"}, ledger.At(at)))
		ok(t, l.SaveMark(ctx, ledger.Mark{Name: "walk", Token: at.String(), TakenAt: ledger.At(at)}))
		ok(t, l.CheckLater(ctx, row, at))
		ok(t, l.CheckReplayLater(ctx, r, at))
		_, err := l.MarkPublished(ctx, row, ledger.Published{Name: "x", At: at, Now: at, OutputKey: "out"})
		ok(t, err)
	}
	want := start.Add(time.Hour)
	ids, _, err := l.Owned(ctx, "o", want, "", 10)
	ok(t, err)
	if !slices.Equal(ids, []string{"r"}) {
		t.Errorf("owned since an hour later: got %v, want r", ids)
	}
	mark, err := l.Mark(ctx, "walk")
	ok(t, err)
	p, err := l.Page(ctx, "p", 0)
	ok(t, err)
	r, err = l.Replay(ctx, "p")
	ok(t, err)
	row, err = l.Execution(ctx, "x")
	ok(t, err)
	for what, got := range map[string]ledger.Stamp{
		"mark": mark.TakenAt, "start of the page": p.StartsAt, "sweep": r.SweepAt, "publication": row.PublishedAt,
	} {
		if !got.Equal(ledger.At(want).Time) {
			t.Errorf("%s: got %s, want %s", what, got, ledger.At(want))
		}
	}
	if mark.Token != want.String() || row.OutputKey != "out" || row.Status != ledger.Succeeded {
		t.Errorf("got %+v, %+v, want the later mark and the output", mark, row)
	}
	if !strings.HasPrefix(r.TSK, ledger.At(want).String()) {
		t.Errorf("the replay is to be looked at at %s, want %s", r.TSK, ledger.At(want))
	}
}

// What is open stays where it is in the list when an older look is noted late.
func TestALookIsNotBroughtForward(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	row, err := l.AddExecution(t.Context(), live("x", "r", start))
	ok(t, err)
	r := ledger.Replay{ID: "p", Status: replay.Pending, CreatedAt: ledger.At(start)}
	ok(t, l.AddReplay(t.Context(), r))
	ok(t, l.AddPage(t.Context(), r, ledger.Page{ReplayID: "p"}, make([]ledger.Entry, 1), false))
	s := ledger.Series{Name: "s", ReplayID: "p", Versions: []string{"a", "b"}, CreatedAt: ledger.At(start)}
	ok(t, l.AddSeries(t.Context(), r, s))
	for _, at := range []time.Time{start.Add(time.Hour), start} {
		ok(t, l.CheckLater(t.Context(), row, at))
		ok(t, l.CheckSeriesLater(t.Context(), "s", at))
	}
	row, err = l.Execution(t.Context(), "x")
	ok(t, err)
	s, err = l.Series(t.Context(), "s")
	ok(t, err)
	for _, got := range []string{row.TSK, s.TSK} {
		if want := ledger.At(start.Add(time.Hour)).String(); !strings.HasPrefix(got, want) {
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

// A start is reserved days ahead, behind a long queue: the row of its window must not expire before it.
func TestAPaceWindowOutlivesItsQueue(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	const days = 30
	ahead := start.Add(days * 24 * time.Hour)
	_, err := l.ReserveStart(t.Context(), "p", 1, ahead) // as if all windows before were full
	ok(t, err)
	for range 5 {
		_, err := l.ReserveStart(t.Context(), "p", 1, start)
		ok(t, err)
	}
	var expires, window int64
	seeing := ledger.New(updates{table, func(in *dynamodb.UpdateItemInput) {
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
	at, err := seeing.ReserveStart(t.Context(), "p", 1, start)
	ok(t, err)
	if at.Before(ahead.Add(-ledger.PaceWindow)) {
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
	group string
}

func (h held) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := h.Client.Query(ctx, in, o...)
	partition := in.ExpressionAttributeValues[":p"].(*types.AttributeValueMemberS)
	if err != nil || !strings.HasPrefix(partition.Value, "EH#"+h.group) {
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

// A failure that is in two places of an index while it is held counts once: twice would close the gate of a group that
// is not a storm.
func TestAFailureThatMovesInAnIndexCountsOnce(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(held{table, "Boom"}, awstest.TableName)
	var want int
	for i := range 20 {
		f := failure(fmt.Sprint("f", i), start)
		f.Group = "Boom"
		_, err := l.AddFailure(t.Context(), f)
		ok(t, err)
		want++
	}
	n, err := l.CountOpen(t.Context(), "Boom", 100)
	ok(t, err)
	if n != want {
		t.Errorf("counted %d open failures, want %d", n, want)
	}
	rows, _, err := l.HeldFailures(t.Context(), "Boom", func(ledger.Failure) bool { return false }, 100)
	ok(t, err)
	if len(rows) != 0 {
		t.Errorf("got %d held failures, want none", len(rows))
	}
	if n, err = l.CountOpen(t.Context(), "Boom", 7); err != nil || n != 7 {
		t.Errorf("counted %d, %v, want no more than 7", n, err)
	}
}

// Keys that are asked for twice are read once: DynamoDB refuses a batch that has one twice.
func TestKeysAreAskedForOnce(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	_, err := l.AddFailure(t.Context(), failure("f", start))
	ok(t, err)
	partition := ledger.FailurePartition("f", 0)
	rows, err := l.Failures(t.Context(), []string{partition, partition, ledger.FailurePartition("none", 0)})
	ok(t, err)
	if len(rows) != 1 {
		t.Errorf("got %d failures, want one", len(rows))
	}
	ended := ledger.Ended{Name: "x", Status: ledger.Aborted, StoppedAt: start}
	rest, err := l.Unaccounted(t.Context(), []ledger.Ended{ended, ended})
	ok(t, err)
	if len(rest) == 0 {
		t.Error("got none, want an end that the ledger does not know")
	}
}

// An execution was given up as never started while another delivery started it, and clocks differ: its end counts, in
// whatever order the two are noted.
func TestAnEndCountsMoreThanAStartThatWasGivenUp(t *testing.T) {
	ctx := t.Context()
	end := ledger.Ended{Name: "x", Status: ledger.Succeeded, StoppedAt: start}
	for _, off := range []time.Duration{-time.Minute, time.Minute} {
		given := ledger.Ended{Name: "x", Status: ledger.Aborted, Error: ledger.NeverStarted, StoppedAt: start.Add(off)}
		for _, order := range [][]ledger.Ended{{given, end}, {end, given}, {given, given, end}} {
			l := ledger.New(awstest.NewTable(), awstest.TableName)
			_, err := l.AddExecution(ctx, live("x", "r", start))
			ok(t, err)
			for _, o := range order {
				if _, err := l.Settle(ctx, o); err != nil && !errors.Is(err, ledger.ErrConflict) {
					t.Fatal(err)
				}
			}
			row, err := l.Execution(ctx, "x")
			ok(t, err)
			if row.Status != ledger.Succeeded || row.Error != "" || !row.StoppedAt.Equal(start) {
				t.Errorf("given up %s after its end: got %+v, want it succeeded", off, row)
			}
		}
	}
}
