package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// A newer event must not be undone by the correction of an older one, whenever it comes.
func TestACorrectionDoesNotUndoANewerEvent(t *testing.T) {
	newer := func(t *testing.T, e *Engine) {
		t.Helper()
		backoff() // no two events come at once
		run(t, e, "live-9", sale(9))
	}
	start := func(t *testing.T, e *Engine) {
		t.Helper()
		e.Listen(drainToItems(t, e)...)
	}
	wins := func(t *testing.T, e *Engine) {
		t.Helper()
		e.Pump()
		if got := latestBy(t, e); got != "live-9" {
			t.Errorf("the latest version is that of %s, want live-9", got)
		}
		if got := lastPublished(e); got != sale(9) {
			t.Errorf("published %s last, want the newer event", got)
		}
	}
	t.Run("before the request", func(t *testing.T) {
		e := inMemory(t)
		old := history(t, e, "r1", 1)[0]
		newer(t, e)
		answer := e.Call("POST", "/versions", correcting(5, fmt.Sprintf(`,"versionId":%q`, old)), nil, nil)
		if answer.StatusCode != 409 || !strings.Contains(answer.Body, "is newer than "+old) || !strings.Contains(answer.Body, "allowStale") {
			t.Errorf("got %d %s, want 409 with the newer version and the remedy", answer.StatusCode, answer.Body)
		}
		wins(t, e)
	})
	t.Run("after the request", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		id := correct(t, e, correcting(5, ""))
		newer(t, e)
		wins(t, e)
		finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
		if it := list(t, e, id, "")[0]; !strings.Contains(it.Reason, "superseded: version") {
			t.Errorf("got %+v, want why it was skipped", it)
		}
	})
	t.Run("after its start, and before it is recorded", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		id := correct(t, e, correcting(5, ""))
		start(t, e)
		newer(t, e)
		wins(t, e)
		finished(t, e, id, replay.Completed, oneRan)
		if it := list(t, e, id, "")[0]; !strings.Contains(it.Reason, "not published: a newer event") {
			t.Errorf("got %+v, want it withheld", it)
		}
	})
	t.Run("before its start, and recorded after it", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		correct(t, e, correcting(5, ""))
		items := drainToItems(t, e)
		backoff()
		if err := e.Machine.Start("live-9", sale(9)); err != nil { // Record of it is slow
			t.Fatal(err)
		}
		backoff()
		e.Listen(items...)
		e.Machine.Run(t.Context(), e.Machine.Names(domain.APIPrefix)[0])
		if got := latestBy(t, e); got == "live-9" {
			t.Fatal("live-9 is recorded already")
		}
		e.Machine.Run(t.Context(), "live-9")
		wins(t, e)
	})
	t.Run("after it was published", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		id := correct(t, e, correcting(5, ""))
		e.Pump()
		finished(t, e, id, replay.Completed, oneRan)
		newer(t, e)
		wins(t, e)
	})
	t.Run("unless the caller means it", func(t *testing.T) {
		e := inMemory(t)
		old := history(t, e, "r1", 1)[0]
		newer(t, e)
		backoff()
		id := correct(t, e, correcting(5, fmt.Sprintf(`,"versionId":%q,"allowStale":true`, old)))
		e.Pump()
		finished(t, e, id, replay.Completed, oneRan)
		if h := past(t, e); h[0].Correction == nil || h[0].Correction.Of != old || lastPublished(e) != sale(5) {
			t.Errorf("got %+v and published %s, want the correction to be the latest", h[0], lastPublished(e))
		}
		again := ask(t, e, selecting("r1"))
		e.Pump()
		finished(t, e, again, replay.Completed, oneRan)
		if got := lastPublished(e); got != sale(5) {
			t.Errorf("a replay of the latest published %s, want the correction", got)
		}
	})
}

// Whatever comes first: the start of the correction or that of a newer event, the end of the one or of the other.
func TestANewerEventWinsInAnyOrder(t *testing.T) {
	for _, order := range []string{"CcLl", "CLcl", "CLlc", "LCcl", "LClc", "LlCc"} {
		t.Run(order, func(t *testing.T) {
			e := inMemory(t)
			history(t, e, "r1", 1)
			id := correct(t, e, correcting(5, ""))
			items := drainToItems(t, e)
			for _, step := range order {
				backoff() // no two things happen at once
				switch step {
				case 'C':
					e.Listen(items...)
				case 'c':
					for _, name := range e.Machine.Names(domain.APIPrefix) {
						e.Machine.Run(t.Context(), name)
					}
				case 'L':
					if err := e.Machine.Start("live-9", sale(9)); err != nil {
						t.Fatal(err)
					}
				case 'l':
					e.Machine.Run(t.Context(), "live-9")
				}
			}
			e.Pump()
			if r := get(t, e, id); r.Status != replay.Completed {
				t.Errorf("the correction is %s", r.Status)
			}
			if got := latestBy(t, e); got != "live-9" || lastPublished(e) != sale(9) {
				t.Errorf("the latest is that of %s, and %s was published last, want live-9", got, lastPublished(e))
			}
			again := ask(t, e, selecting("r1"))
			e.Pump()
			finished(t, e, again, replay.Completed, oneRan)
			if lastPublished(e) != sale(9) {
				t.Errorf("a replay published %s, want the newer event", lastPublished(e))
			}
		})
	}
}

// A correction may be wrong as well.
func TestACorrectionIsCorrected(t *testing.T) {
	e := inMemory(t)
	history(t, e, "r1", 1)
	correct(t, e, correcting(2, ""))
	e.Pump()
	correct(t, e, correcting(3, ""))
	e.Pump()
	h := past(t, e)
	if len(h) != 3 || h[0].Correction.Of != h[1].VersionID || h[1].Correction.Of != h[2].VersionID || lastPublished(e) != sale(3) {
		t.Errorf("got %+v and published %s, want a correction of a correction", h, lastPublished(e))
	}
}

// Two people correct one version at once: the second is told of the first, and does not undo it.
func TestTwoCorrectionsOfOneVersion(t *testing.T) {
	conflicts := func(t *testing.T, e *Engine, first, second string) {
		t.Helper()
		finished(t, e, first, replay.Completed, oneRan)
		finished(t, e, second, replay.Completed, replay.Counts{Matched: 1, Skipped: 1})
		it := list(t, e, second, "")[0]
		if !strings.HasPrefix(it.Reason, "conflict: replay "+first+" corrects version ") && !strings.HasPrefix(it.Reason, "superseded: ") {
			t.Errorf("got %q, want the first correction named", it.Reason)
		}
		if h := past(t, e); len(h) != 2 || h[0].Correction.ReplayID != first {
			t.Errorf("got %+v, want one correction", h)
		}
	}
	t.Run("bound one after the other", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		first := correct(t, e, correcting(4, ""))
		second := correct(t, e, correcting(5, ""))
		items := drainToItems(t, e)
		if !strings.Contains(items[0], first) {
			slices.Reverse(items)
		}
		for _, item := range items { // not as one batch, whose messages are worked off at the same time
			e.Listen(item)
		}
		if it := list(t, e, second, "")[0]; !strings.HasPrefix(it.Reason, "conflict: replay "+first) {
			t.Errorf("got %+v, want the first named", it)
		}
		answer := e.Call("POST", "/versions", correcting(6, ""), nil, nil)
		if answer.StatusCode != 409 || !strings.Contains(answer.Body, "replay "+first+" corrects version ") {
			t.Errorf("got %d %s, want 409 that names the first", answer.StatusCode, answer.Body)
		}
		e.Listen(items...) // delivered again
		e.Pump()
		conflicts(t, e, first, second)
	})
	t.Run("bound at the same moment", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		ids := []string{correct(t, e, correcting(4, "")), correct(t, e, correcting(5, ""))}
		var all sync.WaitGroup
		for _, body := range drainToItems(t, e) {
			all.Go(func() { e.Listen(body) })
		}
		all.Wait()
		e.Pump()
		if get(t, e, ids[0]).Counts.Skipped == 1 {
			slices.Reverse(ids)
		}
		conflicts(t, e, ids[0], ids[1])
	})
	t.Run("the first recorded nothing", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		first := correct(t, e, correcting(4, ""))
		second := correct(t, e, correcting(5, ""))
		items := drainToItems(t, e)
		e.Listen(items[0])
		name := domain.APIName(first, "r1", 0)
		x := e.Machine.Execution(name)
		x.Status, x.Error, x.Stopped = types.ExecutionStatusFailed, "IngestionServiceUnavailable", time.Now()
		e.Machine.Put(x)
		e.Track(strings.Replace(succeeded(name, 0), "SUCCEEDED", "FAILED", 1))
		e.Listen(items[1])
		e.Pump()
		finished(t, e, second, replay.Completed, oneRan)
		if h := past(t, e); len(h) != 2 || h[0].Correction.ReplayID != second {
			t.Errorf("got %+v, want the second correction", h)
		}
	})
	t.Run("unless the caller means it", func(t *testing.T) {
		e := inMemory(t)
		history(t, e, "r1", 1)
		first := correct(t, e, correcting(4, ""))
		second := correct(t, e, correcting(5, `,"allowStale":true`))
		e.Pump()
		finished(t, e, first, replay.Completed, oneRan)
		finished(t, e, second, replay.Completed, oneRan)
		if h := past(t, e); len(h) != 3 {
			t.Errorf("got %+v, want both", h)
		}
	})
}
