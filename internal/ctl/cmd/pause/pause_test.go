package pause_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
)

func TestAReplayIsPausedAndResumed(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	id := strings.TrimSpace(w.Run("replay r1 --reason x").Out)
	w.Run("pause").Wants(t, exit.Usage, nil, []string{"--reason is required"})
	w.Run("pause --reason wait").Wants(t, exit.OK, []string{id, "PAUSED", "wait"}, []string{"resume " + id})
	w.Engine.Pump()
	w.Run("status "+id).Wants(t, exit.OK, []string{"PAUSED", "wait", "arn:aws:sts::000000000000:assumed-role/oncall/ada"}, nil)
	w.Run("list --status PAUSED").Wants(t, exit.OK, []string{id}, nil)
	w.Run("pace --max-per-second 7").Wants(t, exit.OK, []string{id, "7 starts per second"}, nil)
	w.Run("pace").Wants(t, exit.Usage, nil, []string{"give either --max-per-second N or --no-max-per-second"})
	w.Run("pace --max-per-second 5000").Wants(t, exit.Usage, nil, []string{"from 1 to 1000, got 5000"})
	w.Run("resume").Wants(t, exit.OK, []string{id, "PENDING", "resumed"}, nil)
	w.Engine.Pump()
	w.Run("status "+id).Wants(t, exit.OK, []string{"COMPLETED"}, nil)
	w.Run("resume").Wants(t, exit.Refused, nil, []string{"no replay is paused"})
	w.Run("pause "+id+" --reason late").Wants(t, exit.Refused, nil, []string{"cannot be paused: it is COMPLETED"})
}

func TestEverythingIsPausedAndResumed(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Run("pause --status").Wants(t, exit.OK, []string{"replays", "auto-replay", "not paused"}, nil)
	w.Run("pause --all --auto-replay --reason outage").Wants(t, exit.OK, []string{"paused at", "outage"}, nil)
	id := strings.TrimSpace(w.Run("replay r1 --reason x").Out)
	w.Engine.Pump()
	w.Run("status "+id).Wants(t, exit.OK, []string{"PAUSED", "all replays: outage"}, nil)
	w.Run("resume "+id).Wants(t, exit.OK, []string{"PAUSED"}, []string{"it waits, since all replays are paused: replayctl resume --all", "resumes them"})
	w.Run("failures").Wants(t, exit.OK, nil, []string{"automatic replays are paused: outage"})
	w.Run("resume --all --auto-replay").Wants(t, exit.OK, []string{"not paused since"}, nil)
	w.Engine.Pump()
	w.Run("status "+id).Wants(t, exit.OK, []string{"COMPLETED"}, nil)
	w.Run("pause 01KAV7Q0ZJ4M3T5W8X9Y2B6C7D --all --reason x").Wants(t, exit.Usage, nil, []string{"take no REPLAY"})
	w.Run("pause --status --all").Wants(t, exit.Usage, nil, []string{"--status goes alone"})
}

func TestThePaceOfReplaysThatGiveWayIsShown(t *testing.T) {
	w := operator.New(t)
	c, _ := domain.Controls{}.Yield(time.Now())
	if _, err := w.Engine.Plain.Controls.Yield(t.Context(), c, domain.At(time.Now())); err != nil {
		t.Fatal(err)
	}
	w.Run("pause --status").Wants(t, exit.OK, []string{"pace", "50 % of it: starts were throttled at"}, nil)
}
