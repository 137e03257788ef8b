package domain

import "github.com/ce873799/replayable-ingestion/replay"

// Tally counts the items of a replay, or what changes of items add to such counts.
type Tally struct {
	Matched   int `row:"matched"`
	Started   int `row:"started"`
	Skipped   int `row:"skipped"`
	Succeeded int `row:"succeeded"`
	Failed    int `row:"failed"`
	Planned   int `row:"planned"`
	Looked    int `row:"looked,omitempty"` // events that the filters of the selection have read
	Warned    int `row:"warned,omitempty"` // planned items with a warning
}

// Plus returns the sum of two tallies.
func (t Tally) Plus(o Tally) Tally {
	return Tally{
		Matched: t.Matched + o.Matched, Started: t.Started + o.Started, Skipped: t.Skipped + o.Skipped,
		Succeeded: t.Succeeded + o.Succeeded, Failed: t.Failed + o.Failed, Planned: t.Planned + o.Planned,
		Looked: t.Looked + o.Looked, Warned: t.Warned + o.Warned,
	}
}

// Open is how many items have no final outcome.
func (t Tally) Open() int { return t.Matched - t.Skipped - t.Succeeded - t.Failed - t.Planned }

// Counts returns the tally as the API shows it.
func (t Tally) Counts() replay.Counts {
	return replay.Counts{
		Matched: t.Matched, Started: t.Started, Skipped: t.Skipped, Succeeded: t.Succeeded, Failed: t.Failed,
	}
}
