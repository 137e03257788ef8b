package engine

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// largePlan writes the rows of a dry run that has planned n items.
func largePlan(t testing.TB, e *Engine, n int) (id string) {
	t.Helper()
	return large(t, e, n, replay.WouldRun)
}

// large writes the rows of a replay whose n items have an outcome.
func large(t testing.TB, e *Engine, n int, outcome replay.Outcome) (id string) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	id = ulid.Make().String()
	r := replay.Request{
		Action: replay.Rerun, Select: replay.Select{All: true}, Versions: replay.Versions{Mode: replay.LatestVersion},
		Publish: replay.PublishNormal, MaxItems: n, DryRun: outcome == replay.WouldRun, Reason: "a test",
	}
	body, err := json.Marshal(r)
	check(err)
	check(e.Log.PutObject(ctx, eventlog.RequestKey(id), body))
	check(e.Book.Replays.Add(ctx, domain.Replay{
		ID: id, Status: replay.Pending, Action: r.Action, DryRun: r.DryRun, Reason: r.Reason, MaxItems: n, CreatedAt: domain.At(time.Now()),
	}))
	for page := 0; page*ledger.MaxPageItems < n; page++ {
		entries := make([]domain.Entry, min(ledger.MaxPageItems, n-page*ledger.MaxPageItems))
		changes := make([]domain.ItemChange, len(entries))
		for i := range entries {
			entries[i].ResourceID = fmt.Sprintf("r%07d", page*ledger.MaxPageItems+i)
			item := domain.Item{ReplayID: id, Page: page, Ordinal: i, ResourceID: entries[i].ResourceID, Outcome: replay.Waiting}
			changes[i] = domain.ItemChange{
				Item: item, To: outcome, VersionID: fmt.Sprintf("%032d", i), Digest: strings.Repeat("0", 64), At: domain.At(time.Now()),
			}
		}
		p := domain.Page{ReplayID: id, Number: page}
		if (page+1)*ledger.MaxPageItems < n {
			p.Next = "more"
		}
		check(e.Book.Pages.Add(ctx, domain.Replay{ID: id, Spread: true}, p, entries, false))
		check(e.Book.Items.Change(ctx, id, changes))
	}
	row, err := e.Book.Replays.Get(ctx, id)
	check(err)
	row, err = e.Book.Replays.Count(ctx, row)
	check(err)
	check(e.Book.Replays.Finish(ctx, row, domain.At(time.Now())))
	return id
}

// allocated runs a message and returns how many bytes that allocates, the world's part included.
func allocated(e *Engine, body string) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	e.Listen(body)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// follow runs the messages of one kind, drops the others, and returns what each allocated.
func follow(e *Engine, kind string) (allocs []uint64) {
	for bodies := e.Replays.TakeAll(); len(bodies) > 0; bodies = e.Replays.TakeAll() {
		for _, body := range bodies {
			if msg, err := protocol.DecodeReplayMessage(body); err == nil && msg.Kind == kind {
				allocs = append(allocs, allocated(e, body))
			}
		}
	}
	return allocs
}

// planOf plans and applies n items, and checks that no message needs more memory than another.
func planOf(t testing.TB, n int) (hashing, applying []uint64) {
	t.Helper()
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	id := largePlan(t, e, n)
	call := func(method, resource, body string) string {
		t.Helper()
		answer := e.Call(method, resource, body, map[string]string{"replayId": id}, nil)
		if answer.StatusCode >= 300 {
			t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
		}
		return answer.Body
	}
	call("GET", "/replays/{replayId}", "")
	hashing = follow(e, protocol.KindHash)
	var r replay.Replay
	if err := json.Unmarshal([]byte(call("GET", "/replays/{replayId}", "")), &r); err != nil || len(r.Plan.PlanHash) != 64 || r.Plan.Items != n {
		t.Fatalf("got %+v, %v, want the hash of %d items", r.Plan, err, n)
	}
	call("POST", "/replays", fmt.Sprintf(`{"apply":{"planId":%q,"planHash":%q}}`, id, r.Plan.PlanHash))
	applying = follow(e, protocol.KindExpand)
	if err := json.Unmarshal([]byte(call("GET", "/replays/{replayId}", "")), &r); err != nil || r.AppliedBy == "" {
		t.Fatalf("got %+v, %v", r.Plan, err)
	}
	row, err := e.Book.Replays.Get(t.Context(), r.AppliedBy)
	if err != nil || row.Matched != n || !row.Expanded || row.Truncated {
		t.Errorf("got %+v, %v, want all %d items selected", row, err, n)
	}
	return hashing, applying
}

// flat checks that the last messages allocate no more than the first ones.
func flat(t testing.TB, what string, allocs []uint64, most uint64) {
	t.Helper()
	if got := slices.Max(allocs); got > most {
		t.Errorf("%s: a message of %d allocated %d bytes, want %d at most", what, len(allocs), got, most)
	}
}

const (
	mostHashing  = 32 << 20 // 100 pages of 98 rows, which the table in memory copies
	mostApplying = 16 << 20 // one page to read and one to write: 2 MiB, and more when a map of the table in memory grows
)

func TestALargePlanTakesNoMoreMemoryThanASmallOne(t *testing.T) {
	const n = 100_000
	hashing, applying := planOf(t, n)
	if len(hashing) != 11 || len(applying) != 1_021 {
		t.Errorf("%d messages hashed and %d applied, want 11 and 1,021", len(hashing), len(applying))
	}
	flat(t, "hashing", hashing, mostHashing)
	flat(t, "applying", applying, mostApplying)
	t.Logf("at most %d bytes for a message that hashes, %d for one that applies", slices.Max(hashing), slices.Max(applying))
}

func BenchmarkAPlanOfAMillion(b *testing.B) {
	for b.Loop() {
		hashing, applying := planOf(b, 1_000_000)
		flat(b, "hashing", hashing, mostHashing)
		flat(b, "applying", applying, mostApplying)
		b.ReportMetric(float64(slices.Max(hashing))/(1<<20), "MiB/hash-message")
		b.ReportMetric(float64(slices.Max(applying))/(1<<20), "MiB/apply-message")
	}
}
