package engine

import (
	"context"
	"flag"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

var outageFailures = flag.Int("outage", 2000, "failures of the outage that is played")

// An outage fails every event with one error, for as long as it lasts. The account's quotas apply, no run returns an
// error, and no message remains in the dead-letter queue. After the outage, everything heals at the pace of all
// replays.
func TestAnOutageWithinTheQuotas(t *testing.T) {
	const startsPerSecond = 30
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	now := func() time.Time { return time.Now().Add(e.Ahead) }
	api := awstest.NewQuotas(e.services.States, now)
	api.Start.Size = math.Inf(1) // delayed messages come at once here
	e.services.States, e.services.Random = api, func() float64 { return 0.5 }
	e.Reconfigure(func(p *config.AutoReplay) {
		p.CanaryThreshold, p.StartsPerSecond, p.MaxAttempts, p.BackoffBase = 10, startsPerSecond, 10, time.Minute
		p.MaxBackoff = time.Minute
	})
	over := false
	e.Machine.Work = func(_, event string) (string, string) {
		if over {
			return event, ""
		}
		return event, "States.Timeout"
	}
	for i := range *outageFailures {
		e.Ingest(fmt.Sprint("event-", i), fmt.Sprintf(`{"id":"r%d"}`, i))
	}
	e.Report()
	began, runs, most := now(), 0, 0
	takenIn, healed := time.Duration(0), time.Duration(0)
	var ended time.Time
	for ; healed == 0; runs++ {
		if runs > 20+*outageFailures/1000 {
			t.Fatalf("not healed after %d runs", runs)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // calls take no time here, but this machine's
		sum, err := e.World.Schedule(ctx, e.Ask)                   // fails if there are errors
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		e.flush()
		most = max(most, sum.Replayed)
		if takenIn == 0 && count(t, e) == *outageFailures {
			takenIn = now().Sub(began) + e.Policy.Interval
		}
		if left := gauge(e, "DeadLettersLeft"); left > 0 {
			t.Errorf("run %d: %v dead letters left, which raises an alarm", runs, left)
		}
		if runs == 2 {
			over, ended = true, now()
		}
		e.Pump()
		if over && len(e.Machine.Names("ar-")) >= *outageFailures {
			healed = now().Sub(ended) + e.Policy.Interval
		}
		e.Ahead += e.Policy.Interval
	}
	given := map[string]int{}
	for call, quota := range map[string]*awstest.Tokens{"starts": api.Start, "describes": api.Describe, "histories": api.History, "lists": api.Lists} {
		n, refused := quota.Counts()
		given[call] = n
		if refused > 0 {
			t.Errorf("refused %d %s, want none", refused, call)
		}
	}
	if bound := startsPerSecond * int(e.Policy.Interval.Seconds()); most > bound {
		t.Errorf("a run sent %d automatic replays, want at most %d", most, bound)
	}
	if takenIn > 10*time.Minute {
		t.Errorf("taken in after %s, want minutes", takenIn)
	}
	t.Logf("%d failures: taken in within %s, healed %s after the end of the outage, %d runs; %d describes, %d histories, %d lists",
		*outageFailures, takenIn.Round(time.Second), healed.Round(time.Second), runs, given["describes"], given["histories"], given["lists"])
}

// A thousand events were never recorded, since they have no usable id. Each needs a description, which has its input. What
// exceeds the quota waits in the queue, without an alarm. None is lost.
func TestUnrecordedFailuresWithinTheQuotas(t *testing.T) {
	const events = 1000
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour})
	api := awstest.NewQuotas(e.services.States, func() time.Time { return time.Now().Add(e.Ahead) })
	e.services.States = api
	e.Reconfigure(func(*config.AutoReplay) {})
	for i := range events {
		e.Ingest(fmt.Sprint("event-", i), `{"n":1}`)
	}
	e.Report()
	runs := 0
	for ; count(t, e) < events; runs++ {
		if runs > 25 {
			t.Fatalf("recorded %d of %d failures in %d runs", count(t, e), events, runs)
		}
		e.Schedule() // fails if there are errors
		if left := gauge(e, "DeadLettersLeft"); left > 0 {
			t.Errorf("run %d: %v dead letters left, which raises an alarm", runs, left)
		}
		e.Ahead += e.Policy.Interval
	}
	for _, name := range e.Machine.Names("event-") {
		if f := failure(t, e, name); f.Status != domain.Quarantined || f.InputKey == "" {
			t.Fatalf("got %+v, want it quarantined with its input", f)
		}
	}
	for call, quota := range map[string]*awstest.Tokens{"describes": api.Describe, "histories": api.History, "lists": api.Lists} {
		if given, refused := quota.Counts(); refused > 0 {
			t.Errorf("refused %d %s of %d, want none", refused, call, given+refused)
		}
	}
	t.Logf("%d events that were never recorded: their failures were recorded in %d runs", events, runs)
}

// count counts the failures of the events themselves.
func count(t *testing.T, e *Engine) (n int) {
	t.Helper()
	var ids []string
	for _, name := range e.Machine.Names("event-") {
		ids = append(ids, domain.FailureID(name, 0))
	}
	rows, err := e.Plain.Failures.Find(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	return len(rows)
}

// gauge is the last value of a metric.
func gauge(e *Engine, name string) (last float64) {
	for _, d := range e.Metrics() {
		if strings.EqualFold(d.Name, name) && len(d.Values) > 0 {
			last = d.Values[len(d.Values)-1]
		}
	}
	return last
}
