package domain

import "time"

// Publication is the row of a resource with the newest place of an event whose publication has begun. A replay locks
// the row while it publishes, so that newer events wait for it.
type Publication struct {
	ResourceID  string `row:"resourceId"`
	Place       Stamp  `row:"place,omitempty"`
	LockedBy    string `row:"holder,omitempty"` // the execution that is publishing an older event
	LockedPlace Stamp  `row:"holderPlace,omitempty"`
	LockedUntil Stamp  `row:"heldUntil,omitempty"`
}

// PublicationLock asks to publish an event although newer ones may have been published.
type PublicationLock struct {
	ResourceID string
	Execution  string
	Place      Stamp // of the event
	MayFollow  Stamp // the newest place after which it may be published: its own, or that of the last version of its series
	Now, Until time.Time
}
