package domain

import "time"

// Publication is the row of a resource that says what of it has been published: the newest place of an event whose
// publication began. A replay that publishes holds the row meanwhile, so that newer events wait for it.
type Publication struct {
	ResourceID  string `row:"resourceId"`
	Place       Stamp  `row:"place,omitempty"`
	Holder      string `row:"holder,omitempty"` // the execution that publishes an older event
	HolderPlace Stamp  `row:"holderPlace,omitempty"`
	HeldUntil   Stamp  `row:"heldUntil,omitempty"`
}

// PublicationHold is a wish to publish an event that newer ones may have overtaken.
type PublicationHold struct {
	ResourceID string
	Execution  string
	Place      Stamp // of the event
	Over       Stamp // the newest place that it may be published after: its own, or that of the last of its series
	Now, Until time.Time
}
