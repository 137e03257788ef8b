package domain

// Series is the row of a resource's versions that run one after the other. It is bound before any of them starts.
type Series struct {
	Name       string   `row:"name"` // of its first execution of the Series state machine
	ReplayID   string   `row:"replayId"`
	Page       int      `row:"page"`
	Ordinal    int      `row:"ordinal"`
	ResourceID string   `row:"resourceId"`
	Versions   []string `row:"versions"`          // oldest first
	Digests    []string `row:"digests,omitempty"` // of the versions, as they were planned
	Rows       int      `row:"rows"`              // versions that have an item
	Looked     int      `row:"looked,omitempty"`  // versions that the filters of the selection have read
	Started    bool     `row:"started"`
	Closed     bool     `row:"closed,omitempty"` // nothing more of it may start
	CreatedAt  Stamp    `row:"createdAt"`
	Run        int      `row:"run,omitempty"`    // how often it was started again after a pause
	Parked     bool     `row:"parked,omitempty"` // a pause ended its execution, or kept it from being started
	UnparkedAt Stamp    `row:"unparkedAt,omitempty"`
	CheckAt    Stamp    `row:"-"` // while it is open: when it is due for a check
}

// Execution names the execution that runs the series now, or is to run it.
func (s Series) Execution() string { return SeriesRun(s.Name, s.Run) }

// Open reports whether an item of the series has no outcome yet.
func (s Series) Open() bool { return !s.CheckAt.IsZero() }
