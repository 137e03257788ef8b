package start_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/ctl/factory"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestManyItemsNeedAYes(t *testing.T) {
	w := operator.New(t)
	w.Crowd(101)
	live := len(w.Engine.Machine.Starts)
	for _, tt := range []struct {
		name, line, typed string
		terminal          bool
		code              exit.Code
		says              string
		started           int
	}{
		{"nobody to ask", "replay --owner o1 --reason x", "", false, exit.Usage, "more than 100 items need a confirmation", 0},
		{"no", "replay --owner o1 --reason x", "n\n", true, exit.General, "nothing was started", 0},
		{"just enter", "replay --owner o1 --reason x", "\n", true, exit.General, "nothing was started", 0},
		{"end of input", "replay --owner o1 --reason x", "", true, exit.General, "no answer: nothing was started", 0},
		{"yes", "replay --owner o1 --reason x --wait", "y\n", true, exit.OK, "Start 101 items? [y/N]", 101},
		{"--yes", "replay --owner o1 --reason x --wait --yes", "", false, exit.OK, "COMPLETED", 101},
		{"few", "replay --owner o1 --reason x --wait --max-items 100", "", false, exit.OK, "COMPLETED: 100 of 100", 100},
		{"few, as the dry run finds out", "replay --owner o2 --reason x --wait", "", false, exit.OK, "COMPLETED: 0 of 0", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.Process.Terminal = factory.Terminal{}
			w.Process.In = strings.NewReader("")
			if tt.terminal {
				w.At(tt.typed)
			}
			w.Run(tt.line).Wants(t, tt.code, nil, []string{tt.says})
			got := len(w.Engine.Machine.Starts) - live
			live += got
			if got != tt.started {
				t.Errorf("started %d, want %d", got, tt.started)
			}
		})
	}
}

func TestTheReasonIsAskedFor(t *testing.T) {
	w := operator.New(t)
	w.At("the index lost it\n")
	w.Run("replay r1").Wants(t, exit.OK, nil, []string{"Why?"})
	if got := w.Requested().Reason; got != "the index lost it" {
		t.Errorf("got reason %q", got)
	}
	w.At("\n")
	w.Run("replay r1").Wants(t, exit.Usage, nil, []string{"--reason is required"})
}
