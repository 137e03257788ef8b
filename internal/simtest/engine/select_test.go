package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// priced are listings of two owners with a price each: odd ones fail.
func priced(t *testing.T, e *Engine, n int) {
	t.Helper()
	e.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, `"odd":true`) {
			return "", "InvalidListing"
		}
		return event, ""
	}
	for i := range n {
		e.Ingest(fmt.Sprint("live-", i), listing(fmt.Sprint("r", i), fmt.Sprint("o", i%3), i))
	}
	e.Report()
	e.Schedule()
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
}

func listing(id, owner string, i int) string {
	return fmt.Sprintf(`{"id":%q,"owner":%q,"price":%d.50,"serial":%d12345678901234567890,"odd":%t}`, id, owner, i*1000, i+1, i%2 == 1)
}

// replayed runs a replay to its end and returns the resources of its items in order.
func replayed(t *testing.T, e *Engine, body string) (replay.Replay, []string) {
	t.Helper()
	id := ask(t, e, body)
	e.Pump()
	r := get(t, e, id)
	checkCounts(t, e, r)
	var ids []string
	for _, it := range list(t, e, id, "") {
		ids = append(ids, it.ResourceID)
	}
	slices.Sort(ids)
	return r, ids
}

func TestSelectionsCombine(t *testing.T) {
	for _, tt := range []struct {
		name, fields string
		want         []string
		looked       int
	}{
		{"resources of an owner are guarded", `"select":{"resourceIds":["r0","r3"],"ownerId":"o0"}`, []string{"r0", "r3"}, 0},
		{"failures of an owner", `"select":{"ownerId":"o1","failures":{}}`, []string{"r1", "r7"}, 0},
		{"failures of resources and an owner", `"select":{"resourceIds":["r1","r2","r3"],"ownerId":"o1","failures":{"error":"Invalid*"}}`, []string{"r1"}, 0},
		{"failures of a state", `"select":{"failures":{"state":"Work*"}}`, []string{"r1", "r11", "r3", "r5", "r7", "r9"}, 0},
		{"failures of another state", `"select":{"failures":{"state":"Publish"}}`, nil, 0},
		{"failures by their cause", `"select":{"resourceIds":["r1","r2"],"failures":{"cause":"the user"}}`, []string{"r1"}, 0},
		{"failures of another cause", `"select":{"failures":{"cause":"The user"}}`, nil, 0},
		{"a filter of everything", `"select":{"all":true,"where":"@.price >= 9000.5"},"maxItems":10`, []string{"r10", "r11", "r9"}, 12},
		{"a filter by all digits", `"select":{"all":true,"where":"@.serial == 212345678901234567890 || @.serial == 312345678901234567891"},"maxItems":10`, []string{"r1"}, 12},
		{"a filter of an owner", `"select":{"ownerId":"o2","where":"!(@.odd == true)"}`, []string{"r2", "r8"}, 4},
		{"a filter of failures", `"select":{"failures":{},"where":"@.price > 6000"}`, []string{"r11", "r7", "r9"}, 6},
		{"a filter of resources", `"select":{"resourceIds":["r1","r2"],"where":"match(@.id, 'r[2-9]')"}`, []string{"r2"}, 2},
		{"what succeeded of an owner", `"select":{"ownerId":"o0","outcome":"succeeded"}`, []string{"r0", "r6"}, 4},
		{"what failed of an owner, with a filter", `"select":{"ownerId":"o0","outcome":"failed","where":"@.price > 5000"}`, []string{"r9"}, 4},
		{"what runs", `"select":{"all":true,"outcome":"open"},"maxItems":10`, nil, 12},
		{"a filter that fits nothing", `"select":{"all":true,"where":"@.none"},"maxItems":10`, nil, 12},
		{"a filter of a version as of now", `"select":{"ownerId":"o2","where":"@.odd == true"},"versions":{"asOf":"-PT0S"}`, []string{"r11", "r5"}, 4},
		{"a filter within a window of none", `"select":{"ownerId":"o2","recorded":{"to":"-P1D"},"where":"@.odd"}`, []string{"r11", "r2", "r5", "r8"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := inMemory(t)
			priced(t, e, 12)
			r, ids := replayed(t, e, `{`+tt.fields+`,"reason":"a test"}`)
			if !slices.Equal(ids, tt.want) || r.Status != replay.Completed || r.Looked != tt.looked {
				t.Errorf("got %v of %d looked at, %s, want %v of %d", ids, r.Looked, r.Status, tt.want, tt.looked)
			}
		})
	}
}

// A filter applies to the version that is replayed. An older version that matches is not replayed instead.
func TestAFilterIsAboutTheVersionThatIsReplayed(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 3) // n: 0, 1, 2
	for where, want := range map[string]int{`@.n == 2`: 1, `@.n == 1`: 0} {
		r, ids := replayed(t, e, fmt.Sprintf(`{"select":{"ownerId":"o1","where":%q},"reason":"a test"}`, where))
		if len(ids) != want || r.Looked != 1 {
			t.Errorf("%s: got %v of %d looked at, want %d of 1", where, ids, r.Looked, want)
		}
	}
}

func TestASeriesHasTheVersionsThatFit(t *testing.T) {
	e := inMemory(t)
	ids := history(t, e, "r1", 30)
	history(t, e, "r2", 2)
	id := ask(t, e, `{"select":{"ownerId":"o1","where":"@.n >= 2 && @.n < 5"},"versions":{"series":"all"},"allowStale":true,"reason":"a test"}`)
	e.Pump()
	r := finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 3})
	if got := order(t, e); !slices.Equal(got, ids[2:5]) {
		t.Errorf("ran %v, want %v", got, ids[2:5])
	}
	if want := maxLookedAhead + 30 + 2; r.Looked != want {
		t.Errorf("looked at %d events, want %d: some ahead, then those of the series, and both of r2", r.Looked, want)
	}
	stale := ask(t, e, `{"select":{"resourceIds":["r1"],"where":"@.n < 5"},"versions":{"series":"all"},"reason":"a test"}`)
	e.Pump()
	finished(t, e, stale, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
	if it := list(t, e, stale, "")[0]; !strings.HasPrefix(it.Reason, "stale: ") {
		t.Errorf("got %+v, want the series skipped: newer versions that do not fit have succeeded", it)
	}
	named := ask(t, e, fmt.Sprintf(`{"select":{"resourceIds":["r1"],"where":"@.n == 29"},"versions":{"ids":[%q,%q]},"reason":"a test"}`, ids[0], ids[29]))
	e.Pump()
	finished(t, e, named, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
}

// maxLookedAhead is how many versions of a resource a page looks at.
const maxLookedAhead = 20

// Between the check of a resource and its start, a newer event arrives that does not match.
func TestAnEventThatDoesNotFitAnyMoreIsSkipped(t *testing.T) {
	e := inMemory(t)
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Report()
	id := ask(t, e, `{"select":{"ownerId":"o1","where":"@.n == 1"},"reason":"a test"}`)
	e.Listen(e.Replays.TakeAll()...)
	time.Sleep(2 * time.Millisecond) // events are ordered by when they started, in milliseconds
	e.Ingest("live-2", event("r1", "o1", 2))
	e.Report()
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
	if it := list(t, e, id, "")[0]; !strings.HasSuffix(it.Reason, "does not fit the selection") || it.VersionID == "" {
		t.Errorf("got %+v, want the version that does not fit", it)
	}
}

// If a filter cannot be decided for an event, the event is reported and never left out.
func TestAHostileEventFailsAsAnItem(t *testing.T) {
	e := inMemory(t)
	wide := strings.Repeat("1,", 100_000) + "1"
	e.Ingest("live-1", `{"id":"r1","owner":"o1","a":[`+wide+`]}`)
	e.Ingest("live-2", `{"id":"r2","owner":"o1","a":`+strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)+`}`)
	e.Ingest("live-3", `{"id":"r3","owner":"o1","a":1e`+strings.Repeat("9", 200_000)+`}`)
	e.Ingest("live-4", `{"id":"r4","owner":"o1","a":["x"]}`)
	e.Report()
	id := ask(t, e, `{"select":{"ownerId":"o1","where":"@..[?$..[?$..[?@ == 'x']]]"},"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 1, Succeeded: 1, Failed: 2})
	all := items(t, e, id)
	for _, r := range []string{"r1", "r2"} {
		if it := all[r]; it.Outcome != replay.Failed || !strings.HasPrefix(it.Reason, "FilterFailed: the filter takes more than") || it.VersionID == "" {
			t.Errorf("got %+v, want it failed by its filter", it)
		}
	}
	if all["r4"].Outcome != replay.Succeeded {
		t.Errorf("got %+v, want it replayed", all)
	}
	big := ask(t, e, `{"select":{"ownerId":"o1","where":"@.a > 1e400"},"reason":"a test"}`)
	e.Pump()
	finished(t, e, big, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
}

// The work for one message is bounded, even if almost nothing matches.
func TestAFilterThatFitsLittleTakesPagesOfBoundedWork(t *testing.T) {
	e := inMemory(t)
	const n = 1_300
	for i := range n {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprintf("r%04d", i), "o1", i))
	}
	e.Report()
	id := ask(t, e, `{"select":{"all":true,"where":"@.n == 7 || @.n == 1299"},"maxItems":2,"reason":"a test"}`)
	e.Pump()
	r := finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
	row, err := e.Book.Replays.Get(t.Context(), id)
	if err != nil || row.Pages < 3 || row.Pages > 4 || r.Looked != n || r.Truncated {
		t.Errorf("got %d pages, %d looked at, truncated %t, %v, want 3 or 4 pages for %d", row.Pages, r.Looked, r.Truncated, err, n)
	}
}

func TestAFilterThatCannotBeReadIsRefused(t *testing.T) {
	e := inMemory(t)
	answer := e.Call("POST", "/replays", `{"select":{"ownerId":"o1","where":"@.a = 1"},"transform":{"jsonPatch":[{"op":"add","path":"/a","value":1}]},"reason":"x"}`, nil, nil)
	if answer.StatusCode != 400 || !strings.Contains(answer.Body, `"field":"select.where"`) || !strings.Contains(answer.Body, "at character 5") {
		t.Errorf("got %d %s, want 400 and where the filter is wrong", answer.StatusCode, answer.Body)
	}
}
