package domain

// Mark is the row of a walk that takes several runs: where the last run stopped.
type Mark struct {
	Name    string `row:"name"`
	Active  bool   `row:"active,omitempty"` // of a walk that only an operator starts: it is under way
	Token   string `row:"token,omitempty"`  // empty: at the beginning
	TakenAt Stamp  `row:"takenAt"`
	Count   int    `row:"count,omitempty"` // of what it has seen so far
}
