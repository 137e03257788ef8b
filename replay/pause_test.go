package replay

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestWhatPausesIsDecoded(t *testing.T) {
	yes, no, ten := true, false, 10
	controls := func(b string) (any, error) { return DecodeControlsChange([]byte(b)) }
	pause := func(b string) (any, error) { return DecodePause([]byte(b)) }
	change := func(b string) (any, error) { return DecodeReplayChange([]byte(b)) }
	tests := []struct {
		name   string
		decode func(string) (any, error)
		body   string
		want   any
		faults []string // a field and a part of the detail each
	}{
		{name: "pauses all replays", decode: controls, body: `{"pauseReplays":true,"reason":" an outage "}`, want: ControlsChange{PauseReplays: &yes, Reason: "an outage"}},
		{name: "resumes without a reason", decode: controls, body: `{"pauseReplays":false,"pauseAutoReplay":false}`, want: ControlsChange{PauseReplays: &no, PauseAutoReplay: &no}},
		{name: "pauses without a reason", decode: controls, body: `{"pauseAutoReplay":true}`, faults: []string{"reason", "is required to pause"}},
		{name: "changes nothing", decode: controls, body: `{"reason":"x"}`, faults: []string{"body", "must say what to pause"}},
		{name: "has null", decode: controls, body: `{"pauseReplays":null}`, faults: []string{"body", "must say what to pause"}},
		{name: "has a word for a boolean", decode: controls, body: `{"pauseReplays":"yes","reason":"x"}`, faults: []string{"pauseReplays", "true or false"}},
		{name: "has an unknown field", decode: controls, body: `{"pauseReplays":false,"scope":"all"}`, faults: []string{"scope", "is not known here"}},
		{name: "has a field twice", decode: controls, body: `{"pauseReplays":true,"pauseReplays":false,"reason":"x"}`, faults: []string{"pauseReplays", "is given twice"}},
		{name: "pauses a replay", decode: pause, body: `{"reason":"x"}`, want: PauseRequest{Reason: "x"}},
		{name: "pauses a replay without a reason", decode: pause, body: `{}`, faults: []string{"reason", "is required to pause"}},
		{name: "pauses a replay with a long reason", decode: pause, body: `{"reason":"` + strings.Repeat("x", MaxReasonBytes+1) + `"}`, faults: []string{"reason", "the most is 500"}},
		{name: "pauses a replay with two lines", decode: pause, body: `{"reason":"x\ny"}`, faults: []string{"reason", "one line"}},
		{name: "changes the pace", decode: change, body: `{"maxPerSecond":10}`, want: ReplayChange{MaxPerSecond: &ten}},
		{name: "takes the pace away", decode: change, body: `{"maxPerSecond":null}`, want: ReplayChange{}},
		{name: "names no pace", decode: change, body: `{}`, faults: []string{"maxPerSecond", "is required"}},
		{name: "has a pace of 0", decode: change, body: `{"maxPerSecond":0}`, faults: []string{"maxPerSecond", "from 1 to 1000"}},
		{name: "has a body that is not an object", decode: change, body: `7`, faults: []string{"body", "must be a JSON object"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.decode(tt.body)
			if tt.faults == nil {
				if err != nil || !reflect.DeepEqual(got, tt.want) {
					t.Fatalf("got %+v, %v, want %+v", got, err, tt.want)
				}
				again, err := json.Marshal(got)
				if second, err2 := tt.decode(string(again)); err != nil || err2 != nil || !reflect.DeepEqual(second, got) {
					t.Errorf("%s decodes to %+v, %v, want %+v", again, second, err2, got)
				}
				return
			}
			var invalid *InvalidError
			if !errors.As(err, &invalid) || len(invalid.Faults) != 1 || invalid.Faults[0].Field != tt.faults[0] ||
				!strings.Contains(invalid.Faults[0].Detail, tt.faults[1]) {
				t.Errorf("got %v, want a fault of %s: %s", err, tt.faults[0], tt.faults[1])
			}
		})
	}
}
