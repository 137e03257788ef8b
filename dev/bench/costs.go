package bench

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/cloud"
	"github.com/ce873799/replayable-ingestion/dev/bench/cost"
	"github.com/ce873799/replayable-ingestion/dev/bench/system"
	"github.com/ce873799/replayable-ingestion/dev/sales"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
)

// costs counts the calls of the functions and prices them.
func (r *run) costs(ctx context.Context) ([]Row, error) {
	w, err := MeasureUsage(ctx, r.Sizes.CostEvents, latency)
	if err != nil {
		return nil, err
	}
	r.workload = w
	var rows []Row
	ours := w.Ours()
	for _, each := range []struct {
		what  string
		usage cost.Usage
	}{{"ingested", ours.Ingested}, {"failed and healed, on top", ours.Failed}, {"replayed", ours.Replayed}} {
		_, total, err := cost.Bill(each.usage.Times(1e6))
		if err != nil {
			return nil, err
		}
		rows = append(rows, list("Cost of a million events "+each.what, math.Round(total*100)/100, "USD"))
	}
	return rows, nil
}

// latency is how long a service's call takes here, which is about as long as within a Region.
func latency(call string) time.Duration {
	service, _, _ := strings.Cut(call, ".")
	return map[string]time.Duration{
		"s3": 20 * time.Millisecond, "dynamodb": 5 * time.Millisecond, "sns": 10 * time.Millisecond,
		"sqs": 10 * time.Millisecond, "states": 20 * time.Millisecond,
	}[service]
}

// snapshot is the usage up to a time.
type snapshot struct {
	calls       map[string]int
	invocations map[string]int
	seconds     map[string]time.Duration
	write, read float64
	row         int
	object      int64
	logged      int64
}

// MeasureUsage runs a number of events through the functions: once with success, once with a failure that heals, and
// once as a replay. The counts are the same in each run. The seconds depend on the delay.
func MeasureUsage(ctx context.Context, events int, delay func(string) time.Duration) (w cost.Workload, err error) {
	all, err := sales.Read(2 * events)
	if err != nil {
		return w, err
	}
	c := cloud.Start(cloud.Options{Delay: delay})
	defer c.Stop()
	down := false
	s, err := system.New(c)
	if err != nil {
		return w, err
	}
	s.Machine.Work = func(execution, event string) (output, fault string) {
		if down && strings.HasPrefix(execution, "sale-") {
			return "", "Lambda.ServiceException"
		}
		return event, ""
	}
	ingest := func(from, to int) error {
		for i := from; i < to; i++ {
			if err := s.Ingest(name(i), all[i].Raw); err != nil {
				return err
			}
		}
		return s.Settle(ctx)
	}
	now := func() snapshot {
		return snapshot{
			calls: c.Calls(), invocations: s.Invocations(), seconds: s.Seconds(), write: c.Table.Units.Write,
			read: c.Table.Units.Read, row: c.Table.Units.Stored, object: c.Stored(), logged: s.Logged(),
		}
	}
	w.Events = events
	before := now()
	if err := ingest(0, events); err != nil {
		return w, err
	}
	after := now()
	w.Ingested = per(events, before, after)

	before = after
	down = true
	if err := ingest(events, 2*events); err != nil {
		return w, err
	}
	for range 2 { // the first run records the failures, and in the second their backoff has ended
		if err := s.Heal(ctx, 5*time.Minute); err != nil {
			return w, err
		}
	}
	w.Failed = minus(per(events, before, now()), w.Ingested)

	before = now()
	replay, err := s.Replay(ctx, everything)
	if err != nil {
		return w, err
	}
	counts, _ := replay["counts"].(map[string]any)
	started, _ := counts["succeeded"].(float64)
	if replay["status"] != "COMPLETED" || int(started) < events {
		return w, fmt.Errorf("the replay is %v with %v: %w", replay["status"], counts, simtest.ErrRefused)
	}
	w.Replayed = per(int(started), before, now())
	return w, nil
}

// per divides the usage between two times by a number of events.
func per(events int, before, after snapshot) cost.Measured {
	n := float64(events)
	m := cost.Measured{
		Calls: map[string]float64{}, Invocations: map[string]float64{}, Seconds: map[string]float64{},
		Write: tidy((after.write - before.write) / n), Read: tidy((after.read - before.read) / n),
		Row: math.Round(float64(after.row-before.row) / n), Object: math.Round(float64(after.object-before.object) / n),
		Logged: math.Round(float64(after.logged-before.logged) / n),
	}
	for call, k := range difference(after.calls, before.calls) {
		m.Calls[call] = tidy(float64(k) / n)
	}
	for name, k := range difference(after.invocations, before.invocations) {
		m.Invocations[name] = tidy(float64(k) / n)
		m.Seconds[name] = tidy((after.seconds[name] - before.seconds[name]).Seconds() / n)
	}
	// EventBridge sends each end to a queue, a failure to two; the pollers receive and delete batch by batch.
	ends := m.Invocations["Tracker"] * 10
	m.Calls["eventbridge.SendMessage"] = tidy(ends + m.Calls["sqs.DeleteMessage"])
	batches := tidy(m.Invocations["Tracker"] + m.Invocations["ReplayListener"])
	m.Calls["lambda.ReceiveMessage"], m.Calls["lambda.DeleteMessageBatch"] = batches, batches
	return m
}

func difference(after, before map[string]int) map[string]int {
	out := map[string]int{}
	for call, n := range after {
		if n -= before[call]; n > 0 {
			out[call] = n
		}
	}
	return out
}

// minus returns the difference of two measurements.
func minus(m, other cost.Measured) cost.Measured {
	sub := func(a, b map[string]float64) map[string]float64 {
		out := maps.Clone(a)
		for k, v := range b {
			if out[k] = tidy(out[k] - v); out[k] == 0 {
				delete(out, k)
			}
		}
		return out
	}
	return cost.Measured{
		Calls: sub(m.Calls, other.Calls), Invocations: sub(m.Invocations, other.Invocations),
		Seconds: sub(m.Seconds, other.Seconds), Write: tidy(m.Write - other.Write), Read: tidy(m.Read - other.Read),
		Row: m.Row - other.Row, Object: m.Object - other.Object, Logged: m.Logged - other.Logged,
	}
}
