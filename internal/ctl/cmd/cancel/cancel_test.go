package cancel_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestCancelling(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	id := strings.TrimSpace(w.Run("replay r1 --reason x").Out)
	w.Run("cancel "+id).Wants(t, exit.OK, []string{id, "CANCELLED"}, nil)
	w.Run("status "+id+" --wait").Wants(t, exit.Stopped, []string{"CANCELLED", "arn:aws:sts::000000000000:assumed-role/oncall/ada"}, nil)
	w.Run("cancel 01ARZ3NDEKTSV4RRFFQ69G5FAV").Wants(t, exit.Refused, nil, []string{`there is no replay "01ARZ3NDEKTSV4RRFFQ69G5FAV"`, "`replayctl list --dry-runs` lists"})
}

func TestTheNewestReplayIsMeantWithoutAnId(t *testing.T) {
	w := operator.New(t)
	w.Run("cancel").Wants(t, exit.Refused, nil, []string{"there are no replays"})
	w.Run("items").Wants(t, exit.Refused, nil, []string{"there are no replays"})
	w.Ingest("r1")
	first := strings.TrimSpace(w.Run("replay r1 --reason x").Out)
	second := strings.TrimSpace(w.Run("replay r1 --reason y").Out)
	w.Run("cancel").Wants(t, exit.OK, []string{second, "CANCELLED"}, nil)
	w.Engine.Pump()
	w.Run("items").Wants(t, exit.OK, nil, []string{"no items"})
	w.Run("replay r1 --dry-run").Wants(t, exit.OK, nil, nil)
	w.Run("cancel").Wants(t, exit.Refused, nil, []string{"every replay has ended"}) // not the dry run, which is the newest
	w.Run("items "+first).Wants(t, exit.OK, []string{"r1", "SUCCEEDED"}, nil)
}
