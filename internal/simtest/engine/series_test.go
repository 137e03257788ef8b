package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// history ingests n versions of a resource and returns their ids, oldest first.
func history(t *testing.T, e *Engine, id string, n int) []string {
	t.Helper()
	for i := range n {
		e.Ingest(fmt.Sprintf("live-%s-%d", strings.ReplaceAll(id, "/", "_"), i), event(id, "o1", i))
	}
	e.Report()
	return versionIDs(t, e, id)
}

func versionIDs(t *testing.T, e *Engine, id string) (ids []string) {
	t.Helper()
	for v, err := range e.Log.Versions(t.Context(), id, "") {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	slices.Reverse(ids)
	return ids
}

// tester is a test, or one of rapid's.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// list returns every item of a replay in the order of the API, read in small pages.
func list(t tester, e *Engine, id, outcome string) (all []replay.Item) {
	t.Helper()
	query := map[string]string{"limit": "7"}
	if outcome != "" {
		query["outcome"] = outcome
	}
	for {
		answer := e.Call("GET", "/replays/{replayId}/items", "", map[string]string{"replayId": id}, query)
		var page replay.Items
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 {
			t.Fatalf("got %d %s, want 200", answer.StatusCode, answer.Body)
		}
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			return all
		}
		query["cursor"] = page.NextCursor
	}
}

// finished checks the status of an ended replay, and that its counts equal its items.
func finished(t *testing.T, e *Engine, id string, status replay.Status, want replay.Counts) replay.Replay {
	t.Helper()
	r := get(t, e, id)
	if r.Status != status || r.Counts != want || r.CompletedAt == nil {
		t.Errorf("got %s %+v, want %s %+v: %+v", r.Status, r.Counts, status, want, list(t, e, id, ""))
	}
	checkCounts(t, e, r)
	return r
}

func checkCounts(t tester, e *Engine, r replay.Replay) {
	t.Helper()
	var got replay.Counts
	for _, it := range list(t, e, r.ReplayID, "") {
		got.Matched++
		if it.ExecutionARN != "" {
			got.Started++
		}
		switch it.Outcome {
		case replay.Skipped:
			got.Skipped++
		case replay.Succeeded:
			got.Succeeded++
		case replay.Failed:
			got.Failed++
		}
		if (it.Outcome == replay.Skipped || it.Outcome == replay.Failed) && it.Reason == "" {
			t.Errorf("%s %s without a reason", it.ResourceID, it.Outcome)
		}
	}
	if got != r.Counts {
		t.Errorf("counts are %+v, the items say %+v", r.Counts, got)
	}
}

// order returns the versions in the order in which a replay's executions were started.
func order(t *testing.T, e *Engine) (ids []string) {
	t.Helper()
	for _, name := range e.Machine.Names(domain.APIPrefix) {
		row, err := e.Book.Executions.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, row.VersionID)
	}
	return ids
}

const seriesOf = `{"select":{"resourceIds":["r1"]},"versions":{"series":%s,"onFailure":"%s"},"reason":"a test"}`

func TestASeriesRunsOldestFirst(t *testing.T) {
	e := New(t)
	versions := history(t, e, "r1", 4)
	history(t, e, "r10", 2) // r1 is its prefix
	tests := []struct {
		series string
		want   []string
	}{
		{`"all"`, versions},
		{`{"last":2}`, versions[2:]},
		{fmt.Sprintf(`{"from":%q}`, versions[1]), versions[1:]},
		{fmt.Sprintf(`{"from":%q,"to":%q}`, versions[2], versions[3]), versions[2:]},
		{`{"last":1}`, versions[3:]},
	}
	for _, tt := range tests {
		before := len(order(t, e))
		id := ask(t, e, fmt.Sprintf(seriesOf, tt.series, "stop"))
		e.Pump()
		n := len(tt.want)
		finished(t, e, id, replay.Completed, replay.Counts{Matched: n, Started: n, Succeeded: n})
		if got := order(t, e)[before:]; !slices.Equal(got, tt.want) {
			t.Errorf("%s ran %v, want %v", tt.series, got, tt.want)
		}
	}
	if got := versionIDs(t, e, "r1"); !slices.Equal(got, versions) {
		t.Errorf("the history is %v, want %v", got, versions)
	}
}

func TestVersionsByIDRunAsASeries(t *testing.T) {
	e := New(t)
	versions := history(t, e, "r1", 3)
	body := `{"select":{"resourceIds":["r1"]},"versions":{"ids":[%q,%q]},"reason":"a test"}`
	id := ask(t, e, fmt.Sprintf(body, versions[2], versions[0])) // any order
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	if got, want := order(t, e), []string{versions[0], versions[2]}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
	id = ask(t, e, fmt.Sprintf(body, versions[2], "none"))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
	if it := list(t, e, id, "")[0]; !strings.Contains(it.Reason, "no version none") {
		t.Errorf("got %+v, want the unknown version named", it)
	}
}

func TestAVersionThatFailsStopsItsSeriesOrDoesNot(t *testing.T) {
	e := New(t)
	versions := history(t, e, "r1", 4)
	e.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, `"n":1`) {
			return "", "BadListing"
		}
		return event, ""
	}
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 4, Started: 2, Succeeded: 1, Failed: 1, Skipped: 2})
	if it := list(t, e, id, "SKIPPED")[0]; it.VersionID == "" && !strings.Contains(it.Reason, "older version of the series failed") {
		t.Errorf("got %+v, want the reason", it)
	}
	id = ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "continue"))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 4, Started: 4, Succeeded: 3, Failed: 1})
	if got := order(t, e)[2:]; !slices.Equal(got, versions) {
		t.Errorf("ran %v, want %v", got, versions)
	}
}

func TestCancelActsBetweenTheVersionsOfASeries(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 4)
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	e.Series.Before = func(_ string, index int) bool {
		if index == 2 {
			cancel(t, e, id, 200)
		}
		return true
	}
	e.Pump()
	r := finished(t, e, id, replay.Cancelled, replay.Counts{Matched: 4, Started: 2, Succeeded: 2, Skipped: 2})
	if r.Stopped == nil || r.Stopped.By != "unknown" || r.Stopped.At.IsZero() {
		t.Errorf("got %+v, want who cancelled it and when", r.Stopped)
	}
	cancel(t, e, id, 200) // again
}

func cancel(t *testing.T, e *Engine, id string, want int) {
	t.Helper()
	answer := e.Call("POST", "/replays/{replayId}/cancel", "", map[string]string{"replayId": id}, nil)
	if answer.StatusCode != want {
		t.Errorf("cancel: got %d %s, want %d", answer.StatusCode, answer.Body, want)
	}
}

func TestASeriesThatIsAbortedSettlesWhatItLeft(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 4)
	e.Series.Before = func(_ string, index int) bool { return index < 1 }
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 4, Started: 1, Succeeded: 1, Skipped: 3})
	if it := list(t, e, id, "SKIPPED")[0]; !strings.Contains(it.Reason, "aborted") {
		t.Errorf("got %+v, want the reason", it)
	}
}

// The Series state machine dies after a version was bound and before its execution was started.
func TestABoundVersionThatNeverStartedIsSettled(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 3)
	e.Series.Before = func(_ string, index int) bool { return index < 1 }
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	for _, body := range drainToItems(t, e) {
		e.Listen(body)
	}
	in := seriesInput(t, e)
	for i := range 2 {
		in.Index = i
		if _, err := e.Listener.BindVersion(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if r := get(t, e, id); r.Counts.Started != 2 {
		t.Errorf("got %+v, want two about to start", r.Counts)
	}
	e.Series.Before = func(string, int) bool { return false }
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Skipped: 3})
}

func TestThreeHundredVersionsInSeries(t *testing.T) {
	e, _ := quick(t)
	logged(t, e, "r1", 300)
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 300, Started: 300, Succeeded: 300})
	if got := order(t, e); !slices.Equal(got, versionIDs(t, e, "r1")) {
		t.Error("they did not run oldest first")
	}
}

// logged puts events into the log as if they had been ingested long ago.
func logged(t *testing.T, e *Engine, id string, n int) {
	t.Helper()
	at := time.Now().Add(-time.Hour)
	for i := range n {
		meta := eventlog.Meta{
			Execution: fmt.Sprintf("old-%s-%d", id, i), OwnerID: "o1", RecordedAt: at.Add(time.Duration(i) * time.Second).Truncate(time.Millisecond),
			StartedAt: at.Add(time.Duration(i) * time.Second),
		}
		if _, err := e.Log.Put(t.Context(), id, []byte(event(id, "o1", i)), meta); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMoreVersionsThanARunCanHold(t *testing.T) {
	e, _ := quick(t)
	logged(t, e, "r1", replay.MaxSeriesVersions+1)
	id := ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Failed: 1})
	if it := list(t, e, id, "")[0]; !strings.Contains(it.Reason, "more than 1000 versions") {
		t.Errorf("got %+v, want the limit named", it)
	}
}

func TestASeriesThatDoesNotFitIsSkippedWhole(t *testing.T) {
	e := New(t)
	history(t, e, "r1", 3)
	history(t, e, "r2", 2)
	body := `{"select":{"resourceIds":["r1","r2"]},"versions":{"series":"all"},"maxItems":3,"reason":"a test"}`
	id := ask(t, e, body)
	e.Pump()
	r := get(t, e, id)
	if r.Status != replay.Completed || r.Counts.Matched > 3 {
		t.Errorf("got %s %+v, want at most 3 items", r.Status, r.Counts)
	}
	checkCounts(t, e, r)
	skipped := list(t, e, id, "SKIPPED")
	if len(skipped) != 1 || !strings.Contains(skipped[0].Reason, "maxItems 3") {
		t.Errorf("skipped %+v, want the series that does not fit", skipped)
	}
}

func seriesInput(t *testing.T, e *Engine) listener.SeriesInput {
	t.Helper()
	in, err := e.seriesInput()
	if err != nil || len(in.Indexes) == 0 {
		t.Fatalf("got %+v, %v, want a series that was started", in, err)
	}
	return in
}

// drainToItems delivers the queue until it has messages of items, and returns them.
func drainToItems(t *testing.T, e *Engine) []string {
	t.Helper()
	for range 100 {
		bodies := e.Replays.TakeAll()
		if len(bodies) > 0 && strings.Contains(bodies[0], `"kind":"item"`) {
			return bodies
		}
		e.Listen(bodies...)
	}
	t.Fatal("no message of an item came")
	return nil
}

func stampNow() domain.Stamp { return domain.At(time.Now()) }
