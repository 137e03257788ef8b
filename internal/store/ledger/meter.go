package ledger

import (
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// meter counts what conditional writes changed. Only the caller that made a change counts it, so a message that is
// delivered twice counts once. It may count too little, never too much: if the response to a write is lost, the SDK's
// next attempt finds the change made, and cannot know by whom.
type meter interface {
	Add(m schema.Metric, n float64)
	Observe(m schema.Metric, value float64)
}

type nobody struct{}

func (nobody) Add(schema.Metric, float64)     {}
func (nobody) Observe(schema.Metric, float64) {}

// Metered returns a ledger that counts its changes.
func (l *Ledger) Metered(m meter) *Ledger {
	counted := *l.Executions.table
	counted.meter = m
	return partsOf(&counted)
}

// becomes has the metric of failures that reach a status. A failure that waits has none.
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

// countMove counts a failure that has another status. A new due time alone does not count.
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

// countItems counts what was added to the counters of a replay. A version of a series that was about to start and did
// not start is still counted as started, because a metric cannot be taken back.
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

// rateEnd counts the end of a live execution. Replays would count a bad event again with each attempt, and an abort by
// a person says nothing about the event.
func (l *table) rateEnd(row domain.Execution) {
	if row.Mode == domain.Live && row.Status != domain.Aborted {
		l.meter.Observe(schema.FailureRate, domain.FailureRate(row.Status))
	}
}
