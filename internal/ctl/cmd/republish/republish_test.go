package republish_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestOutputsArePublishedAgain(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2")
	starts := len(w.Engine.Machine.Starts)
	w.Run("republish --owner o1 --target price-map --reason new --wait").Wants(t, exit.OK, []string{"2 succeeded"}, nil)
	if r := w.Requested(); r.Action != replay.Republish || r.Request.Target != "price-map" {
		t.Errorf("got %+v, want a republish", r.Request)
	}
	if got := len(w.Engine.Machine.Starts); got != starts {
		t.Errorf("got %d executions started, want none", got-starts)
	}
}
