package follow_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/gateway"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

func TestWaitingEndsAsTheReplayDoes(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2", "r3")
	w.Run("replay r1 r2 --reason x --wait").Wants(t, exit.OK,
		[]string{"COMPLETED", "2 matched, 2 started, 2 succeeded, 0 failed, 0 skipped", "asked by   arn:aws:sts::000000000000:assumed-role/oncall/ada"},
		[]string{"PENDING: 0 items found", "COMPLETED: 2 of 2 items, 2 succeeded"})
	w.Engine.Machine.Work = func(_, event string) (string, string) {
		if strings.Contains(event, "r2") {
			return "", "GeocoderDown"
		}
		return event, ""
	}
	got := w.Run("replay r1 r2 --reason x --wait")
	got.Wants(t, exit.Failures, []string{"COMPLETED", "1 failed"},
		[]string{"1 item failed:", "  r2  GeocoderDown", "--outcome failed"})
	id := w.Requested().ReplayID
	w.Run("replay r1 gone --reason x --wait").Wants(t, exit.OK, []string{"1 succeeded, 0 failed, 1 skipped"},
		[]string{"1 item skipped:", "  gone  the event log has no such resource"})
	w.Run("items "+id+" --outcome failed").Wants(t, exit.OK, []string{"r2", "FAILED", "GeocoderDown"}, nil)
	w.Run("status "+id+" --wait").Wants(t, exit.Failures, []string{"COMPLETED"}, nil)
	w.Run("status "+id).Wants(t, exit.OK, []string{"COMPLETED"}, nil)
	w.Run("cancel "+id).Wants(t, exit.Refused, nil, []string{"409", "COMPLETED"})

	w.Run("replay r2 --reason x --wait --max-failures 0").Wants(t, exit.Stopped, []string{"HALTED"}, nil)
	// Nobody resumes what a ramp has paused while a script waits for it.
	w.Run("replay r2 r1 --reason x --wait --ramp").Wants(t, exit.Stopped, []string{"PAUSED", "1 failed"}, []string{"the ramp: ", "resume "})

	var doc replay.Replay
	got = w.Run("replay r1 --reason x --wait -o json")
	if err := json.Unmarshal([]byte(got.Out), &doc); err != nil || doc.Status != replay.Completed {
		t.Errorf("got %s, %v", got.Out, err)
	}
}

// Who waits for a replay is patient: the API may be away for a while.
func TestWaitingOutlivesAnAbsentAPI(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Engine.Report()
	down := 0
	w.Gateway.Before(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		if down++; down > 12 {
			return false
		}
		gateway.Refuse(rw, http.StatusServiceUnavailable, "", "Service Unavailable")
		return true
	})
	w.Run("replay r1 --reason x --wait").Wants(t, exit.OK, []string{"COMPLETED"}, []string{"no response, still trying"})
}

// Ctrl-C is a context that ends: the signal itself is tried on a terminal.
func TestCtrlCDetaches(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	ctx, cancel := context.WithCancel(t.Context())
	w.Process.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); <-ctx.Done(); return ctx.Err() }
	got := w.RunIn(ctx, "replay", "r1", "--reason", "x", "--wait")
	w.Process.Sleep = nil
	id := w.Requested().ReplayID
	got.Wants(t, exit.Interrupted, nil, []string{"detached", "come back with  replayctl status " + id + " --wait", "replayctl cancel " + id})
	w.Engine.Pump()
	w.Run("status "+id).Wants(t, exit.OK, []string{"COMPLETED"}, nil)
}
