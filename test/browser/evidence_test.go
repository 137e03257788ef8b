package browser_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
)

// ask asks the API for a replay.
func (d *desk) ask(body string) (id string) {
	d.t.Helper()
	answer := d.engine.Call("POST", "/replays", body, nil, nil)
	var accepted replay.Accepted
	if err := json.Unmarshal([]byte(answer.Body), &accepted); err != nil || answer.StatusCode != http.StatusAccepted {
		d.t.Fatalf("got %d %s", answer.StatusCode, answer.Body)
	}
	return accepted.ReplayID
}

func TestTheEvidenceIsForEverybodyInEachOfItsStates(t *testing.T) {
	d := sit(t, nil)
	d.incident()
	plan := d.ask(`{"select":{"resourceIds":["L-100"]},"dryRun":true,"reason":"a look"}`)
	d.engine.Pump()
	id := d.ask(`{"select":{"failures":{}},"reason":"to see whether they still fail"}`)
	b := d.enter()
	look := func(id, sees string) {
		t.Helper()
		b.open("/replays/" + id + "/evidence")
		b.sees(sees)
		b.usableByAll()
	}
	look(plan, "has no evidence")
	look(id, "written when the replay has ended")
	for range 3 {
		d.engine.Pump()
		d.engine.Report()
	}
	look(id, "Failed items")
}
