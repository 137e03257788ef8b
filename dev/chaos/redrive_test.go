package chaos

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// redriven has the quarantined last attempt of worn redriven, which fails, and redriven again with success.
func redriven(h history) (execution string) {
	name := domain.AutoName(worn, 2)
	again := h.Failures[domain.FailureID(name, 0)]
	h.fail(name, func(f *domain.Failure) { f.Status = domain.FailedAgain })
	again.RedriveCount, again.Status, again.HealedBy = 1, domain.Closed, name
	h.Failures[again.ID()] = again
	row := h.Rows[name]
	row.RedriveID, row.RedriveRun, row.RedriveCount = "redrive-2", 2, 2
	h.execution(row, 50, "")
	h.run(name, func(e *Execution) { e.Started = at(20) }) // its deliveries are those of the first run
	for id, outcome := range map[string]replay.Outcome{"redrive-1": replay.Failed, "redrive-2": replay.Succeeded} {
		h.Asked["reason of "+id] = id
		r := domain.Replay{
			ID: id, Status: replay.Completed, Action: replay.Redrive, Reason: "reason of " + id, Pages: 1, Expanded: true,
			Tally: domain.Tally{Matched: 1, Started: 1},
		}
		if outcome == replay.Failed {
			r.Failed = 1
		} else {
			r.Succeeded = 1
		}
		h.Replays[id] = r
		h.Items[id] = []domain.Item{{
			ReplayID: id, ResourceID: row.ResourceID, VersionID: row.VersionID, Execution: name, Outcome: outcome, ARN: "arn:" + name,
		}}
	}
	return name
}

func TestARedriveBreaksNothing(t *testing.T) {
	h := good()
	redriven(h)
	for _, v := range Check(h.Facts) {
		t.Errorf("%s: %s: %s", v.Invariant, v.Execution, v.What)
	}
	if got, why := h.outcome(worn); got != Healed {
		t.Errorf("got %s, %s, want it healed by the redrive", got, why)
	}
}

func TestABrokenRuleOfARedriveIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(h history, execution string)
		want  Invariant
	}{
		"its item says that it ran, and nothing did": {func(h history, _ string) {
			h.Items["redrive-2"][0].Outcome = replay.Skipped
		}, ReplaysAdd},
		"a failure of its last run": {func(h history, x string) {
			f := h.Failures[domain.FailureID(x, 1)]
			f.RedriveCount = 2
			h.Failures[f.ID()] = f
		}, LedgerAgrees},
		"closed by a redrive that failed": {func(h history, x string) {
			h.run(x, func(e *Execution) { e.Status, e.Error = domain.Failed, "Down" })
		}, NoneLost},
		"published after a newer event": {func(h history, _ string) { h.live("newest", "r-worn", 40, ""); reorder(h) }, NoStalePublish},
	} {
		t.Run(name, func(t *testing.T) {
			h := good()
			tt.spoil(h, redriven(h))
			for _, v := range Check(h.Facts) {
				if v.Invariant == tt.want {
					return
				}
			}
			t.Errorf("got %+v, want %s broken", Check(h.Facts), tt.want)
		})
	}
}

// reorder puts the last message before the one before it.
func reorder(h history) {
	n := len(h.Messages)
	h.Messages[n-1], h.Messages[n-2] = h.Messages[n-2], h.Messages[n-1]
}
