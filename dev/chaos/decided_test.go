package chaos

import (
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// decided has an operator close the failure of worn, and correct the event of young, which had failed as well.
func decided(h history) (correction string) {
	h.fail(domain.AutoName(worn, 2), func(f *domain.Failure) {
		f.Status, f.Job, f.ChangedAt = domain.Closed, "job-1", domain.At(at(25))
	})
	const resource = "r-wrong"
	h.live("wrong", resource, 0, "InvalidListing")
	row := h.Rows["wrong"]
	correction = domain.APIName("correction-1", resource, 0)
	h.execution(domain.Execution{
		Name: correction, Mode: domain.API, ResourceID: resource, OwnerID: owner, VersionID: "v-corrected", ReplayID: "correction-1",
		Place: domain.PlaceBehind(row.Placed().Time), Corrects: row.VersionID,
	}, 40, "")
	h.Versions[resource] = append([]Version{{
		ID: "v-corrected", Execution: correction, Owner: owner, Started: at(40), First: domain.PlaceBehind(at(0)).Time, Modified: at(40),
	}}, h.Versions[resource]...)
	h.History[resource] = []string{"v-corrected", "v-wrong"}
	h.failure("wrong", domain.Healed, correction)
	return correction
}

func TestWhatAnOperatorDecidesBreaksNothing(t *testing.T) {
	h := good()
	decided(h)
	for _, v := range Check(h.Facts) {
		t.Errorf("%s: %s: %s", v.Invariant, v.Execution, v.What)
	}
	if got, why := h.outcome(worn); got != Closed {
		t.Errorf("got %s, %s, want it closed", got, why)
	}
	if got, why := h.outcome("wrong"); got != Healed {
		t.Errorf("got %s, %s, want it healed by the correction", got, why)
	}
	if g := figures(h.Facts); g.Closed != 1 || g.Lost != 0 {
		t.Errorf("got %+v, want one closed", g)
	}
}

func TestABrokenRuleOfWhatAnOperatorDecidesIsFound(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(h history, correction string)
		want  Invariant
	}{
		"closed, and retried": {func(h history, _ string) { h.auto(worn, 3, 40, "Down") }, StaysClosed},
		"reopened, and retried": {func(h history, _ string) {
			h.fail(domain.AutoName(worn, 2), func(f *domain.Failure) { f.Status = domain.Quarantined })
			h.auto(worn, 3, 40, "Down")
		}, StaysClosed},
		"closed, and its version is gone": {func(h history, _ string) { delete(h.Versions, "r-worn") }, NoneLost},
		"at another place": {func(h history, correction string) {
			h.change(correction, func(e *domain.Execution) { e.Place = domain.At(at(40)) })
		}, Corrects},
		"behind what it corrects":   {func(h history, _ string) { h.Versions["r-wrong"][0].First = at(-1) }, Corrects},
		"of a version that is gone": {func(h history, _ string) { h.Versions["r-wrong"] = h.Versions["r-wrong"][:1] }, Corrects},
		"healing nothing": {func(h history, _ string) {
			h.fail("wrong", func(f *domain.Failure) { f.Status = domain.Quarantined })
		}, Corrects},
		"twice": {func(h history, correction string) {
			again := h.Rows[correction]
			again.Name, again.VersionID = "rp-again", "v-again"
			h.execution(again, 41, "")
		}, Corrects},
	} {
		t.Run(name, func(t *testing.T) {
			h := good()
			tt.spoil(h, decided(h))
			for _, v := range Check(h.Facts) {
				if v.Invariant == tt.want {
					return
				}
			}
			t.Errorf("got %+v, want %s broken", Check(h.Facts), tt.want)
		})
	}
}
