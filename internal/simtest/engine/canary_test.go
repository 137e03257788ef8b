package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// asDeployed gives the job the construct's defaults.
func asDeployed(e *Engine) {
	e.Reconfigure(func(p *config.AutoReplay) {
		p.MaxAttempts, p.MaxAge = 5, 3*24*time.Hour
		p.BackoffBase, p.BackoffRate, p.MaxBackoff = time.Minute, 2, time.Hour
		p.SettleAfter = period
	})
}

// outageOf ingests events of different resources, all of which fail.
func outageOf(t *testing.T, e *Engine, n int) {
	t.Helper()
	for i := range n {
		if err := e.Machine.Start(fmt.Sprintf("live-%d", i), ev(fmt.Sprintf("r%d", i), 1)); err != nil {
			t.Fatal(err)
		}
	}
	e.Machine.RunAll(t.Context())
	e.Report()
}

// tick moves the clock on by a period, runs the schedule and what it starts, and reports it.
func tick(e *Engine) autoreplay.Summary {
	e.t.Helper()
	e.Ahead += period
	sum := e.Schedule()
	e.Pump()
	return sum
}

func statuses(t *testing.T, e *Engine, n int) map[domain.FailureStatus]int {
	t.Helper()
	count := map[domain.FailureStatus]int{}
	for i := range n {
		count[failure(t, e, fmt.Sprintf("live-%d", i)).Status]++
	}
	return count
}

// A dependency of all events breaks down and recovers. The outage costs few executions, and then all failures heal.
func TestAThousandFailuresOfOneDependencyAreProbed(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	const n = 1000
	up := false
	e.Machine.Work = failing(outage, func(string) bool { return up })
	outageOf(t, e, n)
	held := 0
	for range 72 { // six hours
		held += tick(e).Held
	}
	probes := len(e.Machine.Names(domain.AutoPrefix))
	if probes < 5 || probes > 15 {
		t.Errorf("the outage of six hours cost %d executions, want a handful", probes)
	}
	if held < n {
		t.Errorf("%d were held, want every failure", held)
	}
	up = true
	runs := 0
	for sent := 0; sent < n && runs < 40; runs++ {
		sent += tick(e).Replayed
	}
	healed := 0
	for _, name := range append(live(n), e.Machine.Names(domain.AutoPrefix)...) {
		f, err := e.Book.Failures.Get(t.Context(), domain.FailureID(name, 0))
		switch {
		case errors.Is(err, ledger.ErrNotFound): // an automatic replay that succeeded
		case err != nil:
			t.Fatal(err)
		case f.Status == domain.Healed:
			healed++
		case f.Status != domain.FailedAgain:
			t.Errorf("%s is %s: %s", name, f.Status, f.Decision)
		}
	}
	if healed != n {
		t.Errorf("%d of %d healed after %d runs", healed, n, runs)
	}
	if total := len(e.Machine.Names(domain.AutoPrefix)); total != n+probes {
		t.Errorf("%d automatic replays, want %d that heal and %d probes", total, n, probes)
	}
	t.Logf("%d failures: %d probes in six hours, healed within %d runs", n, probes, runs)
}

func live(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("live-%d", i))
	}
	return names
}

// The first event is poisonous. The next probe is another event, so the rest heal, and the poisonous one ends in
// quarantine.
func TestAPoisonousProbeDoesNotHoldBackTheOthers(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	const n = 30
	down := true
	e.Machine.Work = func(_, event string) (string, string) {
		if down || strings.Contains(event, `"r0"`) {
			return "", outage
		}
		return event, ""
	}
	outageOf(t, e, n)
	e.Ahead = period
	e.Schedule() // holds them and lets the oldest go
	down = false
	e.Pump()
	first := domain.AutoName("live-0", 1)
	if got := e.Machine.Names(domain.AutoPrefix); len(got) != 1 || got[0] != first {
		t.Fatalf("probed %v, want the poisonous event alone, as %s", got, first)
	}
	for range 12 {
		tick(e)
	}
	if got := statuses(t, e, n); got[domain.Healed] != n-1 {
		t.Errorf("got %v, want all healed but one", got)
	}
	for range 60 { // its attempts
		tick(e)
	}
	last := domain.AutoName("live-0", e.Policy.MaxAttempts)
	if f := failure(t, e, last); f.Status != domain.Quarantined || f.Attempt != e.Policy.MaxAttempts {
		t.Errorf("got %+v, want the poisonous event quarantined after its attempts", f)
	}
}

func TestFewFailuresAreReplayedAtOnce(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	e.Machine.Work = failing(outage, automatic)
	outageOf(t, e, 10)
	sum := tick(e)
	if sum.Held != 0 || sum.Replayed != 10 {
		t.Errorf("got %+v, want ten failures replayed and none held", sum)
	}
	if got := statuses(t, e, 10); got[domain.Healed] != 10 {
		t.Errorf("got %v, want all healed", got)
	}
}

// Held failures are quarantined if no probe succeeds.
func TestHeldFailuresAge(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	e.Machine.Work = failing(outage, never)
	outageOf(t, e, 15)
	tick(e)
	e.Ahead += 4 * 24 * time.Hour
	for range 4 {
		tick(e)
	}
	got := statuses(t, e, 15)
	if got[domain.Quarantined]+got[domain.FailedAgain] != 15 {
		t.Errorf("got %v, want all quarantined but the probes, which failed again", got)
	}
}

// The job dies after it chose a probe and before it sent it. The next run sends that probe, and no other.
func TestACrashBetweenChoosingAndSendingAProbe(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	e.Machine.Work = failing(outage, never)
	outageOf(t, e, 20)
	e.faults.Name = "SendMessageBatch"
	e.Ahead = period
	died := e.faults.During(func() { _, _ = e.Runner.Run(t.Context(), "run", autoreplay.Request{}) })
	if e.faults.Name = ""; !died || len(e.Replays.TakeAll()) > 0 {
		t.Fatal("the run did not die before it sent a probe")
	}
	tick(e) // the lease of the dead run is over
	if got := e.Machine.Names(domain.AutoPrefix); len(got) != 1 {
		t.Errorf("got %d probes, want one", len(got))
	}
	g, err := e.Book.Storms.Get(t.Context(), outage)
	if err != nil || g.Probes != 1 || !g.Holds {
		t.Errorf("got %+v, %v, want one probe noted", g, err)
	}
}

// A failure that cannot be decided does not block the others of its group.
func TestAFailureThatCannotBeDecidedOnKeepsNobodyBack(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	down := true
	e.Machine.Work = failing(outage, func(string) bool { return !down })
	outageOf(t, e, 20)
	e.services.Bucket = illegible{e.services.Bucket}
	e.Reconfigure(func(*config.AutoReplay) {})
	down = false
	for range 8 {
		e.Ahead += period
		if _, err := e.Runner.Run(t.Context(), fmt.Sprint("run-", e.Ahead), autoreplay.Request{}); err != nil {
			t.Fatal(err)
		}
		e.Pump()
	}
	if got := statuses(t, e, 20); got[domain.Healed] != 19 || got[domain.Waiting] != 1 {
		t.Errorf("got %v, want all healed but the one that cannot be decided", got)
	}
}

// illegible does not show the newest version of one resource.
type illegible struct{ eventlog.API }

func (b illegible) HeadObject(ctx context.Context, in *s3.HeadObjectInput, o ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if *in.Key == schema.EventsPrefix+"r0" {
		return nil, errors.New("S3 does not answer")
	}
	return b.API.HeadObject(ctx, in, o...)
}

// The indexes do not show a run its own writes. Held failures are still not forgotten.
func TestALaggingIndexForgetsNothingThatIsHeld(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	down := true
	e.Machine.Work = failing(outage, func(string) bool { return !down })
	outageOf(t, e, 20)
	e.Ingest("newer", ev("r0", 2)) // fails, too, and supersedes the oldest, which would be the first probe
	e.Report()
	lagging := func() {
		e.Table.Freeze()
		tick(e)
		e.Table.Thaw()
	}
	e.Schedule() // takes them in
	for range 5 {
		lagging()
	}
	down = false
	for range 40 {
		lagging()
	}
	got := statuses(t, e, 20)
	if got[domain.Healed]+got[domain.FailedAgain]+got[domain.Superseded] != 20 {
		t.Errorf("got %v, want nothing held any more", got)
	}
}

// After a probe has succeeded the others follow in growing steps.
func TestStepsGrow(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	e.Machine.Work = failing(outage, automatic)
	outageOf(t, e, 100)
	var steps []int
	for range 8 {
		if n := tick(e).Replayed; n > 0 {
			steps = append(steps, n)
		}
	}
	if got := fmt.Sprint(steps); got != "[1 4 16 64 15]" {
		t.Errorf("let go in steps of %s, want [1 4 16 64 15]", got)
	}
}

// alarmState is a CloudWatch alarm.
type alarmState struct {
	in  bool
	err error
}

func (a *alarmState) DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	state := cwtypes.StateValueOk
	if a.in {
		state = cwtypes.StateValueAlarm
	}
	return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []cwtypes.MetricAlarm{{StateValue: state}}}, a.err
}

// While the pause alarm is on, nothing starts. Failures are still recorded, and those that are not retriable are
// quarantined.
func TestAnAlarmPausesAutoReplay(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	e.Machine.Work = func(execution, event string) (string, string) {
		switch {
		case automatic(execution):
			return event, ""
		case strings.Contains(event, `"r0"`):
			return "", "InvalidListing"
		}
		return "", outage
	}
	trouble := &alarmState{in: true}
	e.Alarms = trouble
	e.Reconfigure(func(p *config.AutoReplay) { p.PauseAlarm = "trouble" })
	outageOf(t, e, 5)
	for range 3 {
		if sum := tick(e); sum.Replayed != 0 || sum.Paused == "" {
			t.Errorf("got %+v, want it paused", sum)
		}
	}
	if got := statuses(t, e, 5); got[domain.Waiting] != 4 || got[domain.Quarantined] != 1 {
		t.Errorf("got %v, want four waiting and one quarantined", got)
	}
	trouble.in, trouble.err = false, errors.New("CloudWatch does not answer")
	if sum := tick(e); sum.Replayed != 0 || sum.Paused == "" {
		t.Errorf("got %+v, want it paused while the alarm cannot be read", sum)
	}
	trouble.err = nil
	if sum := tick(e); sum.Replayed != 4 || sum.Paused != "" {
		t.Errorf("got %+v, want it to go on where it stopped", sum)
	}
	if got := statuses(t, e, 5); got[domain.Healed] != 4 {
		t.Errorf("got %v, want four healed", got)
	}
}

// Automatic replays keep to their share of the account's rate, at any time and over time, and every one is sent.
func TestAutomaticReplaysKeepToTheirShare(t *testing.T) {
	e := inMemory(t)
	asDeployed(e)
	e.Reconfigure(func(p *config.AutoReplay) {
		p.StartsPerSecond, p.CanaryThreshold = 0.05, 1000 // 15 in five minutes
	})
	e.Machine.Work = failing(outage, automatic)
	outageOf(t, e, 40)
	for run, want := range []int{15, 15, 10, 0} {
		e.Replays.Delays = nil
		if sum := tick(e); sum.Replayed != want {
			t.Errorf("run %d: got %+v, want %d replayed", run, sum, want)
		}
		for i, d := range e.Replays.Delays {
			if want := time.Duration(i) * 20 * time.Second; d > want || d < want-time.Second && i > 0 {
				t.Errorf("run %d: start %d is %s after the first, want %s", run, i, d, want)
			}
		}
	}
	if got := statuses(t, e, 40); got[domain.Healed] != 40 {
		t.Errorf("got %v, want all healed", got)
	}
}
