package cancel_test

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/test/operator"
)

func TestCancelling(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	id := strings.TrimSpace(w.Run("replay r1 --reason x").Out)
	w.Run("cancel "+id).Wants(t, exit.OK, []string{id, "CANCELLED"}, nil)
	w.Run("status "+id+" --wait").Wants(t, exit.Stopped, []string{"CANCELLED", "arn:aws:sts::000000000000:assumed-role/oncall/ada"}, nil)
	w.Run("cancel 01ARZ3NDEKTSV4RRFFQ69G5FAV").Wants(t, exit.Refused, nil, []string{"404"})
}
