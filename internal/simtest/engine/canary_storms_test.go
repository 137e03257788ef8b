package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// A run looks at each storm once, also when the storms are more than it reads at once. What its step has no room for
// waits for the next run.
func TestARunLooksAtEachGroupOnce(t *testing.T) {
	const storms, held, most = 130, 120, 50
	e := inMemory(t)
	now := domain.At(time.Now())
	for i := range storms {
		_, err := e.Plain.Storms.Save(t.Context(), domain.Storm{
			Error: fmt.Sprintf("Error%03d", i), Holds: true, Step: 1, NextAt: domain.At(now.Add(-time.Hour)), BegunAt: now,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range held { // of events that have expired: none of them is sent
		name := fmt.Sprintf("live-%03d", i)
		_, err := e.Plain.Failures.Add(t.Context(), domain.Failure{
			Execution: name, Root: name, Status: domain.Waiting, Held: true, Error: "Error000", Storm: "Error000", ResourceID: name,
			VersionID: "v", FailedAt: now, FirstAt: now, StartedAt: now, DueAt: domain.At(now.Add(time.Hour)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if sum := e.Schedule(); sum.Quarantined != most {
		t.Errorf("quarantined %d, want %d", sum.Quarantined, most)
	}
	row, err := e.Plain.Storms.Get(t.Context(), "Error000")
	if err != nil || row.Probes != most {
		t.Errorf("got %d probes, %v, want %d", row.Probes, err, most)
	}
}
