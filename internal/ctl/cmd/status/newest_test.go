package status_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

// Dry runs start nothing, and some are made by the command itself: none is "the newest replay".
func TestADryRunIsNotTheNewestReplay(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Run("replay r1 --dry-run").Wants(t, exit.OK, nil, nil)
	for _, command := range []string{"status", "items"} {
		w.Run(command).Wants(t, exit.Refused, nil, []string{"there are no replays", "there are dry runs: `replayctl list --dry-runs` lists them"})
	}
	id := strings.TrimSpace(w.Run("replay r1 --reason x").Out)
	w.Run("replay r1 --dry-run").Wants(t, exit.OK, nil, nil)
	w.Run("status").Wants(t, exit.OK, []string{id}, nil)
	w.Run("items").Wants(t, exit.OK, []string{"SUCCEEDED"}, nil)
}

// A plan has a sample. The dry run that it is of is named, as the newest replay may be another one.
func TestTheRestOfAPlanIsListedByItsID(t *testing.T) {
	w := operator.New(t)
	w.Crowd(30)
	got := w.Run("replay --owner o1 --dry-run")
	id := w.Requested().ReplayID
	got.Wants(t, exit.OK, []string{"more; list them with\n  replayctl items " + id + "\n"}, nil)
	w.Run("status "+id).Wants(t, exit.OK, []string{"replayctl items " + id}, nil)
}

func TestAReplayThatDidNothingIsNoticedWithoutWaiting(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Run("replay gone --reason x").Wants(t, exit.OK, nil, []string{"warning: the event log has no resource gone: its item will be skipped"})
	w.Run("replay r1 --version 123 --reason x").Wants(t, exit.OK, nil, []string{"warning: r1 has no version 123 with an event: its item will be skipped"})
	w.Engine.Pump()
	w.Run("status").Wants(t, exit.OK, nil, []string{"warning: the only item was skipped, so nothing was started"})
	if got := w.Run("replay r1 --reason x"); strings.Contains(got.Err, "warning") {
		t.Errorf("got %s", got.Err)
	}
}

func TestARepeatedIdempotencyKeyIsTold(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	first := w.Run("replay r1 --reason x --idempotency-key k1")
	if strings.Contains(first.Err, "used before") {
		t.Errorf("got %s", first.Err)
	}
	w.Run("replay r1 --reason x --idempotency-key k1").Wants(t, exit.OK, []string{first.Out}, []string{
		"--idempotency-key k1 was used before: it started replay " + strings.TrimSpace(first.Out) + " then, and nothing new now",
	})
}

func TestACancelledReplayThatWasListingSaysSo(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	id := strings.TrimSpace(w.Run("replay --owner o1 --reason x --yes").Out)
	w.Run("cancel "+id).Wants(t, exit.OK, []string{"cancelled by request; it was still listing its resources, and those not listed by then have no item"}, nil)
	w.Engine.Pump()
	w.Run("cancel "+id).Wants(t, exit.OK, []string{"CANCELLED"}, nil)
	done := strings.TrimSpace(w.Run("replay r1 --reason x").Out)
	w.Engine.Pump()
	w.Run("cancel "+done).Wants(t, exit.Refused, nil, []string{"replay " + done + " cannot be cancelled: it is COMPLETED"})
}
