package domain

import (
	"cmp"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// FailureKey is what is known of a failure without reading its row. Texts may be cut.
type FailureKey struct {
	ID           string
	Status       replay.FailureStatus
	Error, State string
	FailedAt     Stamp
	DueAt        Stamp // of one that is not in quarantine
}

// Key returns what a key would tell of a failure.
func (f Failure) Key() FailureKey {
	return FailureKey{ID: f.ID(), Status: f.ListedAs(), Error: f.Error, State: f.State, FailedAt: f.FailedAt, DueAt: f.DueAt}
}

// FailureGroup are the failures that share a status, an error and the state that failed, as they were counted.
type FailureGroup struct {
	Status  replay.FailureStatus `row:"status" json:"status"`
	Error   string               `row:"error" json:"error"`
	State   string               `row:"state,omitempty" json:"state,omitempty"`
	Count   int                  `row:"count" json:"count"`
	FirstAt Stamp                `row:"firstAt" json:"firstAt"`
	LastAt  Stamp                `row:"lastAt" json:"lastAt"`
	DueAt   Stamp                `row:"dueAt,omitempty" json:"dueAt"` // when the first of them is looked at
	Latest  string               `row:"latest" json:"latest"`         // id of the failure that failed last
}

type groupName struct {
	status       replay.FailureStatus
	error, state string
}

// FailureTally counts failures by group. It can be kept as JSON and gone on with.
type FailureTally struct {
	Groups []FailureGroup `json:"groups"` // the first replay.MaxFailureGroups that were met, in no order
	Others int            `json:"others"` // failures of further groups
	Done   bool           `json:"done"`   // all failures are counted

	Partition int    `json:"partition"` // where it goes on
	After     string `json:"after"`

	places map[groupName]int
}

// Add counts a failure.
func (t *FailureTally) Add(k FailureKey) {
	if t.places == nil {
		t.places = make(map[groupName]int, len(t.Groups))
		for i, g := range t.Groups {
			t.places[groupName{g.Status, g.Error, g.State}] = i
		}
	}
	name := groupName{k.Status, k.Error, k.State}
	i, known := t.places[name]
	if !known {
		if len(t.Groups) == replay.MaxFailureGroups {
			t.Others++
			return
		}
		i = len(t.Groups)
		t.places[name] = i
		t.Groups = append(t.Groups, FailureGroup{
			Status: k.Status, Error: k.Error, State: k.State, FirstAt: k.FailedAt, LastAt: k.FailedAt, DueAt: k.DueAt, Latest: k.ID,
		})
	}
	g := &t.Groups[i]
	g.Count++
	if k.FailedAt.Before(g.FirstAt.Time) {
		g.FirstAt = k.FailedAt
	}
	if k.FailedAt.After(g.LastAt.Time) {
		g.LastAt, g.Latest = k.FailedAt, k.ID
	}
	if k.DueAt.Before(g.DueAt.Time) {
		g.DueAt = k.DueAt
	}
}

// Of returns how many failures have a status. Those of Others have none.
func (t *FailureTally) Of(status replay.FailureStatus) (n int) {
	for _, g := range t.Groups {
		if g.Status == status {
			n += g.Count
		}
	}
	return n
}

// Counted is the row of what was counted at a time: one for each run of auto-replay that counted, for some days.
type Counted struct {
	At     Stamp          `row:"at"`
	Groups []FailureGroup `row:"groups"` // the largest first
	Others int            `row:"others,omitempty"`
}

// CountedAt is what a tally has found by a time.
func CountedAt(t FailureTally, at time.Time) Counted {
	c := Counted{At: At(at), Groups: slices.Clone(t.Groups), Others: t.Others}
	slices.SortFunc(c.Groups, func(a, b FailureGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.LastAt.Compare(a.LastAt.Time), cmp.Compare(a.Error, b.Error),
			cmp.Compare(a.State, b.State), cmp.Compare(a.Status, b.Status))
	})
	return c
}
