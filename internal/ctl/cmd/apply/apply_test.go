package apply_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/internal/simtest/operator"
	"github.com/ce873799/replayable-ingestion/replay"
)

var (
	planLine = regexp.MustCompile(`(?m)^plan +([0-9A-Z]{26})$`)
	hashLine = regexp.MustCompile(`(?m)^hash +([0-9a-f]{64})$`)
)

// make makes a plan and returns its id and its hash.
func plan(t *testing.T, w *operator.World, line string) (id, hash string) {
	t.Helper()
	got := w.Run("replay " + line + " --plan --reason because")
	id, hash = first(planLine, got.Out), first(hashLine, got.Out)
	if id == "" || hash == "" {
		t.Fatalf("got %s, %s, want a plan", got.Out, got.Err)
	}
	got.Wants(t, exit.OK, []string{"would run", "takes    1s at least, about 0.01 USD, without the time", "expires  "},
		[]string{"apply " + id + " --hash " + hash, "nothing was started"})
	return id, hash
}

func first(re *regexp.Regexp, text string) string {
	if found := re.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

func TestAPlanIsMadeAndApplied(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2")
	id, hash := plan(t, w, `r1 r2 gone --merge-patch {"n":7}`)
	w.Run("apply "+id+" --hash "+strings.Repeat("0", 64)).Wants(t, exit.Refused, nil, []string{"is not the hash of the plan, all of which is " + hash})
	w.Run("apply "+id+" --hash "+hash+" --wait").Wants(t, exit.OK, []string{"COMPLETED", "2 matched, 2 started, 2 succeeded", "because"}, nil)
	r := w.Requested()
	if r.Request.Apply == nil || r.Request.Apply.PlanID != id || r.DryRun {
		t.Errorf("got %+v, want the plan applied", r.Request)
	}
	w.Run("status "+id).Wants(t, exit.OK, []string{"applied by  " + r.ReplayID}, nil)
	w.Run("status "+r.ReplayID).Wants(t, exit.OK, []string{"plan       " + id}, nil)
	w.Run("apply "+id).Wants(t, exit.Refused, nil, []string{"was applied by replay"})
}

func TestDriftIsShown(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1", "r2")
	id, _ := plan(t, w, "r1 r2")
	w.Ingest("r2")
	w.Run("apply "+id+" --wait").Wants(t, exit.OK, []string{"2 matched, 1 started"},
		[]string{"plan " + id + ": 2 items would run", "r2  drift: version ", "is newer than the planned one"})
}

func TestManyPlannedItemsNeedAYesOrTheirHash(t *testing.T) {
	w := operator.New(t)
	w.Crowd(150)
	id, hash := plan(t, w, "--owner o1")
	w.Run("apply "+id).Wants(t, exit.Usage, nil, []string{"more than 100 items need a yes", "--hash says that you mean this plan"})
	got := w.Run("apply " + id + " --hash " + hash)
	got.Wants(t, exit.OK, []string{"01"}, []string{"status " + strings.TrimSpace(got.Out) + " --wait"})
	id, _ = plan(t, w, "--owner o1")
	w.Run("apply "+id+" --yes").Wants(t, exit.OK, nil, nil)
}

func TestWhatIsNotAPlan(t *testing.T) {
	w := operator.New(t)
	w.Ingest("r1")
	w.Run("replay r1 --reason x --wait").Wants(t, exit.OK, nil, nil)
	w.Run("apply "+w.Requested().ReplayID).Wants(t, exit.Refused, nil, []string{"is not a plan: it is COMPLETED"})
	w.Run("apply 01ARZ3NDEKTSV4RRFFQ69G5FAV").Wants(t, exit.Refused, nil, []string{"there is no replay"})
	w.Run("apply").Wants(t, exit.Usage, nil, []string{"PLAN is missing"})
	w.Run("replay r1 --plan --dry-run --reason x").Wants(t, exit.Usage, nil, []string{"exclude each other"})
	w.Run("replay r1 --plan").Wants(t, exit.Usage, nil, []string{"--reason is required"})
	var r replay.Replay
	got := w.Run("replay r1 --plan --reason x -o json")
	if err := json.Unmarshal([]byte(got.Out), &r); err != nil || r.Plan == nil || len(r.Plan.PlanHash) != 64 {
		t.Errorf("got %s, %v, want the plan with its hash", got.Out, err)
	}
}
