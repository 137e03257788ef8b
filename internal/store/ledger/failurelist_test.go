package ledger_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// mixed has failures of every status: the n-th failed n seconds after the start.
func mixed(t *testing.T, l *ledger.Ledger, n int) {
	t.Helper()
	for i := range n {
		f := failure(fmt.Sprintf("m-%03d", i), start.Add(time.Duration(i)*time.Second))
		f.Error, f.State = []string{"Geocoder#Down", "Bad%Price"}[i%2], []string{"Enrich", "Check"}[i/2%2]
		f.OwnerID, f.Cause = fmt.Sprint("o", i%3), fmt.Sprint("zip code ", 98000+i)
		switch i % 5 {
		case 0:
			f.Status, f.DueAt = domain.Quarantined, domain.Stamp{}
		case 1:
			f.Status = domain.Retrying
		case 2:
			f.Held, f.Storm = true, f.Error
		case 3:
			f.Status, f.DueAt = domain.Healed, domain.Stamp{}
		}
		_, err := l.Failures.Add(t.Context(), f)
		ok(t, err)
	}
}

// pagesOf lists failures page by page.
func pagesOf(t *testing.T, l *ledger.Ledger, filter domain.FailureFilter, size int) (names []string) {
	t.Helper()
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		rows, next, err := l.Failures.List(t.Context(), filter, cursor, size)
		ok(t, err)
		for _, f := range rows {
			names = append(names, f.Execution)
		}
		if cursor = next; pages > 200 {
			t.Fatal("pages without end")
		}
	}
	return names
}

func TestFailuresAreListedByWhatTheyShare(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	const n = 60
	mixed(t, l, n)
	is := func(want string) func(string) bool { return func(got string) bool { return got == want } }
	for _, tt := range []struct {
		name   string
		filter domain.FailureFilter
		want   func(i int) bool
		oldest bool // comes first
	}{
		{"the quarantine", domain.FailureFilter{}, func(i int) bool { return i%5 == 0 }, false},
		{"those that wait", domain.FailureFilter{Status: replay.FailureWaiting}, func(i int) bool { return i%5 == 4 }, true},
		{"those that are held", domain.FailureFilter{Status: replay.FailureHeld}, func(i int) bool { return i%5 == 2 }, true},
		{"those that are retried", domain.FailureFilter{Status: replay.FailureRetrying}, func(i int) bool { return i%5 == 1 }, true},
		{"none that was closed", domain.FailureFilter{Status: replay.FailureClosed}, func(int) bool { return false }, false},
		{"an error", domain.FailureFilter{Error: is("Bad%Price")}, func(i int) bool { return i%5 == 0 && i%2 == 1 }, false},
		{"a state", domain.FailureFilter{State: is("Check"), Status: replay.FailureHeld}, func(i int) bool { return i%5 == 2 && i/2%2 == 1 }, true},
		{"a cause and an owner", domain.FailureFilter{Match: func(f domain.Failure) bool {
			return strings.Contains(f.Cause, "9803") && f.OwnerID == "o0"
		}}, func(i int) bool { return i == 30 }, false},
		{"a time", domain.FailureFilter{Since: start.Add(10 * time.Second), Until: start.Add(40 * time.Second)},
			func(i int) bool { return i%5 == 0 && i >= 10 && i < 40 }, false},
		{"a time of those that wait", domain.FailureFilter{Status: replay.FailureWaiting, Since: start.Add(10 * time.Second), Until: start.Add(40 * time.Second)},
			func(i int) bool { return i%5 == 4 && i >= 10 && i < 40 }, true},
		{"a resource", domain.FailureFilter{ResourceID: "r-m-020"}, func(i int) bool { return i == 20 }, false},
		{"a resource that is not in quarantine", domain.FailureFilter{ResourceID: "r-m-021"}, func(int) bool { return false }, false},
	} {
		var want []string
		for i := range n {
			if tt.want(i) {
				want = append(want, fmt.Sprintf("m-%03d", i))
			}
		}
		if !tt.oldest {
			slices.Reverse(want)
		}
		for _, size := range []int{1, 3, 100} {
			if got := pagesOf(t, l, tt.filter, size); !slices.Equal(got, want) {
				t.Errorf("%s, in pages of %d: got %v, want %v", tt.name, size, got, want)
			}
		}
	}
}

// A page of a long quarantine costs the rows that it has and the keys that lead to them, however long it is.
func TestAPageOfALongQuarantineReadsAsMuchAsOneOfAShortOne(t *testing.T) {
	cost := func(n int) float64 {
		table := awstest.NewTable()
		l := ledger.New(table, awstest.TableName)
		for i := range n {
			f := failure(fmt.Sprintf("q-%05d", i), start.Add(time.Duration(i)*time.Second))
			f.Status, f.DueAt = domain.Quarantined, domain.Stamp{}
			_, err := l.Failures.Add(t.Context(), f)
			ok(t, err)
		}
		before := table.Units.Read
		_, next, err := l.Failures.List(t.Context(), domain.FailureFilter{}, "", 100)
		ok(t, err)
		if next == "" {
			t.Fatal("got the end, want more")
		}
		return table.Units.Read - before
	}
	short, long := cost(500), cost(10_000)
	if long > 1.1*short || long > 130 {
		t.Errorf("a page took %.1f units of 500 failures and %.1f of 10,000", short, long)
	}
}

// A filter that fits nothing is answered after some readings, one after the other, also if it needs the rows.
func TestAPageWithAFilterTakesFewReadings(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	for i := range 12_000 {
		f := failure(fmt.Sprintf("q-%05d", i), start.Add(time.Duration(i)*time.Second))
		f.Status, f.DueAt = domain.Quarantined, domain.Stamp{}
		_, err := l.Failures.Add(t.Context(), f)
		ok(t, err)
	}
	for name, c := range map[string]struct {
		filter domain.FailureFilter
		most   int // calls
	}{
		"by what is in the keys": {domain.FailureFilter{Error: func(string) bool { return false }}, 60},
		"by what is in the rows": {domain.FailureFilter{Match: func(domain.Failure) bool { return false }}, 60},
	} {
		before := table.Calls
		found, next, err := l.Failures.List(t.Context(), c.filter, "", 50)
		ok(t, err)
		if calls := table.Calls - before; len(found) != 0 || next == "" || calls > c.most {
			t.Errorf("%s: got %d failures, the cursor %q and %d calls, want none, a cursor and at most %d calls", name, len(found), next, calls, c.most)
		}
	}
}

func TestFailuresAreCountedByStatusErrorAndState(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	mixed(t, l, 60)
	var tally domain.FailureTally
	steps := 0
	for ; !tally.Done; steps++ { // as runs that have little time do
		ok(t, l.Failures.Count(t.Context(), &tally, 5))
	}
	if steps < 9 {
		t.Errorf("48 failures were counted in %d steps of 5", steps)
	}
	for status, want := range map[replay.FailureStatus]int{
		replay.FailureQuarantined: 12, replay.FailureWaiting: 12, replay.FailureHeld: 12, replay.FailureRetrying: 12, replay.FailureClosed: 0,
	} {
		if got := tally.Of(status); got != want {
			t.Errorf("%s: got %d, want %d", status, got, want)
		}
	}
	counted := domain.CountedAt(tally, start)
	i := slices.IndexFunc(counted.Groups, func(g domain.FailureGroup) bool {
		return g.Status == replay.FailureWaiting && g.Error == "Geocoder#Down" && g.State == "Enrich"
	})
	if i < 0 {
		t.Fatalf("got %+v, want a group of those that wait for the geocoder", counted.Groups)
	}
	g := counted.Groups[i] // 4, 24, 44
	if g.Count != 3 || !g.FirstAt.Equal(start.Add(4*time.Second)) || !g.LastAt.Equal(start.Add(44*time.Second)) ||
		!g.DueAt.Equal(start.Add(64*time.Second)) || g.Latest != domain.FailureID("m-044", 0) {
		t.Errorf("got %+v", g)
	}
}

func TestACountIsFoundByItsTime(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	for i := range 4 {
		ok(t, l.Failures.SaveCount(t.Context(), domain.CountedAt(domain.FailureTally{Others: i}, start.Add(time.Duration(i)*time.Hour))))
	}
	got, err := l.Failures.Counted(t.Context(), start, start.Add(150*time.Minute))
	if err != nil || got.Others != 2 || !got.At.Equal(start.Add(2*time.Hour)) {
		t.Errorf("got %+v, %v, want the last one until then", got, err)
	}
	if _, err := l.Failures.Counted(t.Context(), start.Add(4*time.Hour), start.Add(5*time.Hour)); err == nil {
		t.Error("found a count of a time at which nothing was counted")
	}
}

// A row that was written before keys told anything is counted and listed like any other.
func TestRowsWithOldKeysAreCounted(t *testing.T) {
	table := awstest.NewTable()
	l := ledger.New(table, awstest.TableName)
	f := failure("old", start)
	f.Status = domain.Quarantined
	_, err := l.Failures.Add(t.Context(), f)
	ok(t, err)
	update, names := "SET #g = :g", map[string]string{"#g": "gsk"}
	_, err = table.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: ptr(awstest.TableName), UpdateExpression: &update, ExpressionAttributeNames: names,
		Key:                       map[string]types.AttributeValue{"pk": text("F#old#0"), "sk": text("F")},
		ExpressionAttributeValues: map[string]types.AttributeValue{":g": text(domain.At(start).String() + "#old#0")},
	})
	ok(t, err)
	var tally domain.FailureTally
	ok(t, l.Failures.Count(t.Context(), &tally, 100))
	if tally.Of(replay.FailureQuarantined) != 1 || tally.Groups[0].Error != "Boom" {
		t.Errorf("got %+v, want it counted", tally)
	}
	never := func(string) bool { return false }
	if got := pagesOf(t, l, domain.FailureFilter{}, 10); !slices.Equal(got, []string{"old"}) {
		t.Errorf("got %v, want it listed", got)
	}
	if got := pagesOf(t, l, domain.FailureFilter{Error: never}, 10); len(got) > 0 {
		t.Errorf("got %v, want it left out", got)
	}
}

func TestLongNamesAreListedWhole(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	long := strings.Repeat("é", 200)
	f := failure("long", start)
	f.Status, f.Error, f.State = domain.Quarantined, long, long
	_, err := l.Failures.Add(t.Context(), f)
	ok(t, err)
	for want, match := range map[string]func(string) bool{
		"long": func(s string) bool { return s == long },
		"":     func(s string) bool { return s != long },
	} {
		if got := strings.Join(pagesOf(t, l, domain.FailureFilter{Error: match, State: match}, 10), ""); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// endless is a table whose indexes have a million failures, made when they are read.
type endless struct {
	ledger.Client
	queries, keys int
}

const million = 1_000_000

func (e *endless) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	e.queries++
	const inPartition = million / ledger.Shards
	partition := in.ExpressionAttributeValues[":p"].(*types.AttributeValueMemberS).Value
	out := &dynamodb.QueryOutput{}
	if !strings.HasPrefix(partition, "Q#") {
		return out, nil
	}
	from := 0
	if after, given := in.ExpressionAttributeValues[":s"].(*types.AttributeValueMemberS); given {
		at, err := time.Parse("2006-01-02T15:04:05.000Z", after.Value[:24])
		if err != nil {
			return nil, err
		}
		from = int(at.Sub(start)/time.Second) + 1
	}
	for i := from; i < min(from+int(*in.Limit), inPartition); i++ {
		at, id := domain.At(start.Add(time.Duration(i)*time.Second)).String(), fmt.Sprint(partition[2:], "-", i)
		out.Items = append(out.Items, map[string]types.AttributeValue{
			"pk": text("F#" + id + "#0"), "sk": text("F"), "gpk": text(partition),
			"gsk": text(at + "#" + id + "#0#Q#" + at + "#Error" + strconv.Itoa(i%300) + "#Enrich"),
		})
	}
	e.keys += len(out.Items)
	if n := len(out.Items); n > 0 && from+n < inPartition {
		out.LastEvaluatedKey = out.Items[n-1]
	}
	return out, nil
}

func TestAMillionFailuresAreCountedInFlatMemory(t *testing.T) {
	table := &endless{}
	l := ledger.New(table, awstest.TableName)
	var tally domain.FailureTally
	var before, m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for !tally.Done {
		ok(t, l.Failures.Count(t.Context(), &tally, 100_000))
		runtime.GC()
		if runtime.ReadMemStats(&m); m.HeapAlloc > before.HeapAlloc+20<<20 {
			t.Fatalf("%d bytes are kept", m.HeapAlloc-before.HeapAlloc)
		}
	}
	if tally.Of(replay.FailureQuarantined)+tally.Others != million || len(tally.Groups) != replay.MaxFailureGroups || table.keys != million {
		t.Errorf("counted %d in %d groups and %d others of %d keys", tally.Of(replay.FailureQuarantined), len(tally.Groups), tally.Others, table.keys)
	}
	if table.queries > million/2_000 {
		t.Errorf("took %d queries", table.queries)
	}

	// What a caller waits for is bounded, and a page of the list reads no more than of a short one.
	table.queries, tally = 0, domain.FailureTally{}
	ok(t, l.Failures.Count(t.Context(), &tally, 10_000))
	if tally.Done || table.queries > 5 {
		t.Errorf("done %t after %d queries", tally.Done, table.queries)
	}
}
