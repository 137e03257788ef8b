package domain

// Series is the row of one resource's versions that run one after the other, bound before any of them starts.
type Series struct {
	Name       string   `row:"name"` // of its first execution of the Series state machine
	ReplayID   string   `row:"replayId"`
	Page       int      `row:"page"`
	Ordinal    int      `row:"ordinal"`
	ResourceID string   `row:"resourceId"`
	Versions   []string `row:"versions"`          // oldest first
	Digests    []string `row:"digests,omitempty"` // of the versions, as they were planned
	Rows       int      `row:"rows"`              // versions that have an item
	Looked     int      `row:"looked,omitempty"`  // versions that the filters of the selection looked at
	Started    bool     `row:"started"`
	Closed     bool     `row:"closed,omitempty"` // nothing of it is to start
	CreatedAt  Stamp    `row:"createdAt"`
	Run        int      `row:"run,omitempty"`    // how often it was started anew after a pause
	Parked     bool     `row:"parked,omitempty"` // its execution was ended, or not started, by a pause
	UnparkedAt Stamp    `row:"unparkedAt,omitempty"`
	CheckAt    Stamp    `row:"-"` // while it is open: when it is to be looked at
}

// Execution names the execution that runs the series now, or is to run it.
func (s Series) Execution() string { return SeriesRun(s.Name, s.Run) }

// Open reports whether something of a series is still without an outcome.
func (s Series) Open() bool { return !s.CheckAt.IsZero() }
