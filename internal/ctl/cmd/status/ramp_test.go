package status_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestARampSaysHowFarItIs(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2", "r3")
	w.Engine.Machine.Work = func(string, string) (string, string) { return "", "BadListing" }
	w.Run("replay r1 r2 r3 --ramp --reason x").Wants(t, exit.OK, nil, nil)
	id := w.Requested().ReplayID
	w.Run("status").Wants(t, exit.OK, []string{"ramp", "a step of 1, 1 resources so far; 0 of 0 items failed, it pauses over a share of 0.2"}, nil)
	w.Engine.Pump()
	w.Run("status "+id).Wants(t, exit.OK, []string{"PAUSED", "the ramp: 1 of 1 items that ran have failed, --max-failure-share is 0.2"}, nil)
	w.Engine.Machine.Work = func(_, event string) (string, string) { return event, "" }
	w.Run("resume "+id).Wants(t, exit.OK, []string{"RUNNING", "0 of 0 items failed"}, nil)
	w.Engine.Pump()
	w.Run("status "+id+" --wait").Wants(t, exit.Failures, []string{"COMPLETED", "all steps have ended; 0 of 2 items failed"}, nil)
	w.Run("replay r1 --max-failure-share 0.1 --reason x").Wants(t, exit.Usage, nil, []string{"--max-failure-share is of a ramp: give --ramp too"})
	w.Run("replay r1 --ramp --max-failure-share 1 --reason x").Wants(t, exit.Usage, nil, []string{"--max-failure-share must be a number from 0 to below 1"})
	w.Run("republish r1 --ramp --reason x").Wants(t, exit.Usage, nil, []string{"unknown flag: --ramp"})
}
