package engine

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// owners lists the resources of each owner, in order.
func owners(t *testing.T, e *Engine, ids ...string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, owner := range ids {
		for cursor := ""; ; {
			page, next, err := e.Book.Owners.Resources(t.Context(), owner, time.Time{}, cursor, 10)
			if err != nil {
				t.Fatal(err)
			}
			all[owner] = append(all[owner], page...)
			if next == "" {
				break
			}
			cursor = next
		}
		slices.Sort(all[owner])
	}
	return all
}

// The rows of versions and owners are lost. They are rebuilt from the event log while events arrive.
func TestTheLedgerIsRebuiltFromTheEventLog(t *testing.T) {
	e := inMemory(t)
	e.Machine.Work = func(execution, event string) (string, string) {
		if execution == "live-3-2" {
			return "", "InvalidListing"
		}
		return event, ""
	}
	e.Machine.Early = func(execution string) bool { return execution == "live-4-0" }
	event := func(resource, n int) string {
		return fmt.Sprintf(`{"id":"r/%d","owner":"o%d","n":%d}`, resource, (resource+n)%3, n)
	}
	const resources, versions = 8, 3
	var names []string
	for r := range resources {
		for v := range versions {
			name := fmt.Sprintf("live-%d-%d", r, v)
			e.Ingest(name, event(r, v))
			names = append(names, name)
		}
	}
	e.Report()
	e.Schedule()
	before := map[string]domain.Execution{}
	for _, n := range names {
		row, err := e.Book.Executions.Get(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		before[n] = row
	}
	owned := owners(t, e, "o0", "o1", "o2")
	for prefix, want := range map[string]int{"X#": len(names), "O#": 0} {
		if n := e.Table.Erase(prefix); n == 0 || want > 0 && n != want {
			t.Fatalf("erased %d rows %s, want %d", n, prefix, want)
		}
	}

	e.Reconfigure(func(p *config.AutoReplay) { p.Interval = time.Second }) // 100 look-ups per run
	e.Ask = autoreplay.Request{Rebuild: true}
	restored := e.Schedule().Restored
	e.Ask = autoreplay.Request{}
	e.Ingest("live-0-new", event(0, 9)) // events arrive
	e.Report()
	for range 5 {
		restored += e.Schedule().Restored
	}
	if restored != len(names) {
		t.Errorf("restored %d executions, want %d", restored, len(names))
	}
	for _, n := range names {
		got, err := e.Book.Executions.Get(t.Context(), n)
		if err != nil {
			t.Errorf("%s: %v", n, err)
			continue
		}
		want := before[n]
		if got.Status != want.Status || got.VersionID != want.VersionID || got.ResourceID != want.ResourceID || got.OwnerID != want.OwnerID ||
			got.OutputKey != want.OutputKey || !got.RecordedAt.Equal(want.RecordedAt.Time) || got.PublishedAt.IsZero() != want.PublishedAt.IsZero() {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	owned["o0"] = owners(t, e, "o0")["o0"] // the event that arrived is among them
	if got := owners(t, e, "o0", "o1", "o2"); !reflect.DeepEqual(got, owned) || !slices.Contains(got["o0"], "r/0") {
		t.Errorf("got owners %v, want %v", got, owned)
	}
	if mark, err := e.Book.Marks.Get(t.Context(), "rebuild"); err != nil || mark.Active || mark.Count < len(names) {
		t.Errorf("got %+v, %v, want the rebuild done", mark, err)
	}
	if f := failure(t, e, "live-3-2"); f.Status != domain.Quarantined {
		t.Errorf("got %+v, want the failure as it was", f)
	}
}
