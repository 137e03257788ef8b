package ledger

import (
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// meter is told what conditional writes changed. Whoever made a change counts it, so that what is delivered twice, or
// to two at once, counts once. It counts too little rather than too much: when the answer to a write is lost, the SDK's
// next try finds the change made and does not know by whom.
type meter interface {
	Add(m schema.Metric, n float64)
	Observe(m schema.Metric, value float64)
}

type nobody struct{}

func (nobody) Add(schema.Metric, float64)     {}
func (nobody) Observe(schema.Metric, float64) {}

// Metered returns the ledger with its changes counted.
func (l *Ledger) Metered(m meter) *Ledger {
	counted := *l.Executions.table
	counted.meter = m
	return over(&counted)
}

// becomes is the metric of failures that reach a status. Those that wait have none.
var becomes = map[domain.FailureStatus]schema.Metric{
	domain.Retrying: schema.AutoReplayed, domain.Healed: schema.Healed, domain.FailedAgain: schema.FailedAgain,
	domain.Superseded: schema.Superseded, domain.Quarantined: schema.Quarantined, domain.Closed: schema.Closed,
}

func (l *table) countNew(f domain.Failure) {
	l.meter.Add(schema.Failures, 1)
	if m, ok := becomes[f.Status]; ok {
		l.meter.Add(m, 1)
	}
}

// countMove leaves out a failure that stays where it is, with another due time.
func (l *table) countMove(from domain.FailureStatus, f domain.Failure) {
	m, ok := becomes[f.Status]
	if !ok || f.Status == from {
		return
	}
	l.meter.Add(m, 1)
	if f.Status == domain.Healed {
		l.meter.Observe(schema.TimeToHeal, max(l.now().Sub(f.FirstAt.Time).Seconds(), 0))
	}
}

// countItems takes what was added to the counters of a replay. A version of a series that was about to start and did
// not counts as started nevertheless: a count takes nothing back.
func (l *table) countItems(t domain.Tally) {
	for m, n := range map[schema.Metric]int{
		schema.ReplayItemsStarted: t.Started, schema.ReplayItemsSucceeded: t.Succeeded, schema.ReplayItemsFailed: t.Failed,
		schema.ReplayItemsSkipped: t.Skipped, schema.ReplayItemsPlanned: t.Planned,
	} {
		if n > 0 {
			l.meter.Add(m, float64(n))
		}
	}
}

// rateEnd counts the end of a live execution. Those of replays would count a bad event once more with each try, and
// what a person aborts says nothing about how events fare.
func (l *table) rateEnd(row domain.Execution) {
	if row.Mode == domain.Live && row.Status != domain.Aborted {
		l.meter.Observe(schema.FailureRate, domain.FailureRate(row.Status))
	}
}
