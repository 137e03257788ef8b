package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// A function in Python, behind an alias, and an expression make other events of a recorded one.
func TestAFunctionOfTheUserTransforms(t *testing.T) {
	t.Parallel()
	y := orders.wait(t)
	id := fresh("order")
	version := y.row(t, y.recorded(t, id)).VersionID
	by := func(tr replay.Transform) request {
		return request{Select: selection{ResourceIDs: []string{id}}, Transform: &tr}
	}
	t.Run("a dry run shows what it changes", func(t *testing.T) {
		r := by(replay.Transform{Function: "surcharge", Parameters: json.RawMessage(`{"percent":12345678901234567890}`)})
		r.DryRun = true
		planned, err := y.API.Replays.Wait(t.Context(), y.accept(t, r).ReplayID)
		if err != nil || planned.Plan == nil || len(planned.Plan.Sample) != 1 ||
			!strings.Contains(string(planned.Plan.Sample[0].Diff), `"value":12345678901234567890,"op":"add","path":"/order/surcharge"`) {
			t.Errorf("got plan %+v, %v, want the surcharge in its diff", planned.Plan, err)
		}
	})
	t.Run("what it returns is what runs", func(t *testing.T) {
		r := y.replay(t, by(replay.Transform{Function: "surcharge", Parameters: json.RawMessage(`{"percent":19}`)}))
		if want := (replay.Counts{Matched: 1, Started: 1, Succeeded: 1}); r.Counts != want {
			t.Fatalf("got counts %+v, want %+v: %+v", r.Counts, want, y.items(t, r.ReplayID, nil))
		}
		body := y.downstream.one(t, domain.APIName(r.ReplayID, id, 0)).body
		if !strings.Contains(body, `"surcharge": 19`) || !strings.Contains(body, `"of": "`+version+`"`) {
			t.Errorf("published %s, want the surcharge and the version", body)
		}
	})
	t.Run("its failure is the item's", func(t *testing.T) {
		r := y.replay(t, by(replay.Transform{Function: "surcharge", Parameters: json.RawMessage(`{"fail":"Atlantis"}`)}))
		it := y.items(t, r.ReplayID, nil).Items[0]
		// Lambda has ValueError for the type, the emulator a name of its own.
		if it.Outcome != replay.Failed || !strings.HasPrefix(it.Reason, "TransformFailed: transform: function surcharge failed with ") ||
			!strings.HasSuffix(it.Reason, ": no rate for Atlantis") {
			t.Errorf("got %+v, want that there is no rate", it)
		}
	})
	t.Run("an expression keeps the digits of numbers", func(t *testing.T) {
		r := y.replay(t, by(replay.Transform{JSONata: `$ ~> |order|{"twice": serial, "sum": 1 + 2}|`}))
		body := y.downstream.one(t, domain.APIName(r.ReplayID, id, 0)).body
		if !strings.Contains(body, `"twice": 12345678901234567890`) || !strings.Contains(body, `"sum": 3`) {
			t.Errorf("published %s, want the serial number twice and the sum", body)
		}
	})
	t.Run("one that the stack does not have is refused", func(t *testing.T) {
		p := y.problem(t, http.MethodPost, "/replays", nil,
			`{"select":{"resourceIds":["a"]},"transform":{"function":"discount"},"reason":"a test"}`, http.StatusBadRequest)
		if len(p.Errors) != 1 || p.Errors[0].Field != "transform.function" || !strings.Contains(p.Errors[0].Detail, "it has surcharge") {
			t.Errorf("got %+v, want that there is surcharge only", p)
		}
	})
}

// recorded ingests an order with a number that is no double, and returns its execution.
func (y *system) recorded(t *testing.T, id string) string {
	t.Helper()
	event := strings.Replace(order(id, "ship"), `"do"`, `"serial":12345678901234567890,"do"`, 1)
	name := y.ingest(t, event)
	y.succeeded(t, name)
	y.downstream.one(t, name)
	return name
}
