package domain

import (
	"cmp"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// FailureKey is what the key of a failure in an index says, without its row. Strings may be cut.
type FailureKey struct {
	ID           string
	Status       replay.FailureStatus
	Error, State string
	FailedAt     Stamp
	DueAt        Stamp // of a failure that is not in quarantine
}

// Key returns what the key of a failure says.
func (f Failure) Key() FailureKey {
	return FailureKey{ID: f.ID(), Status: f.ListedAs(), Error: f.Error, State: f.State, FailedAt: f.FailedAt, DueAt: f.DueAt}
}

// FailureGroup counts the failures that share a status, an error and the state that failed.
type FailureGroup struct {
	Status  replay.FailureStatus `row:"status" json:"status"`
	Error   string               `row:"error" json:"error"`
	State   string               `row:"state,omitempty" json:"state,omitempty"`
	Count   int                  `row:"count" json:"count"`
	FirstAt Stamp                `row:"firstAt" json:"firstAt"`
	LastAt  Stamp                `row:"lastAt" json:"lastAt"`
	DueAt   Stamp                `row:"dueAt,omitempty" json:"dueAt"` // when the first of them is due
	Latest  string               `row:"latest" json:"latest"`         // id of the latest failure
}

type groupName struct {
	status       replay.FailureStatus
	error, state string
}

// FailureTally counts failures by group. It can be stored as JSON and continued.
type FailureTally struct {
	Groups []FailureGroup `json:"groups"` // the first replay.MaxFailureGroups that were found, in no order
	Others int            `json:"others"` // failures of all other groups
	Done   bool           `json:"done"`   // all failures are counted

	Partition int    `json:"partition"` // where the count goes on
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

// Of returns how many failures have a status, without those in Others.
func (t *FailureTally) Of(status replay.FailureStatus) (n int) {
	for _, g := range t.Groups {
		if g.Status == status {
			n += g.Count
		}
	}
	return n
}

// Counted is the row of a count. Each run of auto-replay that counts writes one, which is kept for some days.
type Counted struct {
	At     Stamp          `row:"at"`
	Groups []FailureGroup `row:"groups"` // the largest first
	Others int            `row:"others,omitempty"`
}

// CountedAt makes the row of a tally.
func CountedAt(t FailureTally, at time.Time) Counted {
	c := Counted{At: At(at), Groups: slices.Clone(t.Groups), Others: t.Others}
	slices.SortFunc(c.Groups, func(a, b FailureGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), b.LastAt.Compare(a.LastAt.Time), cmp.Compare(a.Error, b.Error),
			cmp.Compare(a.State, b.State), cmp.Compare(a.Status, b.Status))
	})
	return c
}
