package ingestion

import (
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Quotas of most Regions, and of us-east-1, us-west-2 and eu-west-1, per second ("Quotas related to API action
// throttling" and "Quotas related to state throttling", Step Functions Developer Guide).
const (
	startRate           = 150
	largeStartRate      = 300
	transitionRate      = 500
	largeTransitionRate = 1_500
)

// pace is how many executions all replays may start per second.
type pace struct {
	startsPerSecond          float64 // MaxReplayShare of the account's rate
	requestedStartsPerSecond float64 // MaxRequestedShare of it, for requests that ask for more
}

// defaultReplayShare is the default of MaxReplayShare.
const defaultReplayShare = 0.2

// resolvePace takes a share of what the account may start, or of what its state transitions suffice for if that is
// less.
func (p *ReplayableIngestionProps) resolvePace() pace {
	starts := or(p.StartExecutionRate, startRate)
	transitions := float64(transitionRate)
	if starts >= largeStartRate {
		transitions = largeTransitionRate
	}
	each := or(p.TransitionsPerExecution, float64(p.Workflow.states()+len([]string{schema.RecordState, schema.PublishState})))
	rate := min(starts, or(p.StateTransitionRate, transitions)/each)
	return pace{startsPerSecond: rate * or(p.MaxReplayShare, defaultReplayShare), requestedStartsPerSecond: rate * or(p.MaxRequestedShare, 0)}
}

func (p *ReplayableIngestionProps) validatePace(f *faults) {
	f.knownNumber("StartExecutionRate", p.StartExecutionRate)
	f.number("StartExecutionRate", p.StartExecutionRate, 1, 10_000, fractional)
	f.knownNumber("StateTransitionRate", p.StateTransitionRate)
	f.number("StateTransitionRate", p.StateTransitionRate, 1, 100_000, fractional)
	f.knownNumber("TransitionsPerExecution", p.TransitionsPerExecution)
	f.number("TransitionsPerExecution", p.TransitionsPerExecution, 1, 25_000, fractional)
	f.knownNumber("MaxReplayShare", p.MaxReplayShare)
	f.number("MaxReplayShare", p.MaxReplayShare, 0.001, 1, fractional)
	f.knownNumber("MaxRequestedShare", p.MaxRequestedShare)
	f.number("MaxRequestedShare", p.MaxRequestedShare, 0, 0.999, fractional)
	known := func(n *float64) bool { return n == nil || !isToken(n) }
	if share, requested := or(p.MaxReplayShare, defaultReplayShare), or(p.MaxRequestedShare, 0); known(p.MaxReplayShare) &&
		known(p.MaxRequestedShare) && requested > 0 && share+requested > 1 {
		f.add("MaxReplayShare and MaxRequestedShare must be 1 or less together, got %v and %v: they are shares of the same rate",
			share, requested)
	}
}
