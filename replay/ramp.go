package replay

import (
	"encoding/json"
	"fmt"
)

// A ramp lets few resources of a replay start at first, and more only after those have ended.
const (
	// RampGrowth is how many times as many resources the next step has. The first has one.
	RampGrowth = 4

	// RampLastStep is how many resources the last step has. All others follow it.
	RampLastStep = 1_024

	// DefaultMaxFailureShare lets one of the first five items fail, and pauses if the first one does.
	DefaultMaxFailureShare = 0.2
)

// Ramp begins a replay in steps: 1, 4, 16 and so on up to RampLastStep resources, then all others. A step begins after
// every item of the one before has ended. As JSON it may also be true, which has the default.
type Ramp struct {
	MaxFailureShare float64 `json:"maxFailureShare"` // the replay pauses over it: 0 to below 1; default: DefaultMaxFailureShare
}

// RampProgress is how far the ramp of a replay is.
type RampProgress struct {
	MaxFailureShare float64 `json:"maxFailureShare"`
	Step            int     `json:"step,omitempty"`      // resources of the step under way; 0: nothing is held back any more
	Resources       int     `json:"resources,omitempty"` // of all steps so far; 0: nothing is held back any more
	Ran             int     `json:"ran"`                 // items that succeeded or failed since it began, or was resumed last
	Failed          int     `json:"failed"`              // of those
}

// ramp reads the ramp of a request; nil if it has none.
func (d *decoder) ramp(raw json.RawMessage) *Ramp {
	if raw == nil || string(raw) == "false" {
		return nil
	}
	r := Ramp{MaxFailureShare: DefaultMaxFailureShare}
	if string(raw) == "true" {
		return &r
	}
	if raw[0] != '{' {
		d.fault("ramp", raw, `must be true, false or an object such as {"maxFailureShare": 0.2}`)
		return nil
	}
	fields, ok := d.object("ramp", raw, "maxFailureShare")
	if share := fields["maxFailureShare"]; ok && share != nil {
		err := json.Unmarshal(share, &r.MaxFailureShare)
		if err != nil || r.MaxFailureShare < 0 || r.MaxFailureShare >= 1 {
			d.fault("ramp.maxFailureShare", share, fmt.Sprintf("must be a number from 0 to below 1, such as %v: with 1 nothing would "+
				"ever pause the replay", DefaultMaxFailureShare))
		}
	}
	return &r
}
