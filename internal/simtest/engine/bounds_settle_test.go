package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// succeeded is the status message of an execution that succeeded after so many redrives.
func succeeded(name string, redrives int) string {
	at := time.Now().UnixMilli()
	return fmt.Sprintf(`{"v":1,"kind":"status","executionArn":%q,"name":%q,"stateMachineArn":%q,"status":"SUCCEEDED",`+
		`"startDate":%d,"stopDate":%d,"redriveCount":%d}`, executionARN(name), name, MachineARN, at, at, redrives)
}

func quarantinedRun(t *testing.T, e *Engine, f domain.Failure) (partition string) {
	t.Helper()
	f.Status, f.Error, f.Root = domain.Quarantined, "E", f.Execution
	_, err := e.Book.Failures.Add(t.Context(), f)
	must(t, err)
	return domain.FailureID(f.Execution, f.RedriveCount)
}

func TestAReplayHealsItsVersionWithFewCallsHoweverOftenThatRan(t *testing.T) {
	e := inMemory(t)
	at := domain.At(time.Now())
	row := domain.Execution{
		Mode: domain.API, Status: domain.Running, ResourceID: "r1", VersionID: "v1", RecordedAt: at, StartedAt: at,
	}
	for i := range ledger.MaxHistory {
		row.Name = fmt.Sprint("rp-", i)
		_, err := e.Book.Executions.Add(t.Context(), row)
		must(t, err)
	}
	partition := quarantinedRun(t, e, domain.Failure{
		Execution: "rp-0", ResourceID: "r1", VersionID: "v1", RecordedAt: at, FailedAt: at,
	})
	before := e.Table.Calls
	e.Track(succeeded("rp-1", 0))
	if n := e.Table.Calls - before; n > 10 {
		t.Errorf("got %d calls, want at most 10", n)
	}
	if f, err := e.Book.Failures.Get(t.Context(), partition); err != nil || f.Status != domain.Healed {
		t.Errorf("got %s, %v, want it healed", f.Status, err)
	}
}

func TestARedriveClosesWhatFailedWithFewCallsHoweverManyRunsThereWere(t *testing.T) {
	const runs = 1000 // Step Functions redrives no execution more often
	e := inMemory(t)
	at := domain.At(time.Now())
	_, err := e.Book.Executions.Add(t.Context(), domain.Execution{
		Name: "live-1", Mode: domain.Live, Status: domain.Running, ResourceID: "r1", VersionID: "v1", RecordedAt: at, StartedAt: at,
	})
	must(t, err)
	partition := quarantinedRun(t, e, domain.Failure{Execution: "live-1", RedriveCount: 700, FailedAt: at})
	before := e.Table.Calls
	e.Track(succeeded("live-1", runs))
	if n := e.Table.Calls - before; n > 2*runs/100+10 {
		t.Errorf("got %d calls, want one for 100 runs and one for 100 first attempts", n)
	}
	if f, err := e.Book.Failures.Get(t.Context(), partition); err != nil || f.Status != domain.Closed {
		t.Errorf("got %s, %v, want it closed", f.Status, err)
	}
}
