package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"pgregory.net/rapid"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/naming"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
)

// Whatever fails, in whatever order and number messages come or get lost, whatever calls break, whoever aborts and
// redrives, and however the clock of the schedule jumps: nothing is lost, nothing runs more often than it may, and no
// automatic replay starts or publishes over a newer event.
func TestNoFailureIsLostInAnyWeather(t *testing.T) {
	checks(t, "1000") // about 10 s
	rapid.Check(t, func(rt *rapid.T) {
		o := newStormy(rt, t)
		for range rapid.IntRange(20, 120).Draw(rt, "rounds") {
			o.round()
		}
		o.calm()
		o.verify()
	})
}

// stormy is a world in which a dependency of every event comes and goes.
type stormy struct {
	driver
	rt       *rapid.T
	t        *testing.T
	rng      *rand.Rand
	up       bool
	poison   map[string]bool // resources whose events fail for good
	live     int
	pending  []string // messages of the Replay queue
	seen     []string
	statuses []end
	ahead    time.Duration // the farthest that the clock was ahead: what was put off then waits for that time
	judge    *supersede.Judge

	published map[string]time.Time // the newest place of which something was published, by resource
}

func newStormy(rt *rapid.T, t *testing.T) *stormy {
	o := &stormy{
		rt: rt, t: t, up: true, poison: map[string]bool{},
		rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "weather"), 1)), //nolint:gosec // a test's dice
	}
	e := InMemory(t, &Faults{}, Clock{Now: time.Now, SettleAfter: period})
	o.driver = driver{e: e}
	threshold := rapid.IntRange(1, 5).Draw(rt, "threshold")
	e.Reconfigure(func(_ *autoreplay.Deps, p *autoreplay.Policy) {
		p.CanaryThreshold, p.BackoffBase, p.BackoffRate, p.MaxBackoff = threshold, time.Minute, 2, time.Hour
		p.MaxAge = 14 * 24 * time.Hour
	})
	o.published = map[string]time.Time{}
	o.judge = supersede.New(e.PlainLog, e.Plain)
	e.Machine.Work = func(_, event string) (string, string) {
		for id := range o.poison {
			if strings.Contains(event, `"`+id+`"`) {
				return "", outage
			}
		}
		if !o.up {
			return "", outage
		}
		return event, ""
	}
	e.Machine.StartFault = func(name string) (error, bool) {
		if automatic(name) && e.Machine.Status(name) == "" {
			o.mayStart(name)
		}
		return nil, false
	}
	e.OnPublish = o.mayPublish
	return o
}

// mayStart checks that an automatic replay does not start for a version that is known not to be the newest.
func (o *stormy) mayStart(name string) {
	row, err := o.e.Plain.Execution(o.t.Context(), name)
	if err != nil {
		o.rt.Errorf("%s starts and has no row: %v", name, err)
		return
	}
	if row.VersionID == "" {
		return
	}
	if by, newer, err := o.judge.Responsible(o.t.Context(), row.ResourceID, row.VersionID); err != nil || newer {
		o.rt.Errorf("%s starts for version %s although %s is newer (%v)", name, row.VersionID, by.Execution, err)
	}
}

// mayPublish checks that an automatic replay does not publish after a newer event, in the order in which the topic gets
// them.
func (o *stormy) mayPublish(in *sns.PublishInput) {
	attribute := func(name string) string {
		if a, ok := in.MessageAttributes[name]; ok {
			return *a.StringValue
		}
		return ""
	}
	row, err := o.e.Plain.Execution(o.t.Context(), attribute("execution"))
	if err != nil {
		o.rt.Errorf("%s publishes and has no row: %v", attribute("execution"), err)
		return
	}
	newest := o.published[row.ResourceID]
	if attribute("attempt") != "" && newest.After(row.Placed().Time) {
		o.rt.Errorf("automatic replay %s of an event of %s publishes after one of %s", row.Name, row.Placed(), newest)
	}
	if row.Placed().After(newest) {
		o.published[row.ResourceID] = row.Placed().Time
	}
}

func (o *stormy) round() {
	e := o.e
	e.faults.At = 0
	if o.rng.IntN(2) == 0 {
		e.faults.Arm(1+o.rng.IntN(20), o.rng.IntN(2) == 0, o.rng.IntN(2) == 0)
	}
	switch o.rng.IntN(16) {
	case 0, 1, 2, 3:
		o.live++
		id := fmt.Sprint("r", o.rng.IntN(6))
		if err := e.Machine.start(fmt.Sprint("live-", o.live), ev(id, o.live)); err != nil {
			o.rt.Fatal(err)
		}
	case 4, 5, 6:
		e.faults.During(func() { e.Machine.RunOne(o.t.Context()) })
	case 7:
		o.up = !o.up
		if o.rng.IntN(4) == 0 {
			o.poison[fmt.Sprint("r", o.rng.IntN(6))] = true
		}
	case 8, 9:
		o.deliver()
	case 10, 11:
		o.report()
	case 12, 13, 14:
		o.schedule()
	default:
		o.operate()
	}
}

// schedule runs auto-replay, whose clock may have jumped, also back; sometimes on another instance of the function.
func (o *stormy) schedule() {
	if jump := time.Duration(o.rng.Int64N(int64(8*time.Hour))) - 2*time.Hour; o.e.Ahead+jump > 0 {
		o.e.Ahead += jump
		o.ahead = max(o.ahead, o.e.Ahead)
	}
	if o.rng.IntN(4) == 0 {
		o.e.Reconfigure(func(*autoreplay.Deps, *autoreplay.Policy) {})
	}
	o.e.faults.During(func() {
		_, err := o.e.Job.Run(o.t.Context(), fmt.Sprint("run-", o.rng.Uint64()), autoreplay.Request{Rebuild: o.rng.IntN(8) == 0})
		_ = err // the next run goes on
	})
}

// operate is an operator who aborts or redrives an execution.
func (o *stormy) operate() {
	names := o.e.Machine.Names("")
	if len(names) == 0 {
		return
	}
	name := names[o.rng.IntN(len(names))]
	switch o.e.Machine.Status(name) {
	case types.ExecutionStatusRunning:
		o.e.Machine.Abort(name)
	case types.ExecutionStatusFailed:
		o.e.Machine.Redrive(name)
	}
}

func (o *stormy) deliver() {
	o.pending = append(o.pending, o.e.Replays.TakeAll()...)
	o.rng.Shuffle(len(o.pending), func(i, j int) { o.pending[i], o.pending[j] = o.pending[j], o.pending[i] })
	n := min(len(o.pending), 1+o.rng.IntN(5))
	bodies := append([]string{}, o.pending[:n]...)
	o.pending = append(o.pending[n:], o.listen(o.t, bodies)...)
	if len(o.seen) > 0 && o.rng.IntN(2) == 0 {
		o.listen(o.t, []string{o.seen[o.rng.IntN(len(o.seen))]})
	}
	o.seen = append(o.seen, bodies...)
}

// report tells of some ends, out of order and some of them twice; of others nobody ever hears.
func (o *stormy) report() {
	o.statuses = append(o.statuses, o.e.Machine.takeEnds()...)
	o.rng.Shuffle(len(o.statuses), func(i, j int) { o.statuses[i], o.statuses[j] = o.statuses[j], o.statuses[i] })
	for range min(len(o.statuses), o.rng.IntN(6)) {
		s := o.statuses[0]
		if o.rng.IntN(4) > 0 {
			o.track(o.t, s.message)
		}
		if s.failed && o.rng.IntN(4) > 0 {
			if err := o.e.Dead.Send(o.t.Context(), s.message); err != nil && !errors.Is(err, errDied) {
				o.rt.Fatal(err)
			}
		}
		if o.rng.IntN(3) > 0 {
			o.statuses = o.statuses[1:]
		}
	}
}

// calm is the end of all trouble: every message arrives, but no status event that was lost comes back.
func (o *stormy) calm() {
	e := o.e
	e.faults.At, o.up = 0, true
	for range 400 {
		o.pending = append(o.pending, e.Replays.TakeAll()...)
		for _, body := range o.pending {
			if refused := e.Listen(body); refused > 0 {
				o.rt.Fatalf("the listener refused %s", body)
			}
		}
		o.pending = nil
		e.Machine.RunAll(o.t.Context())
		e.Ahead += 2 * time.Hour
		sum, err := e.Job.Run(o.t.Context(), fmt.Sprint("calm-", o.rng.Uint64()), autoreplay.Request{})
		if err != nil || sum.Errors > 0 {
			o.rt.Fatalf("auto-replay: %+v, %v", sum, err)
		}
		if !sum.Skipped && sum.Replayed+sum.Held+sum.Waiting+sum.Settled+sum.Quarantined+sum.Superseded == 0 && e.Replays.empty() && e.Ahead > o.ahead+24*time.Hour {
			if sum.Unaccounted > 0 {
				o.rt.Errorf("%d events are unaccounted for", sum.Unaccounted)
			}
			return
		}
	}
	o.rt.Fatal("auto-replay does not settle down")
}

func (o *stormy) verify() {
	for _, name := range o.e.Machine.Names("") {
		o.verifyExecution(name)
	}
	for n := range 6 {
		o.verifyVersions(fmt.Sprint("r", n))
	}
}

func (o *stormy) verifyExecution(name string) {
	ctx, m := o.t.Context(), o.e.Machine
	status := m.Status(name)
	if m.Starts[name] > 1 {
		o.rt.Errorf("%s was started %d times", name, m.Starts[name])
	}
	row, err := o.e.Plain.Execution(ctx, name)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		o.rt.Fatal(err)
	}
	if err == nil && string(row.Status) != string(status) {
		o.rt.Errorf("%s is %s in Step Functions and in the ledger %+v", name, status, row)
	}
	redrives := int(m.executions[name].redrives)
	for n := range redrives + 1 {
		f, err := o.e.Plain.Failure(ctx, ledger.FailurePartition(name, n))
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			if n == redrives && status == types.ExecutionStatusFailed {
				o.rt.Errorf("%s is lost: it failed, and no failure says so", name)
			}
		case err != nil:
			o.rt.Fatal(err)
		case f.Status.Open():
			o.rt.Errorf("the failure of %s, run %d, is %s still: %s", name, n, f.Status, f.Decision)
		case n == redrives && status == types.ExecutionStatusSucceeded && f.Status == ledger.Quarantined:
			o.rt.Errorf("%s succeeded and is in quarantine", name)
		}
		root := name
		if n > 0 {
			root = fmt.Sprintf("%s#%d", name, n)
		}
		if extra := naming.Auto(root, o.e.Policy.MaxAttempts+1); m.Status(extra) != "" {
			o.rt.Errorf("%s was replayed more than %d times", root, o.e.Policy.MaxAttempts)
		}
	}
}

// verifyVersions checks that each execution counts once in the history of a resource.
func (o *stormy) verifyVersions(id string) {
	seen := map[string]bool{}
	for v, err := range o.e.PlainLog.Versions(o.t.Context(), id, "") {
		if err != nil {
			o.rt.Fatal(err)
		}
		if seen[v.Execution] {
			o.rt.Errorf("%s has two versions of %s", id, v.Execution)
		}
		seen[v.Execution] = true
		row, err := o.e.Plain.Execution(o.t.Context(), v.Execution)
		if err != nil || row.VersionID != v.ID {
			o.rt.Errorf("version %s of %s: the ledger has %+v, %v", v.ID, id, row, err)
		}
	}
}
