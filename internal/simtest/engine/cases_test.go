package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestResourcesThatCannotRunSayWhy(t *testing.T) {
	e, _ := quick(t)
	long := strings.Repeat("é", 169) + "xyz" // 1,017 bytes encoded, and the prefix
	for i, id := range []string{"res1", "res10", "res", "gone", "back", "moved", long} {
		e.Ingest(fmt.Sprint("live-", i), event(id, "o1", i))
	}
	e.Ingest("live-moved", event("moved", "o2", 1))
	for _, id := range []string{"gone", "back"} {
		key, err := replay.EventKey(id)
		if err != nil {
			t.Fatal(err)
		}
		e.Bucket.Delete(key)
	}
	e.Ingest("live-back", event("back", "o1", 9))
	e.Report()
	id := ask(t, e, selecting("res1", "res", "gone", "back", "unknown", long))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 6, Started: 4, Succeeded: 4, Skipped: 2})
	all := items(t, e, id)
	for id, want := range map[string]string{"gone": "deleted from the event log", "unknown": "no such resource"} {
		if it := all[id]; it.Outcome != replay.Skipped || !strings.Contains(it.Reason, want) {
			t.Errorf("got %+v, want it skipped: %s", it, want)
		}
	}
	row, err := e.Book.Executions.Get(t.Context(), domain.APIName(id, "res1", 0))
	if err != nil || row.VersionID != versionIDs(t, e, "res1")[0] {
		t.Errorf("res1 ran %+v, %v, want its own version", row, err)
	}
	id = ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 7, Started: 5, Succeeded: 5, Skipped: 2})
	if it := items(t, e, id)["moved"]; !strings.Contains(it.Reason, `belongs to owner "o2"`) {
		t.Errorf("got %+v, want who has it now", it)
	}
	id = ask(t, e, `{"select":{"all":true},"maxItems":100,"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 6, Started: 6, Succeeded: 6})
}

// A service that answers 503 for minutes costs no receives, and puts nothing into the dead-letter queue.
func TestAServiceInTroubleIsWaitedFor(t *testing.T) {
	for _, at := range []string{"GetObject events/", "GetObject replays/", "HeadObject", "ListObjectVersions", "GetItem", "TransactWriteItems", "Query", "StartExecution"} {
		t.Run(at, func(t *testing.T) {
			e, f := quick(t)
			history(t, e, "r1", 2)
			history(t, e, "r2", 1)
			id := ask(t, e, selecting("r1", "r2"))
			d := &driver{e: e, batch: 10}
			f.Refuse = at
			for try := range 20 {
				for _, body := range e.Replays.TakeAll() {
					if left := d.listen(t, []string{body}); len(left) > 0 {
						t.Fatalf("try %d: refused %s, which costs a receive", try, body)
					}
				}
			}
			f.Refuse = ""
			d.drive(t)
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 2, Started: 2, Succeeded: 2})
		})
	}
}

func TestTwoReplaysOfAResourceAtOnce(t *testing.T) {
	e, _ := quick(t)
	versions := history(t, e, "r1", 3)
	one, two := ask(t, e, selecting("r1")), ask(t, e, fmt.Sprintf(seriesOf, `"all"`, "stop"))
	e.Pump()
	finished(t, e, one, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	finished(t, e, two, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 3})
	got := order(t, e)
	slices.Sort(got)
	if want := append(slices.Clone(versions), versions[2]); !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
}

// Events arrive between the versions of a series. They are not part of it, and an older version does not run after the
// success of a newer one.
func TestEventsThatArriveDuringASeries(t *testing.T) {
	for _, allow := range []bool{false, true} {
		e, _ := quick(t)
		history(t, e, "r1", 3)
		id := ask(t, e, fmt.Sprintf(`{"select":{"resourceIds":["r1"]},"versions":{"series":"all"},"allowStale":%t,"reason":"a test"}`, allow))
		e.Series.Before = func(_ string, index int) bool {
			if index == 1 {
				e.Ingest("meanwhile", event("r1", "o1", 9))
			}
			return true
		}
		e.Pump()
		if allow {
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 3})
			continue
		}
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 1, Succeeded: 1, Skipped: 2})
		if it := list(t, e, id, "SKIPPED")[0]; !strings.Contains(it.Reason, "stale") {
			t.Errorf("got %+v, want it stale", it)
		}
	}
}

// The clock of Record is some seconds behind that of Step Functions. Versions that it recorded since are still newer.
func TestAnEventIsNewerByTheClockOfStepFunctions(t *testing.T) {
	e, _ := quick(t)
	begin, ahead := time.Now(), 4*time.Second
	e.Machine.Now = func() time.Time { return begin.Add(ahead) }
	versions := history(t, e, "r1", 1)
	ahead += time.Second
	e.Ingest("live-2", event("r1", "o1", 2))
	e.Report()
	id := ask(t, e, fmt.Sprintf(
		`{"select":{"resourceIds":["r1"]},"versions":{"ids":[%q]},"publish":"suppress","reason":"a test"}`, versions[0]))
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
	for _, it := range list(t, e, id, "") {
		if !strings.Contains(it.Reason, "stale") {
			t.Errorf("got %+v, want it stale", it)
		}
	}
}

// A retry of Record left a second version of the same execution.
func TestASecondVersionOfAnExecutionCountsOnce(t *testing.T) {
	e, _ := quick(t)
	history(t, e, "r1", 1)
	second := ""
	for v, err := range e.Log.Versions(t.Context(), "r1", "") {
		if err == nil {
			second, err = e.Log.Put(t.Context(), "r1", []byte(event("r1", "o1", 0)), v.Meta)
		}
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	e.Ingest("live-2", event("r1", "o1", 2))
	e.Report()
	versions := versionIDs(t, e, "r1")
	if len(versions) != 2 || slices.Contains(versions, second) {
		t.Fatalf("the history is %v, want two versions and not %s", versions, second)
	}
	for _, tt := range []struct {
		versions string
		want     []string
	}{
		{`"latest"`, versions[1:]},
		{`{"asOf":"-PT0S"}`, versions[1:]},
		{`{"series":"all"}`, versions},
		{`{"series":{"last":2}}`, versions},
		{fmt.Sprintf(`{"ids":[%q]}`, second), versions[:1]},
		{fmt.Sprintf(`{"ids":[%q,%q]}`, second, versions[0]), versions[:1]},
		{fmt.Sprintf(`{"series":{"from":%q}}`, second), versions},
		{fmt.Sprintf(`{"series":{"to":%q}}`, second), versions[:1]},
	} {
		before := len(order(t, e))
		id := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":`+tt.versions+`,"allowStale":true,"reason":"a test"}`)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: len(tt.want), Started: len(tt.want), Succeeded: len(tt.want)})
		if got := order(t, e)[before:]; !slices.Equal(got, tt.want) {
			t.Errorf("%s ran %v, want %v", tt.versions, got, tt.want)
		}
	}
	answer := e.Call("GET", "/versions", "", nil, map[string]string{"resourceId": "r1"})
	var page replay.History
	if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || len(page.Versions) != 2 {
		t.Errorf("the API lists %s, want two versions", answer.Body)
	}
}

// The last executions end, and their ends are not reported.
func TestALostEndIsMadeUpFor(t *testing.T) {
	e, _ := quick(t)
	history(t, e, "r1", 2)
	history(t, e, "r2", 1)
	id := ask(t, e, `{"select":{"resourceIds":["r1","r2"]},"versions":{"series":"all"},"reason":"a test"}`)
	for range 5 {
		for _, body := range e.Replays.TakeAll() {
			e.Listen(body)
		}
		e.Series.RunAll(t.Context())
		e.Machine.RunAll(t.Context())
		e.Machine.TakeEnds()
		e.Series.TakeEnds()
	}
	if r := get(t, e, id); r.Status != replay.Running {
		t.Fatalf("got %s, want it to wait for news", r.Status)
	}
	e.Schedule()
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 3, Started: 3, Succeeded: 3})
}

func TestAThousandResourcesByIDAndFiveThousandOfAnOwner(t *testing.T) {
	e, _ := quick(t)
	const owned = 5000
	ids := make([]string, owned)
	for i := range ids {
		ids[i] = fmt.Sprint("res", i)
		logged(t, e, ids[i], 1)
		if err := e.Book.Owners.Note(t.Context(), "o1", ids[i], stampNow()); err != nil {
			t.Fatal(err)
		}
	}
	id := ask(t, e, selecting(ids[:replay.MaxResourceIDs]...))
	e.Pump()
	n := replay.MaxResourceIDs
	finished(t, e, id, replay.Completed, replay.Counts{Matched: n, Started: n, Succeeded: n})
	id = ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	most := 0
	for !e.Replays.Empty() { // it is looked up page by page, whatever its size
		bodies := e.Replays.TakeAll()
		most = max(most, len(bodies))
		for chunk := range slices.Chunk(bodies, 10) {
			if refused := e.Listen(chunk...); refused > 0 {
				t.Fatalf("refused %d", refused)
			}
		}
	}
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: owned, Started: owned, Succeeded: owned})
	if most > ledger.MaxPageItems+1 {
		t.Errorf("%d messages at once, want a page and the next one", most)
	}
}

// A message about a replay that the ledger does not have is for a person to look at.
func TestAMessageOfAnUnknownReplayIsRefused(t *testing.T) {
	e, _ := quick(t)
	for _, m := range []protocol.ReplayMessage{
		{Kind: protocol.KindExpand, ReplayID: "none"}, {Kind: protocol.KindItem, ReplayID: "none"},
		{Kind: protocol.KindSweep, ReplayID: "none"}, {Kind: protocol.KindClose, Series: "none"},
	} {
		if refused := e.Listen(m.Encode()); refused != 1 || !e.Replays.Empty() {
			t.Errorf("%s: refused %d, want it to come back until it is a dead letter", m.Kind, refused)
		}
		if err := e.Dead.Send(t.Context(), m.Encode()); err != nil {
			t.Fatal(err)
		}
	}
	e.Schedule()
	if n := strings.Count(e.Call("GET", "/failures", "", nil, nil).Body, "PoisonMessage"); n != 4 {
		t.Errorf("%d messages in quarantine, want 4", n)
	}
}

// The function dies while it plans a long series. The versions that it has planned remain.
func TestALongPlanGetsOn(t *testing.T) {
	e, f := quick(t)
	logged(t, e, "r1", 250)
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"versions":{"series":"all"},"transform":{"mergePatch":{"n":7}},"dryRun":true,"reason":"a test"}`)
	item := drainToItems(t, e)
	f.Arm(650, true, false)
	if !f.During(func() { e.Listen(item...) }) {
		t.Fatal("it did not die")
	}
	if n := len(list(t, e, id, "PLANNED")); n == 0 || n == 250 {
		t.Errorf("%d versions planned, want some", n)
	}
	e.Listen(item...)
	e.Pump()
	r := finished(t, e, id, replay.Planned, replay.Counts{Matched: 250})
	if r.Plan.Items != 250 {
		t.Errorf("got %+v, want 250 items", r.Plan)
	}
}

// If all starts of the next windows are taken, a message is not refused. It asks again until it gets a start.
func TestAMessageAsksForAStartUntilItGetsOne(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := awstest.NewClock(begin)
	e := InMemory(t, &Faults{}, Clock{Now: c.Now})
	logged(t, e, "r1", 1)
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"maxPerSecond":1,"reason":"a test"}`)
	patient := ledger.Claimant{Name: id, Patient: true}
	for range 120 { // two minutes of starts are reserved
		if _, err := e.Book.Pace.Reserve(t.Context(), ledger.Own(id, 1), patient, 1, begin); err != nil {
			t.Fatal(err)
		}
	}
	var delays []time.Duration
	e.Replays.OnPost = func(p post) { delays = append(delays, p.Delay) }
	item := drainToItems(t, e)
	for get(t, e, id).Counts.Started == 0 {
		delays = nil
		if refused := e.Listen(item...); refused > 0 || c.Now().Sub(begin) > 4*time.Minute {
			t.Fatalf("refused %d, waited for %s", refused, c.Now().Sub(begin))
		}
		if item = e.Replays.TakeAll(); len(delays) > 0 {
			if delays[0] > time.Minute {
				t.Fatalf("it asks again after %s, want a minute at most", delays[0])
			}
			c.Set(c.Now().Add(delays[0].Truncate(time.Second) + time.Second))
		}
	}
	if waited := c.Now().Sub(begin); waited < 2*time.Minute {
		t.Errorf("started after %s, want it behind what was reserved", waited)
	}
}
