package engine

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/replay"
)

// evidenceOf asks for the evidence of a replay, and returns the status of the answer.
func evidenceOf(t testing.TB, e *Engine, id string) (ev replay.Evidence, status int) {
	t.Helper()
	answer := e.Call("GET", "/replays/{replayId}/evidence", "", map[string]string{"replayId": id}, nil)
	if answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal([]byte(answer.Body), &ev); err != nil {
			t.Fatal(err)
		}
	}
	return ev, answer.StatusCode
}

// recomputed is the digest of the items that the API lists.
func recomputed(t testing.TB, e *Engine, id string) string {
	t.Helper()
	digest := replay.NewItemsDigest()
	for cursor := ""; ; {
		query := map[string]string{"limit": "7"}
		if cursor != "" {
			query["cursor"] = cursor
		}
		var page replay.Items
		answer := e.Call("GET", "/replays/{replayId}/items", "", map[string]string{"replayId": id}, query)
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			digest.Add(it)
		}
		if cursor = page.NextCursor; cursor == "" {
			return digest.Sum()
		}
	}
}

func versionsOf(e *Engine, key string) int { return e.Bucket.Versions(key) }

func TestAReplayThatHasEndedHasItsEvidence(t *testing.T) {
	e := New(t)
	for i := range 20 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Pump()
	e.Machine.Work = breaks("ListingBroken", "r7")
	before := time.Now()
	id := ask(t, e, `{"select":{"ownerId":"o1"},"maxFailures":3,"reason":"after the outage"}`)
	if _, status := evidenceOf(t, e, id); status != http.StatusConflict {
		t.Errorf("got %d of a replay that runs, want 409", status)
	}
	e.Pump()
	ev, status := evidenceOf(t, e, id)
	if status != http.StatusOK {
		t.Fatalf("got %d, want the evidence", status)
	}
	want := replay.Counts{Matched: 20, Started: 20, Succeeded: 19, Failed: 1}
	if ev.Version != 1 || ev.ReplayID != id || ev.Status != replay.Completed || ev.Reason != "after the outage" || ev.RequestedBy == "" ||
		ev.Counts != want || ev.Items != 20 || ev.Request.Select.OwnerID != "o1" || ev.Software.Release == "" {
		t.Errorf("got %+v", ev)
	}
	if ev.CreatedAt.Before(before.Truncate(time.Millisecond)) || ev.CompletedAt == nil || ev.WrittenAt.Before(*ev.CompletedAt) {
		t.Errorf("got created %s, completed %s, written %s", ev.CreatedAt, ev.CompletedAt, ev.WrittenAt)
	}
	if len(ev.Failed) != 1 || ev.Failed[0].ResourceID != "r7" || !strings.Contains(ev.Failed[0].Reason, "ListingBroken") {
		t.Errorf("got failed %+v, want r7", ev.Failed)
	}
	if got := recomputed(t, e, id); got != ev.Digest {
		t.Errorf("got digest %s, want that of the listed items, %s", ev.Digest, got)
	}
	row, err := e.Book.Replays.Get(t.Context(), id)
	if err != nil || row.Evidence != ev.Digest {
		t.Errorf("the ledger has %q, %v, want the digest %s", row.Evidence, err, ev.Digest)
	}
	if open, err := e.Book.Replays.Open(t.Context(), time.Now().Add(time.Hour), 10); err != nil || len(open) > 0 {
		t.Errorf("got %d replays to look after, %v, want none", len(open), err)
	}
}

func TestEvidenceSaysWhatBecameOfSelectedFailures(t *testing.T) {
	e := New(t)
	e.Machine.Work = breaks("InvalidListing", "r")
	for i := range 5 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Pump()
	e.Schedule()
	e.Machine.Work = breaks("InvalidListing", "r3")
	id := ask(t, e, `{"select":{"failures":{}},"reason":"fixed"}`)
	e.Pump()
	ev, status := evidenceOf(t, e, id)
	if status != http.StatusOK || len(ev.Failures.Selected) != 1 {
		t.Fatalf("got %d, %+v, want one group of failures", status, ev.Failures)
	}
	got := ev.Failures.Selected[0]
	if got.Error != "InvalidListing" || got.Count != 5 || got.Now["HEALED"] != 4 || got.Now["QUARANTINED"] != 1 {
		t.Errorf("got %+v, want 4 of 5 healed", got)
	}
	if b := ev.Failures.Before; b == nil || b.Total != 5 || b.CountedAt.After(ev.CreatedAt) {
		t.Errorf("got before %+v, want the 5 that auto-replay has counted", b)
	}
	if a := ev.Failures.After; a == nil || a.Total != 1 || a.Groups[0].Status != replay.FailureQuarantined {
		t.Errorf("got after %+v, want one in quarantine", a)
	}
}

func TestADryRunHasNoEvidence(t *testing.T) {
	e := New(t)
	e.Ingest("live-1", event("r1", "o1", 1))
	id := ask(t, e, `{"select":{"resourceIds":["r1"]},"dryRun":true,"reason":"a look"}`)
	e.Pump()
	e.Ahead = 2 * time.Hour
	e.Schedule()
	e.Pump()
	if _, status := evidenceOf(t, e, id); status != http.StatusNotFound {
		t.Errorf("got %d, want 404", status)
	}
	if n := versionsOf(e, eventlog.EvidenceKey(id)); n != 0 {
		t.Errorf("it was written %d times", n)
	}
}

// breaks fails the events that have a resource id with a prefix.
func breaks(fault, prefix string) func(execution, event string) (string, string) {
	return func(_, event string) (string, string) {
		if strings.Contains(event, `"id":"`+prefix) {
			return event, fault
		}
		return event, ""
	}
}

// withoutEvidence leaves out the messages that have evidence written.
func withoutEvidence(bodies []string) []string {
	return slices.DeleteFunc(bodies, func(body string) bool {
		msg, err := protocol.DecodeReplayMessage(body)
		return err == nil && msg.Kind == protocol.KindEvidence
	})
}

// ended runs a replay to its end, and returns the messages that are to have its evidence written.
func ended(t *testing.T, e *Engine) (id string, messages []string) {
	t.Helper()
	e.Ingest("live-1", event("r1", "o1", 1))
	e.Pump()
	id = ask(t, e, `{"select":{"resourceIds":["r1"]},"reason":"a test"}`)
	for range 20 {
		for _, body := range e.Replays.TakeAll() {
			if msg, err := protocol.DecodeReplayMessage(body); err == nil && msg.Kind == protocol.KindEvidence {
				messages = append(messages, body)
				continue
			}
			e.Listen(body)
		}
		e.Run(t.Context())
		e.Report()
	}
	if len(messages) == 0 {
		t.Fatal("nobody has the evidence written")
	}
	return id, messages
}

func TestEvidenceIsWrittenOnceHoweverOftenItIsAskedFor(t *testing.T) {
	e := New(t)
	id, messages := ended(t, e)
	e.Listen(append(append(messages, messages...), messages...)...)
	first, status := evidenceOf(t, e, id)
	again := protocol.ReplayMessage{Kind: protocol.KindEvidence, ReplayID: id, Tries: 1}.Encode()
	e.Listen(again, again)
	second, _ := evidenceOf(t, e, id)
	if n := versionsOf(e, eventlog.EvidenceKey(id)); n != 1 || status != http.StatusOK || !first.WrittenAt.Equal(second.WrittenAt) {
		t.Errorf("got %d versions, status %d, written %s and %s, want it once", n, status, first.WrittenAt, second.WrittenAt)
	}
}

func TestEvidenceIsMadeGoodAfterADeath(t *testing.T) {
	t.Run("between the end of the replay and the message", func(t *testing.T) {
		e := New(t)
		id, _ := ended(t, e) // the messages are lost
		e.Ahead = 2 * time.Hour
		e.Schedule()
		e.Pump()
		if _, status := evidenceOf(t, e, id); status != http.StatusOK {
			t.Errorf("got %d, want the evidence", status)
		}
	})
	t.Run("between the object and the ledger", func(t *testing.T) {
		e := New(t)
		id, messages := ended(t, e)
		written := `{"evidence":1,"replayId":"` + id + `","reason":"written before"}`
		if err := e.Log.PutOnce(t.Context(), eventlog.EvidenceKey(id), []byte(written)); err != nil {
			t.Fatal(err)
		}
		if refused := e.Listen(messages...); refused > 0 {
			t.Errorf("refused %d messages", refused)
		}
		if ev, _ := evidenceOf(t, e, id); ev.Reason != "written before" {
			t.Errorf("got %+v, want what was there", ev)
		}
	})
	t.Run("of a replay that ended under an earlier release", func(t *testing.T) {
		e := New(t)
		id, _ := ended(t, e)
		if _, status := evidenceOf(t, e, id); status != http.StatusConflict {
			t.Fatalf("got %d, want 409 while it is written", status)
		}
		e.Pump()
		if _, status := evidenceOf(t, e, id); status != http.StatusOK {
			t.Errorf("got %d, want the evidence", status)
		}
	})
}

func TestEvidenceOfAStoppedReplaySaysSo(t *testing.T) {
	e := New(t)
	for i := range 3 {
		e.Ingest(fmt.Sprint("live-", i), event(fmt.Sprint("r", i), "o1", i))
	}
	e.Pump()
	id := ask(t, e, `{"select":{"ownerId":"o1"},"reason":"a test"}`)
	e.Call("POST", "/replays/{replayId}/cancel", "", map[string]string{"replayId": id}, nil)
	e.Pump()
	ev, status := evidenceOf(t, e, id)
	if status != http.StatusOK || ev.Status != replay.Cancelled || ev.Stopped == nil || ev.Stopped.Reason == "" {
		t.Errorf("got %d, %+v, want who stopped it", status, ev)
	}
}

const mostEvidence = 32 << 20 // 100 pages of 98 rows, which the table in memory copies

// writeEvidence has the evidence of n items written, and returns what each message allocated.
func writeEvidence(t testing.TB, n int) (allocs []uint64) {
	t.Helper()
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	id := large(t, e, n, replay.Failed)
	if _, status := evidenceOf(t, e, id); status != http.StatusConflict {
		t.Fatalf("got %d, want 409 while it is written", status)
	}
	allocs = follow(e, protocol.KindEvidence)
	ev, status := evidenceOf(t, e, id)
	if status != http.StatusOK || ev.Items != n || len(ev.Digest) != 64 || len(ev.Failed) != replay.EvidenceSample {
		t.Fatalf("got %d, %d items, %d shown, want %d", status, ev.Items, len(ev.Failed), n)
	}
	return allocs
}

func TestEvidenceOfALargeReplayTakesNoMoreMemoryThanOfASmallOne(t *testing.T) {
	allocs := writeEvidence(t, 100_000)
	if len(allocs) != 11 {
		t.Errorf("%d messages wrote it, want 11", len(allocs))
	}
	flat(t, "writing evidence", allocs, mostEvidence)
}

func BenchmarkTheEvidenceOfAMillion(b *testing.B) {
	for b.Loop() {
		flat(b, "writing evidence", writeEvidence(b, 1_000_000), mostEvidence)
	}
}
