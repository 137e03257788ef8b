package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// healed checks that each of some executions' failures has healed, that nothing is left for a person, and that each was
// counted once.
func healed(t *testing.T, e *Engine, by string, executions ...string) {
	t.Helper()
	for _, x := range executions {
		if f := failure(t, e, x); f.Status != domain.Healed || f.HealedBy != by {
			t.Errorf("%s: got %s by %q: %s, want HEALED by %s", x, f.Status, f.HealedBy, f.Decision, by)
		}
	}
	if g := groupsOf(t, e); len(g.Groups) != 0 {
		t.Errorf("got groups %+v, want none", g.Groups)
	}
	equal(t, e, map[string]float64{schema.Healed.Name: float64(len(executions))})
}

// corrected corrects r1 with success, and returns the execution that recorded the correction.
func corrected(t *testing.T, e *Engine, n int) string {
	t.Helper()
	e.Machine.Work = succeeding
	backoff()
	id := correct(t, e, correcting(n, ""))
	e.Pump()
	finished(t, e, id, replay.Completed, oneRan)
	return domain.APIName(id, "r1", 0)
}

func succeeding(_, event string) (string, string) { return event, "" }

// patient has auto-replay wait an hour before it retries.
func patient(p *config.AutoReplay) { p.BackoffBase, p.MaxBackoff = time.Hour, time.Hour }

// What failed of the corrected version needs nobody any more: its first execution, and each replay of it.
func TestACorrectionHealsWhatItCorrects(t *testing.T) {
	t.Run("in quarantine", func(t *testing.T) {
		e := inMemory(t)
		e.Machine.Work = failing("InvalidListing", never)
		e.Ingest("live-1", sale(1))
		e.Report()
		e.Schedule()
		again := ask(t, e, selecting("r1")) // a person tries it as it is
		e.Pump()
		e.Schedule()
		asked := domain.APIName(again, "r1", 0)
		if g := groupsOf(t, e); len(g.Groups) != 1 || g.Groups[0].Count != 2 {
			t.Fatalf("got %+v, want two failures", g.Groups)
		}
		by := corrected(t, e, 2)
		healed(t, e, by, "live-1", asked)
		if f := failure(t, e, "live-1"); !strings.HasPrefix(f.Decision, "corrected with success, in replay ") {
			t.Errorf("got %q, want the correction named", f.Decision)
		}
		e.Track(succeeded(by, 0)) // reported again
		healed(t, e, by, "live-1", asked)
	})
	t.Run("while it waits", func(t *testing.T) {
		e := inMemory(t)
		e.Reconfigure(patient)
		e.Machine.Work = failing(outage, never)
		e.Ingest("live-1", sale(1))
		e.Report()
		e.Schedule()
		by := corrected(t, e, 2)
		e.Ahead += 2 * time.Hour
		settleDown(t, e)
		healed(t, e, by, "live-1")
	})
	t.Run("held", func(t *testing.T) {
		e := inMemory(t)
		asDeployed(e)
		e.Reconfigure(func(p *config.AutoReplay) { p.CanaryThreshold = 2 })
		e.Machine.Work = failing(outage, never)
		outageOf(t, e, 6)
		tick(e)
		i := 0
		for ; i < 6 && !failure(t, e, fmt.Sprintf("live-%d", i)).Held; i++ {
		}
		e.Machine.Work = succeeding
		resource := fmt.Sprintf("r%d", i)
		id := correct(t, e, strings.Replace(correcting(2, ""), "r1", resource, 1))
		e.Listen(drainToItems(t, e)...)
		by := domain.APIName(id, resource, 0)
		e.Machine.Run(t.Context(), by)
		e.Report()
		f := failure(t, e, fmt.Sprintf("live-%d", i))
		if f.Status != domain.Healed || f.HealedBy != by || f.Held {
			t.Errorf("got %+v, want it healed", f)
		}
	})
	t.Run("closed by an operator", func(t *testing.T) {
		e := inMemory(t)
		e.Machine.Work = failing("InvalidListing", never)
		e.Ingest("live-1", sale(1))
		e.Report()
		e.Schedule()
		beginJob(t, e, replay.CloseFailures, `{"select":{"resourceId":"r1"},"reason":"not needed"}`)
		e.Pump()
		healed(t, e, corrected(t, e, 2), "live-1")
		if f := failure(t, e, "live-1"); !strings.Contains(f.Decision, "; before that closed by unknown: not needed") {
			t.Errorf("got %q, want that it was closed, by whom and why", f.Decision)
		}
	})
	t.Run("before its dead letter is taken in", func(t *testing.T) {
		for name, mend := range map[string]func(e *Engine) string{
			"corrected": func(e *Engine) string { return corrected(t, e, 2) },
			"replayed": func(e *Engine) string {
				e.Machine.Work = succeeding
				id := ask(t, e, selecting("r1"))
				e.Pump()
				return domain.APIName(id, "r1", 0)
			},
		} {
			e := inMemory(t)
			history(t, e, "r1", 1)
			e.Machine.Work = failing("InvalidListing", never)
			asked := domain.APIName(ask(t, e, selecting("r1")), "r1", 0)
			e.Pump()
			backoff()
			by := mend(e)
			e.Schedule()
			if f := failure(t, e, asked); f.Status != domain.Closed || f.HealedBy != by || len(groupsOf(t, e).Groups) != 0 {
				t.Errorf("%s: got %s: %s, want it closed by %s", name, f.Status, f.Decision, by)
			}
		}
	})
	t.Run("not if a newer event was published first", func(t *testing.T) {
		e := failedAndCorrected(t)
		run(t, e, "live-9", sale(9))
		e.Pump()
		if f := failure(t, e, "live-1"); f.Status != domain.Quarantined {
			t.Errorf("got %s, want it in quarantine: the correction was withheld", f.Status)
		}
	})
}

// A correction failed. The next one, or a replay or a redrive of it, heals all the way back to the event that arrived.
func TestACorrectionOfACorrectionHealsBoth(t *testing.T) {
	tests := map[string]func(t *testing.T, e *Engine, first string) (by string){
		"corrected again": func(t *testing.T, e *Engine, _ string) string { return corrected(t, e, 3) },
		"replayed": func(t *testing.T, e *Engine, _ string) string {
			e.Machine.Work = succeeding
			id := ask(t, e, selecting("r1"))
			e.Pump()
			finished(t, e, id, replay.Completed, oneRan)
			return domain.APIName(id, "r1", 0)
		},
		"redriven": func(t *testing.T, e *Engine, first string) string {
			e.Machine.Work = succeeding
			id := ask(t, e, `{"action":"redrive","select":{"resourceIds":["r1"]},"reason":"mended"}`)
			e.Pump()
			e.Schedule()
			e.Pump()
			finished(t, e, id, replay.Completed, oneRan)
			return first
		},
	}
	for name, mend := range tests {
		t.Run(name, func(t *testing.T) {
			e := inMemory(t)
			e.Machine.Work = failing("InvalidListing", never)
			e.Ingest("live-1", sale(1))
			e.Report()
			e.Schedule()
			backoff()
			correct(t, e, correcting(2, ""))
			e.Pump()
			e.Schedule()
			first := e.Machine.Names(domain.APIPrefix)[0]
			if f := failure(t, e, first); f.Status != domain.Quarantined || failure(t, e, "live-1").Status != domain.Quarantined {
				t.Fatalf("got %+v, want both in quarantine", f)
			}
			by := mend(t, e, first)
			if f := failure(t, e, "live-1"); f.Status != domain.Healed || f.HealedBy != by {
				t.Errorf("got %s by %q: %s, want HEALED by %s", f.Status, f.HealedBy, f.Decision, by)
			}
			if f := failure(t, e, first); f.Status == domain.Quarantined {
				t.Errorf("got %s: %s, want it settled", f.Status, f.Decision)
			}
			if g := groupsOf(t, e); len(g.Groups) != 0 {
				t.Errorf("got %+v, want nothing left", g.Groups)
			}
		})
	}
}

// An automatic replay of the wrong version is under way while the correction runs.
func TestACorrectionRacesAnAutomaticReplay(t *testing.T) {
	start := func(t *testing.T, fault string) (e *Engine, auto string) {
		t.Helper()
		e = inMemory(t)
		e.Machine.Work = failing(outage, never)
		e.Ingest("live-1", sale(1))
		e.Report()
		e.Schedule()
		e.Ahead += time.Hour
		e.Schedule()
		e.Listen(e.Replays.TakeAll()...)
		auto = domain.AutoName("live-1", 1)
		if f := failure(t, e, "live-1"); f.Status != domain.Retrying {
			t.Fatalf("got %+v, want its automatic replay under way", f)
		}
		e.Machine.Work = func(execution, event string) (string, string) {
			if execution == auto && fault != "" {
				return "", fault
			}
			return event, ""
		}
		return e, auto
	}
	bind := func(t *testing.T, e *Engine) (id, name string) {
		t.Helper()
		backoff()
		id = correct(t, e, correcting(2, ""))
		e.Listen(drainToItems(t, e)...)
		return id, e.Machine.Names(domain.APIPrefix)[0]
	}
	for _, fault := range []string{"", "InvalidListing", outage} {
		t.Run("the correction ends first, then the replay, with "+fault, func(t *testing.T) {
			e, auto := start(t, fault)
			id, by := bind(t, e)
			e.Machine.Run(t.Context(), by)
			e.Report()
			e.Machine.Run(t.Context(), auto)
			settleDown(t, e)
			e.Pump()
			finished(t, e, id, replay.Completed, oneRan)
			healed(t, e, by, "live-1")
			if lastPublished(e) != sale(2) {
				t.Errorf("published %s last, want the correction", lastPublished(e))
			}
		})
		t.Run("the replay ends first, with "+fault, func(t *testing.T) {
			e, auto := start(t, fault)
			id, by := bind(t, e)
			e.Machine.Run(t.Context(), auto)
			e.Report()
			e.Schedule()
			e.Machine.Run(t.Context(), by)
			e.Report()
			settleDown(t, e)
			e.Pump()
			finished(t, e, id, replay.Completed, oneRan)
			if g := groupsOf(t, e); len(g.Groups) != 0 || lastPublished(e) != sale(2) {
				t.Errorf("got %+v, and published %s last, want nothing left", g.Groups, lastPublished(e))
			}
		})
	}
}

// What the ledger lacks is made again from the log. The correction heals then, if its end is learned only then.
func TestARebuiltCorrectionHeals(t *testing.T) {
	e := failedAndCorrected(t)
	by := e.Machine.Names(domain.APIPrefix)[0]
	e.Machine.Run(t.Context(), by)
	if x := e.Machine.Execution(by); x.Status != types.ExecutionStatusSucceeded {
		t.Fatalf("got %s, want it to have succeeded", x.Status)
	}
	e.Table.Erase("X#") // before its end was reported
	e.Ask = autoreplay.Request{Rebuild: true}
	for range 3 {
		e.Schedule()
		e.Ask = autoreplay.Request{}
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Healed || f.HealedBy != by {
		t.Errorf("got %s by %q: %s, want HEALED", f.Status, f.HealedBy, f.Decision)
	}
}

// failedAndCorrected has an event that failed, and a correction of it that was started.
func failedAndCorrected(t *testing.T) *Engine {
	t.Helper()
	e := inMemory(t)
	e.Machine.Work = failing("InvalidListing", never)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Schedule()
	e.Machine.Work = succeeding
	backoff()
	correct(t, e, correcting(2, ""))
	e.Listen(drainToItems(t, e)...)
	return e
}
