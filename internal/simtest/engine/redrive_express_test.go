package engine

import (
	"fmt"
	"strings"
	"testing"
)

// Around an EXPRESS state machine an execution fails in a Fail state behind it.
func TestARedriveIsRefusedWhereItWouldFailAgain(t *testing.T) {
	e := inMemory(t)
	e.API.Redrivable = false
	answer := e.Call("POST", "/replays", fmt.Sprintf(redriveR1, ""), nil, nil)
	if answer.StatusCode != 400 || !strings.Contains(answer.Body, `"field":"action"`) || !strings.Contains(answer.Body, "EXPRESS") {
		t.Errorf("got %d %s, want 400 that names the action", answer.StatusCode, answer.Body)
	}
	ask(t, e, `{"select":{"resourceIds":["r1"]},"reason":"a test"}`)
}
