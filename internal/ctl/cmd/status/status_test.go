package status_test

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestStatusDescribesAReplay(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	id := w.Ask(`{"select":{"resourceIds":["r1","r2"]},"reason":"the first"}`)
	w.Engine.Pump()
	w.Run("status "+id).Wants(t, exit.OK, []string{id, "COMPLETED", "2 matched, 1 started, 1 succeeded, 0 failed, 1 skipped"}, nil)
	w.Run("status 01ARZ3NDEKTSV4RRFFQ69G5FAV").Wants(t, exit.Refused, nil, []string{`there is no replay "01ARZ3NDEKTSV4RRFFQ69G5FAV"`, "`replayctl list --dry-runs` lists"})
	w.Run("status").Wants(t, exit.OK, []string{id}, nil)
	w.Run("status 123").Wants(t, exit.Refused, nil, []string{`there is no replay "123"`, "`replayctl list --dry-runs` lists"})
	w.Run("items 123").Wants(t, exit.Refused, nil, []string{`there is no replay "123"`})
	w.Run("items 123 --detail").Wants(t, exit.Refused, nil, []string{`there is no replay "123"`})
	w.Run("status a b").Wants(t, exit.Usage, nil, []string{"--help"})
}
