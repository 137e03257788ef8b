package ingestion

import (
	"slices"
	"sync"
)

// given is a prop that the caller set.
type given struct {
	prop string
	set  bool
}

// useless names the props that have no effect: a user who sets them expects one.
func (f *faults) useless(because string, props ...given) {
	for _, p := range props {
		if p.set {
			f.add("%s has no effect %s: leave one of them out", p.prop, because)
		}
	}
}

func (p *ReplayableIngestionProps) validateContradictions(f *faults) {
	if !or(p.AutoReplay, true) {
		// The other props of automatic replays still decide what is quarantined, and PauseAlarm pauses requested
		// replays.
		f.useless("with AutoReplay false",
			given{"BackoffBase", p.BackoffBase != nil}, given{"BackoffRate", p.BackoffRate != nil},
			given{"MaxBackoff", p.MaxBackoff != nil}, given{"CanaryThreshold", p.CanaryThreshold != nil})
	}
	if p.EventLog != nil {
		f.useless("with EventLog, whose lifecycle is its owner's",
			given{"NoncurrentVersionExpiration", p.NoncurrentVersionExpiration != nil},
			given{"NoncurrentVersionsToRetain", p.NoncurrentVersionsToRetain != nil},
			given{"NoncurrentVersionTransition", p.NoncurrentVersionTransition != nil},
			given{"OutputExpiration", p.OutputExpiration != nil},
			given{"DerivedExpiration", p.DerivedExpiration != nil},
			given{"UnrecordedExpiration", p.UnrecordedExpiration != nil})
	}
	for _, glob := range or(p.RetryOn, nil) {
		same := func(other *string) bool { return glob != nil && other != nil && *other == *glob }
		if slices.ContainsFunc(or(p.DoNotRetryOn, nil), same) {
			f.add("RetryOn and DoNotRetryOn both have %q: take it out of one", *glob)
		}
	}
}

// owners are the ingestions that have a bucket, a FIFO topic or a state, by path. The keys are CDK's objects, of all
// apps of this process.
var owners sync.Map

// part belongs to one ingestion only.
type part struct {
	object any    // CDK's
	remedy string // for another ingestion
}

// owned are the parts, by prop.
func (p *ReplayableIngestionProps) owned() map[string]part {
	all := map[string]part{}
	if p.EventLog != nil {
		all["EventLog"] = part{p.EventLog, "give each a bucket of its own, or they take each other's events"}
	}
	if p.Topic != nil && *p.Topic.Fifo() {
		all["Topic"] = part{p.Topic, "give each a FIFO topic of its own, or their groups of messages mix"}
	}
	if w, ok := p.Workflow.(chainable); ok && !isNil(w.start) && !isNil(w.start.StartState()) {
		all["Workflow"] = part{w.start.StartState(), ""} // chainable.validate refuses the second one
	}
	return all
}

func (p *ReplayableIngestionProps) validateOwners(f *faults) {
	owned := p.owned()
	for _, prop := range []string{"EventLog", "Topic"} {
		if owner, taken := owners.Load(owned[prop].object); taken {
			f.add("%s is that of the ingestion %s already: %s", prop, owner, owned[prop].remedy)
		}
	}
}

// claim makes the parts those of this ingestion.
func (r *ReplayableIngestion) claim(props *ReplayableIngestionProps) {
	for _, o := range props.owned() {
		owners.Store(o.object, r.path())
	}
}
