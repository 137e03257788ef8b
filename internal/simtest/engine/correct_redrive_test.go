package engine

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// A redrive goes on with the correction that is recorded.
func TestAFailedCorrectionIsRedriven(t *testing.T) {
	const redrive = `{"action":"redrive","select":{"failures":{}},"reason":"mended"}`
	corrects := func(t *testing.T, e *Engine, name string) {
		t.Helper()
		h := past(t, e)
		if len(h) != 2 || h[0].Correction == nil || h[0].Correction.Of != h[1].VersionID || lastPublished(e) != sale(2) {
			t.Errorf("got %+v and published %s, want the correction, recorded once", h, lastPublished(e))
		}
		row, err := e.Book.Executions.Get(t.Context(), name)
		if err != nil || row.Status != domain.Succeeded || row.VersionID != h[0].VersionID || row.Superseded {
			t.Errorf("got %+v, %v, want it to have succeeded with its version", row, err)
		}
		if f := failure(t, e, name); f.Status != domain.Closed || f.HealedBy != name {
			t.Errorf("got %s: %s, want it closed by the redrive", f.Status, f.Decision)
		}
	}
	t.Run("after it was recorded", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		e.Machine.Work = failing("InvalidListing", never)
		name := domain.APIName(correct(t, e, correcting(2, "")), "r1", 0)
		e.Pump()
		e.Schedule()
		e.Machine.Work = succeeding
		id := ask(t, e, redrive)
		e.Pump()
		finished(t, e, id, replay.Completed, oneRan)
		corrects(t, e, name)
	})
	t.Run("after a newer event was published", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		e.Machine.Work = failing("InvalidListing", never)
		correct(t, e, correcting(2, ""))
		e.Pump()
		e.Schedule()
		e.Machine.Work = succeeding
		backoff()
		run(t, e, "live-9", sale(9))
		id := ask(t, e, redrive)
		e.Pump()
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
		if lastPublished(e) != sale(9) {
			t.Errorf("published %s last, want the newer event", lastPublished(e))
		}
	})
}
