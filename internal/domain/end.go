package domain

import (
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// End is how an execution ended, as it is listed for some days. Its names in JSON are short because many ends are kept.
type End struct {
	Name         string           `json:"n"`
	Status       replay.EndStatus `json:"s"`
	Error        string           `json:"e,omitempty"` // the first MaxEndError bytes
	ResourceID   string           `json:"r,omitempty"`
	OwnerID      string           `json:"o,omitempty"`
	RedriveCount int              `json:"c,omitempty"`

	ReportedAt Stamp     `json:"-"`
	Row        Execution `json:"-"` // the zero value if there is none
}

// MaxEndError is how many bytes of an error the list of ends keeps.
const MaxEndError = 256

// EndOf makes the end of an execution from its row, which may be zero.
func EndOf(e Ended, row Execution) End {
	end := End{
		Name: e.Name, Status: replay.EndStatus(e.Status), Error: excerpt(e.Error, MaxEndError), RedriveCount: e.RedriveCount,
		ResourceID: row.ResourceID, OwnerID: row.OwnerID,
	}
	if row.Superseded && e.Status == Succeeded {
		end.Status = replay.EndSuperseded
	}
	return end
}

// EndFilter narrows a list of ends. The zero value selects all of them.
type EndFilter struct {
	Status       replay.EndStatus
	ResourceID   string
	OwnerID      string
	Error        func(string) bool // nil: every one
	Since, Until time.Time         // when it was reported: at Since or later, before Until; zero: no bound
}

// Matches reports whether an end is selected.
func (f EndFilter) Matches(e End) bool {
	return (f.Status == "" || e.Status == f.Status) && (f.ResourceID == "" || e.ResourceID == f.ResourceID) &&
		(f.OwnerID == "" || e.OwnerID == f.OwnerID) && (f.Error == nil || f.Error(e.Error))
}

// OwnedResource is a resource about which an owner has had events.
type OwnedResource struct {
	ResourceID string `row:"resourceId"`
	SeenAt     Stamp  `row:"seenAt"`
}
