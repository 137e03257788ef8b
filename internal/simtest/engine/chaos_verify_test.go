package engine

import (
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// calm runs everything to its end, including the schedule, which recovers what was lost.
func (w *weather) calm() {
	e := w.e
	e.faults.At = 0
	e.Series.Before = func(string, int) bool { return true }
	e.Series.Between = nil
	for range 6 {
		if err := e.Replays.Send(w.t.Context(), w.pending...); err != nil {
			w.rt.Fatal(err)
		}
		w.pending = nil
		w.collect()
		for _, s := range w.statuses {
			e.Track(s)
		}
		w.statuses = nil
		w.batch = 1 + w.IntN(10)
		e.Dead.ComeBack()
		w.drive(w.t)
		if get(w.t, e, w.id).Status.Final() {
			return
		}
		time.Sleep(time.Hour) // the lease of a run that died ends
		e.Schedule()
	}
}

func (w *weather) verify(published int) {
	r := get(w.rt, w.e, w.id)
	row, err := w.e.Book.Replays.Get(w.t.Context(), w.id)
	if err != nil || !r.Status.Final() {
		for _, it := range w.rows(row) {
			x, err := w.e.Book.Executions.Get(w.t.Context(), it.Execution)
			w.rt.Logf("%+v: %+v, %v, in Step Functions %s", it, x, err, w.e.Machine.Status(it.Execution))
		}
		w.rt.Fatalf("%v, still %s: %+v", err, r.Status, row)
	}
	checkCounts(w.rt, w.e, r)
	checkRuns(w.rt, w.e, r, published)
	of := map[string]int{}
	type run struct{ resource, version string }
	ran := map[run]bool{}
	for _, it := range w.rows(row) {
		of[it.ResourceID]++
		if it.ARN == "" {
			continue
		}
		at := run{it.ResourceID, it.VersionID}
		if ran[at] && r.Request.Select.Failures == nil {
			w.rt.Errorf("%v ran twice", at)
		}
		ran[at] = true
		if w.bound != nil && !w.bound[it.Execution] {
			w.rt.Errorf("%+v ran, and was not bound when the replay was stopped", it)
		}
	}
	if r.Stopped == nil && !r.Truncated {
		for _, id := range expected(r.Request.Select) {
			if of[id] == 0 && (!w.deleted || !r.Request.Select.All || id != "r4") {
				w.rt.Errorf("%s was selected and has no item", id)
			}
		}
	}
	if n := len(w.e.Machine.Names(domain.APIPrefix)); r.DryRun && n > 0 {
		w.rt.Errorf("a dry run started %d executions", n)
	}
}

func expected(s replay.Select) []string {
	switch {
	case s.OwnerID != "":
		return []string{"r1", "r10", "r2", "r3", "r4", "gone"}
	case s.All:
		return []string{"r1", "r10", "r2", "r3", "r4"}
	}
	return s.ResourceIDs
}
