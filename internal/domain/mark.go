package domain

// Mark is the row of a walk that goes on from run to run: where the run before left off.
type Mark struct {
	Name    string `row:"name"`
	Active  bool   `row:"active,omitempty"` // of a walk that an operator has to ask for: it is under way
	Token   string `row:"token,omitempty"`  // empty: at the beginning
	TakenAt Stamp  `row:"takenAt"`
	Count   int    `row:"count,omitempty"` // of what was seen so far
}
