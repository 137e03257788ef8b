package engine

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
	"github.com/ce873799/replayable-ingestion/replay"
)

// auto is the message of the automatic replay of live-1.
func auto() string {
	return protocol.ReplayMessage{Kind: protocol.KindAuto, Execution: "live-1"}.Encode()
}

// waiting leaves a failure waiting for its automatic replay.
func waiting(t *testing.T) *Engine {
	t.Helper()
	e, _ := quick(t)
	e.Reconfigure(func(p *config.AutoReplay) { p.BackoffBase, p.MaxBackoff = time.Minute, time.Minute })
	e.Machine.Work = failing(outage, never)
	e.Ingest("live-1", sale(1))
	e.Report()
	e.Schedule()
	if f := failure(t, e, "live-1"); f.Status != domain.Waiting {
		t.Fatalf("got %+v, want it waiting", f)
	}
	e.Machine.Work = func(_, event string) (string, string) { return event, "" }
	return e
}

// A redrive and an automatic replay are after the same failure: exactly one of them runs, whichever comes first.
func TestARedriveRacesAnAutomaticReplay(t *testing.T) {
	tests := map[string]struct {
		race    func(t *testing.T, e *Engine, redrive []string)
		redrive bool // wins
	}{
		"the redrive claims first": {redrive: true, race: func(_ *testing.T, e *Engine, redrive []string) {
			e.Listen(redrive...)
			e.Listen(auto())
			e.Ahead += 2 * time.Minute
			e.Schedule()
		}},
		"the redrive claims, and dies before it begins": {redrive: true, race: func(t *testing.T, e *Engine, redrive []string) {
			died(t, e, "RedriveExecution", redrive...)
			e.Listen(auto())
			e.Ahead += 20 * time.Minute
			e.Schedule()
			e.Listen(redrive...)
		}},
		"the automatic replay is sent first": {race: func(_ *testing.T, e *Engine, redrive []string) {
			e.Ahead += 2 * time.Minute
			e.Schedule()
			e.Listen(redrive...)
		}},
		"the message of the automatic replay comes before it is noted": {race: func(_ *testing.T, e *Engine, redrive []string) {
			e.Listen(auto())
			e.Listen(redrive...)
		}},
		"the job has read the failure before the redrive claims it": {redrive: true, race: func(t *testing.T, e *Engine, redrive []string) {
			f := failure(t, e, "live-1")
			e.Listen(redrive...)
			if err := e.Book.Failures.Move(t.Context(), f, domain.Move{To: domain.Retrying}, domain.Waiting); err == nil {
				t.Error("the job moved a failure that a redrive has claimed")
			}
			e.Listen(auto())
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := waiting(t)
			id := ask(t, e, fmt.Sprintf(redriveR1, ""))
			tt.race(t, e, drainToItems(t, e))
			e.Pump()
			e.Ahead += time.Hour
			settleDown(t, e)
			want, redrives, autos := replay.Counts{Matched: 1, Skipped: 1}, 0, 1
			if tt.redrive {
				want, redrives, autos = replay.Counts{Matched: 1, Started: 1, Succeeded: 1}, 1, 0
			}
			finished(t, e, id, replay.Completed, want)
			if got := e.Machine.Redriven["live-1"]; got != redrives || len(e.Machine.Names("ar-")) != autos {
				t.Errorf("got %d redrives and %d automatic replays, want %d and %d", got, len(e.Machine.Names("ar-")), redrives, autos)
			}
			if len(e.Published) != 1 {
				t.Errorf("published %d times, want once", len(e.Published))
			}
			if f := failure(t, e, "live-1"); f.Unsettled() {
				t.Errorf("got %+v, want it settled", f)
			}
		})
	}
}

// The message comes again after the redrive has failed, and after its token is forgotten: nothing is redriven twice.
func TestARedriveThatIsDeliveredTwiceBeginsOnce(t *testing.T) {
	e, _, _ := oneFailure(t)
	ask(t, e, fmt.Sprintf(redriveR1, ""))
	item := drainToItems(t, e)
	died(t, e, "#outcome", item...) // it has redriven, and did not come to note that
	if n := e.Machine.Redriven["live-1"]; n != 1 {
		t.Fatalf("redriven %d times, want once", n)
	}
	e.Machine.RunAll(t.Context())
	hour := time.Now().Add(time.Hour)
	e.Machine.Now = func() time.Time { return hour }
	e.Listen(item...)
	e.Listen(item...)
	if n := e.Machine.Redriven["live-1"]; n != 1 {
		t.Errorf("redriven %d times, want once", n)
	}
}

// An operator redrives the execution between the claim and the call: the item follows that run.
func TestAnOperatorRedrivesBetweenTheClaimAndTheCall(t *testing.T) {
	e, _, up := oneFailure(t)
	*up = true
	id := ask(t, e, fmt.Sprintf(redriveR1, ""))
	once := true
	e.Machine.OnRedrive = func(_ context.Context, name string) {
		if once {
			once = false
			e.Machine.Redrive(name)
		}
	}
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	if x := e.Machine.Execution("live-1"); x.Redrives != 1 {
		t.Errorf("redriven %d times, want once", x.Redrives)
	}
}

// Step Functions refuses after the claim: the failure is a person's again, and can be replayed.
func TestARefusedRedriveGivesTheFailureBack(t *testing.T) {
	e, _, _ := oneFailure(t)
	id := ask(t, e, fmt.Sprintf(redriveR1, ""))
	e.Machine.OnRedrive = func(_ context.Context, name string) {
		e.Machine.Unredrivable[name] = "Execution history size limit exceeded"
	}
	e.Pump()
	wantItem(t, e, id, replay.Skipped, "Execution history size limit exceeded: replay it instead")
	if f := failure(t, e, "live-1"); f.Status != domain.Quarantined || f.Redrive != "" {
		t.Errorf("got %+v, want it back in quarantine", f)
	}
	row, err := e.Book.Executions.Get(t.Context(), "live-1")
	if err != nil || row.RedriveID != "" {
		t.Errorf("got %+v, %v, want no redrive left on it", row, err)
	}
}

// Nobody reports the end of a redrive, whatever it is: the schedule finds it out.
func TestTheUnreportedEndOfARedriveIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		end     func(e *Engine)
		outcome replay.Outcome
		first   domain.FailureStatus
	}{
		"it succeeded": {func(e *Engine) { e.Machine.RunAll(context.Background()) }, replay.Succeeded, domain.Closed},
		"it failed": {func(e *Engine) {
			e.Machine.Work = failing("BadListing", never)
			e.Machine.RunAll(context.Background())
		}, replay.Failed, domain.FailedAgain},
		"it was aborted": {func(e *Engine) { e.Machine.Abort("live-1") }, replay.Failed, domain.Closed},
	} {
		t.Run(name, func(t *testing.T) {
			e, _, up := oneFailure(t)
			*up = true
			id := ask(t, e, fmt.Sprintf(redriveR1, ""))
			e.Listen(drainToItems(t, e)...)
			tt.end(e)
			e.Machine.TakeEnds() // to nobody
			for range 3 {
				e.Ahead += time.Hour
				e.Schedule()
				e.Pump()
			}
			wantItem(t, e, id, tt.outcome, "")
			if f := failure(t, e, "live-1"); f.Status != tt.first {
				t.Errorf("got %+v, want it %s", f, tt.first)
			}
		})
	}
}

// The message of a redrive becomes a dead letter: before it has begun, it is given up, and after, the run counts.
func TestARedriveWhoseMessageIsADeadLetter(t *testing.T) {
	for name, tt := range map[string]struct {
		at      string
		outcome replay.Outcome
		status  domain.FailureStatus
	}{
		"before it has begun": {"RedriveExecution", replay.Failed, domain.Quarantined},
		"after it has begun":  {"#outcome", replay.Succeeded, domain.Closed},
	} {
		t.Run(name, func(t *testing.T) {
			e, _, up := oneFailure(t)
			*up = true
			id := ask(t, e, fmt.Sprintf(redriveR1, ""))
			item := drainToItems(t, e)
			died(t, e, tt.at, item...)
			if err := e.Dead.Send(t.Context(), item...); err != nil {
				t.Fatal(err)
			}
			e.Schedule()
			e.Pump()
			e.Schedule()
			wantItem(t, e, id, tt.outcome, "")
			if f := failure(t, e, "live-1"); f.Status != tt.status || f.Redrive != "" {
				t.Errorf("got %+v, want it %s", f, tt.status)
			}
		})
	}
}

// An event that never reached the log is recorded by its redrive, which begins with Record.
func TestAnUnrecordedEventIsRedriven(t *testing.T) {
	e := inMemory(t)
	unrecordedFailure(t, e)
	id := ask(t, e, `{"action":"redrive","select":{"failures":{}},"reason":"a test"}`)
	e.Pump()
	finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
	row, err := e.Book.Executions.Get(t.Context(), "live-1")
	if err != nil || row.Mode != domain.Live || row.VersionID == "" || row.ResourceID != "r1" || row.Status != domain.Succeeded {
		t.Errorf("got %+v, %v, want a recorded live event", row, err)
	}
	if f := failure(t, e, "live-1"); f.Status != domain.Closed || e.PublishedBy("live-1") != 1 {
		t.Errorf("got %+v, published %d times, want it closed and published", f, e.PublishedBy("live-1"))
	}
}

// Two replays redrive the same failure: the second one finds it claimed.
func TestTwoRedrivesOfOneFailureBeginOnce(t *testing.T) {
	e, _, up := oneFailure(t)
	*up = true
	first := ask(t, e, fmt.Sprintf(redriveR1, ""))
	second := ask(t, e, `{"action":"redrive","select":{"failures":{}},"reason":"a test"}`)
	e.Pump()
	var redriven, skipped int
	for _, id := range []string{first, second} {
		switch it := onlyItem(t, e, id); it.Outcome {
		case replay.Succeeded:
			redriven++
		case replay.Skipped:
			skipped++
		}
	}
	if redriven != 1 || skipped != 1 || e.Machine.Redriven["live-1"] != 1 {
		t.Errorf("got %d redriven, %d skipped, %d calls; want one of each", redriven, skipped, e.Machine.Redriven["live-1"])
	}
}

// A plan of a redrive is applied to what it was made on.
func TestAPlanOfARedriveIsApplied(t *testing.T) {
	for name, drift := range map[string]bool{"as planned": false, "it was healed since": true} {
		t.Run(name, func(t *testing.T) {
			e, _, up := oneFailure(t)
			*up = true
			plan := ask(t, e, `{"action":"redrive","select":{"failures":{}},"reason":"a test","dryRun":true}`)
			e.Pump()
			hash := get(t, e, plan).Plan.PlanHash
			e.Pump()
			if hash == "" {
				hash = get(t, e, plan).Plan.PlanHash
			}
			if drift {
				ask(t, e, `{"select":{"resourceIds":["r1"]},"reason":"a test"}`)
				e.Pump()
			}
			id := ask(t, e, fmt.Sprintf(`{"apply":{"planId":%q,"planHash":%q}}`, plan, hash))
			e.Pump()
			if drift {
				wantItem(t, e, id, replay.Skipped, "drift: the failure of execution live-1 is healed by now")
				return
			}
			finished(t, e, id, replay.Completed, replay.Counts{Matched: 1, Started: 1, Succeeded: 1})
		})
	}
}
