package progress

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// rows is a ledger of one replay. Before each change it may move an item itself, as another instance would.
type rows struct {
	items     map[int]domain.Item
	changed   int
	replay    domain.Replay
	completed int // looked whether the replay is complete
	finished  int
	sent      []string
	meanwhile func()
	err       error
}

func (m *rows) At(_ context.Context, _ string, positions []domain.Position) (map[domain.Position]domain.Item, error) {
	found := map[domain.Position]domain.Item{}
	for _, p := range positions {
		found[p] = m.items[p.Ordinal]
	}
	return found, nil
}

func (m *rows) Change(_ context.Context, _ string, changes []domain.ItemChange) error {
	if m.err != nil {
		return m.err
	}
	if m.meanwhile != nil {
		m.meanwhile()
		m.meanwhile = nil
	}
	for _, c := range changes {
		if m.items[c.Item.Ordinal].Outcome != c.Item.Outcome {
			return ledger.ErrConflict
		}
	}
	for _, c := range changes {
		row := m.items[c.Item.Ordinal]
		row.Outcome = c.To
		m.items[c.Item.Ordinal] = row
		m.changed++
	}
	return nil
}

func (m *rows) Get(context.Context, string) (domain.Replay, error) {
	m.completed++
	return m.replay, nil
}

func (m *rows) Count(_ context.Context, r domain.Replay) (domain.Replay, error) { return r, nil }

func (m *rows) Stop(_ context.Context, _ string, stop replay.Stop) (domain.Replay, error) {
	if m.replay.Stopped() {
		return m.replay, ledger.ErrConflict
	}
	m.replay.StopStatus, m.replay.StopReason = stop.Status, stop.Reason
	return m.replay, nil
}

func (m *rows) MarkSweeping(_ context.Context, _ string, at domain.Stamp) error {
	m.replay.SweepAt = at
	return nil
}

func (m *rows) BeginResend(_ context.Context, r domain.Replay, at domain.Stamp) (domain.Replay, error) {
	if r.Resends != m.replay.Resends {
		return m.replay, ledger.ErrConflict
	}
	m.replay.Resends, m.replay.ResendAt, m.replay.ResendTo, m.replay.Parked = r.Resends+1, at, "", false
	return m.replay, nil
}

func (m *rows) PauseRamp(context.Context, domain.Replay, replay.Pause) error { return nil }

func (m *rows) NextStep(_ context.Context, r domain.Replay) (domain.Replay, error) { return r, nil }

func (m *rows) Finish(context.Context, domain.Replay, domain.Stamp) error {
	m.finished++
	return nil
}

func (m *rows) Send(_ context.Context, bodies ...string) error {
	m.sent = append(m.sent, bodies...)
	return nil
}

func with(outcomes ...replay.Outcome) *rows {
	m := &rows{items: map[int]domain.Item{}}
	for i, o := range outcomes {
		m.items[i] = domain.Item{ReplayID: "p", Ordinal: i, Outcome: o}
	}
	return m
}

func step(ordinal int, to replay.Outcome) Transition {
	return Transition{ReplayID: "p", Ordinal: ordinal, To: to, At: time.Unix(1, 0)}
}

// Another delivery has bound the item and started it, while this one found that nothing could be started.
func TestAVerdictOfADeliveryThatDidNotBindChangesNothing(t *testing.T) {
	m := with(replay.Waiting)
	it := m.items[0]
	it.Execution = "x"
	m.items[0] = it
	started, skipped := step(0, replay.Started), step(0, replay.Skipped)
	started.ARN, started.Execution = "arn:x", "x"
	if failed := New(m, m, m).Apply(t.Context(), []Transition{started, skipped}); len(failed) > 0 {
		t.Fatal(failed)
	}
	if got := m.items[0].Outcome; got != replay.Started {
		t.Errorf("got %s, want STARTED", got)
	}
}

func TestSteps(t *testing.T) {
	tests := []struct {
		name          string
		before        replay.Outcome
		steps         []replay.Outcome
		want          replay.Outcome
		changed, done int
	}{
		{name: "an item starts", before: replay.Waiting, steps: []replay.Outcome{replay.Started}, want: replay.Started, changed: 1},
		{name: "an item ends", before: replay.Started, steps: []replay.Outcome{replay.Failed}, want: replay.Failed, changed: 1, done: 1},
		{name: "an item ends before its start is noted", before: replay.Waiting, steps: []replay.Outcome{replay.Succeeded}, want: replay.Succeeded, changed: 1, done: 1},
		{name: "a late note of the start changes nothing", before: replay.Succeeded, steps: []replay.Outcome{replay.Started}, want: replay.Succeeded},
		{name: "another end changes nothing, and looks once more", before: replay.Succeeded, steps: []replay.Outcome{replay.Failed}, want: replay.Succeeded, done: 1},
		{name: "start and end in one batch are one change", before: replay.Waiting, steps: []replay.Outcome{replay.Started, replay.Succeeded}, want: replay.Succeeded, changed: 1, done: 1},
		{name: "end and start in one batch are one change", before: replay.Waiting, steps: []replay.Outcome{replay.Succeeded, replay.Started}, want: replay.Succeeded, changed: 1, done: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := with(tt.before)
			var steps []Transition
			for _, to := range tt.steps {
				steps = append(steps, step(0, to))
			}
			if failed := New(m, m, m).Apply(t.Context(), steps); len(failed) != 0 {
				t.Fatal(failed)
			}
			if m.items[0].Outcome != tt.want || m.changed != tt.changed || m.completed != tt.done {
				t.Errorf("got %s after %d changes, looked for completion %d times; want %s, %d, %d",
					m.items[0].Outcome, m.changed, m.completed, tt.want, tt.changed, tt.done)
			}
		})
	}
}

func TestALostRaceIsReadAgain(t *testing.T) {
	m := with(replay.Waiting, replay.Waiting)
	m.meanwhile = func() { m.items[0] = domain.Item{ReplayID: "p", Outcome: replay.Succeeded} }
	if failed := New(m, m, m).Apply(t.Context(), []Transition{step(0, replay.Started), step(1, replay.Started)}); len(failed) != 0 {
		t.Fatal(failed)
	}
	if m.items[0].Outcome != replay.Succeeded || m.items[1].Outcome != replay.Started {
		t.Errorf("got %s and %s, want SUCCEEDED kept and the other STARTED", m.items[0].Outcome, m.items[1].Outcome)
	}
}

func TestAFaultIsToldPerReplay(t *testing.T) {
	m := with(replay.Waiting)
	m.err = errors.New("table on fire")
	if failed := New(m, m, m).Apply(t.Context(), []Transition{step(0, replay.Started)}); !errors.Is(failed["p"], m.err) {
		t.Errorf("got %v, want the fault under its replay", failed)
	}
}

func TestManyStepsGoInSeveralTransactions(t *testing.T) {
	outcomes := make([]replay.Outcome, 250)
	steps := make([]Transition, len(outcomes))
	for i := range outcomes {
		outcomes[i], steps[i] = replay.Waiting, step(i, replay.Skipped)
	}
	m := with(outcomes...)
	if failed := New(m, m, m).Apply(t.Context(), steps); len(failed) != 0 || m.changed != 250 || m.completed != 3 {
		t.Errorf("got %v after %d changes in %d transactions, want 250 in 3", failed, m.changed, m.completed)
	}
}

func TestTooManyFailuresHaltTheReplay(t *testing.T) {
	one := 1
	m := with(replay.Started)
	m.replay = domain.Replay{ID: "p", Status: replay.Running, MaxFailures: &one, Tally: domain.Tally{Matched: 6, Failed: 1}}
	b := New(m, m, m)
	if err := b.CompleteIfDone(t.Context(), "p", time.Unix(1, 0)); err != nil || m.replay.Stopped() || len(m.sent) != 0 {
		t.Fatalf("got %v, %+v after as many failures as allowed, want it to go on", err, m.replay)
	}
	m.replay.Failed = 2
	if err := b.CompleteIfDone(t.Context(), "p", time.Unix(1, 0)); err != nil || m.replay.StopStatus != replay.Halted {
		t.Fatalf("got %v, %+v after one more, want it halted", err, m.replay)
	}
	if want := `{"v":1,"kind":"sweep","replayId":"p"}`; len(m.sent) != 1 || m.sent[0] != want {
		t.Errorf("sent %v, want %s", m.sent, want)
	}
	if err := b.CompleteIfDone(t.Context(), "p", time.Unix(31, 0)); err != nil || len(m.sent) != 1 {
		t.Errorf("got %v, %v: want no other message while the first one is at work", err, m.sent)
	}
	if err := b.CompleteIfDone(t.Context(), "p", time.Unix(61, 0)); err != nil || len(m.sent) != 2 {
		t.Errorf("got %v, %v: want the message again if nothing was swept for long", err, m.sent)
	}
	m.replay.Matched, m.replay.Expanded, m.replay.Swept = m.replay.Failed, true, true
	if err := b.CompleteIfDone(t.Context(), "p", time.Unix(1, 0)); err != nil || m.finished != 1 {
		t.Errorf("got %v, finished %d times, want the replay ended", err, m.finished)
	}
}

func TestAStepThatWasDecidedBeforeTheItemWasBoundIsLeftOut(t *testing.T) {
	m := with(replay.Waiting)
	m.items[0] = domain.Item{ReplayID: "p", Outcome: replay.Waiting, Execution: "rp-1"}
	if failed := New(m, m, m).Apply(t.Context(), []Transition{step(0, replay.Skipped)}); len(failed) != 0 || m.changed != 0 {
		t.Errorf("got %v after %d changes, want the bound item left alone", failed, m.changed)
	}
	s := step(0, replay.Skipped)
	s.Execution = "rp-1"
	if failed := New(m, m, m).Apply(t.Context(), []Transition{s}); len(failed) != 0 || m.items[0].Outcome != replay.Skipped {
		t.Errorf("got %v, %s, want it skipped by who knew that it is bound", failed, m.items[0].Outcome)
	}
}
