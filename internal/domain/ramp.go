package domain

import (
	"fmt"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Ramp is the part of a replay's row about its ramp. Resources are counted in the order in which they were found. Until
// the ramp is over, only the first RampTo of them may begin.
type Ramp struct {
	RampShare  *float64 `row:"rampShare,omitempty"`  // the share of failures above which the replay pauses; nil: it has no ramp
	RampStep   int      `row:"rampStep,omitempty"`   // resources of the step under way; 0: the next step has 1, after a pause by the ramp
	RampTo     int      `row:"rampTo,omitempty"`     // resources of all steps so far
	RampOver   bool     `row:"rampOver,omitempty"`   // all steps have ended: every resource may begin
	RampRan    int      `row:"rampRan,omitempty"`    // items that had succeeded or failed when the replay was resumed last
	RampFailed int      `row:"rampFailed,omitempty"` // of those
}

// NewRamp is the ramp that a request asks for.
func NewRamp(r *replay.Ramp) (ramp Ramp) {
	if r != nil {
		ramp.RampShare, ramp.RampStep, ramp.RampTo = &r.MaxFailureShare, 1, 1
	}
	return ramp
}

// Ramped reports whether a replay has a ramp, which may pause it until its end.
func (r Ramp) Ramped() bool { return r.RampShare != nil }

// Next is how many resources the next step has. Over means that all others follow.
func (r Ramp) Next() (resources int, over bool) {
	if r.RampStep >= replay.RampLastStep {
		return 0, true
	}
	return max(r.RampStep*replay.RampGrowth, 1), false
}

// Ramping reports whether resources wait for a step of the ramp.
func (r Replay) Ramping() bool {
	return r.Ramped() && !r.RampOver && !r.Stopped() && !r.Status.Final()
}

// MayBegin reports whether the resource at a position, from 0 on, may begin.
func (r Replay) MayBegin(position int) bool { return !r.Ramping() || position < r.RampTo }

// notReached is how many of the resources that were found the ramp has not reached. Each of them is one waiting item.
func (r Replay) notReached() int {
	if !r.Ramping() {
		return 0
	}
	return max(r.Found-r.RampTo, 0)
}

// StepDone reports whether every item of the steps so far has its outcome. It takes the replay as it was counted.
func (r Replay) StepDone() bool {
	return r.Ramping() && (r.Expanded || r.Found >= r.RampTo) && r.Open() <= r.notReached()
}

// ranSince counts items that ran since the ramp began, or since it was resumed last.
func (r Replay) ranSince() (ran, failed int) {
	return r.Succeeded + r.Failed - r.RampRan, r.Failed - r.RampFailed
}

// FailsTooOften says why the ramp pauses the replay, "" if it does not. It takes the replay as it was counted. It
// assumes that items that still run succeed, so the order in which they end does not matter.
func (r Replay) FailsTooOften() string {
	ran, failed := r.ranSince()
	if !r.Ramped() || failed <= 0 {
		return ""
	}
	let := r.Matched - r.notReached()
	if r.Ramping() && !r.Expanded {
		let += max(r.RampTo-r.Found, 0) // resources of the step that are not found yet
	}
	const rounding = 1e-9
	if float64(failed) <= *r.RampShare*float64(let-r.Skipped-r.RampRan)+rounding {
		return ""
	}
	return fmt.Sprintf("the ramp: %d of %d items that ran have failed, maxFailureShare is %v", failed, ran, *r.RampShare)
}

// RampProgress returns the progress of the ramp, nil if there is none. It takes the replay as it was counted.
func (r Replay) RampProgress() *replay.RampProgress {
	if !r.Ramped() {
		return nil
	}
	p := replay.RampProgress{MaxFailureShare: *r.RampShare}
	p.Ran, p.Failed = r.ranSince()
	if r.Ramping() {
		p.Step, p.Resources = max(r.RampStep, 1), r.RampTo
	}
	return &p
}
