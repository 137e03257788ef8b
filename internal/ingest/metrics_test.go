package ingest

import (
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
)

func metered(m *memory) (recorded func(*testing.T) float64) {
	var log strings.Builder
	m.meter = emf.New(&log, "orders")
	return func(t *testing.T) float64 {
		t.Helper()
		if err := m.meter.Flush(""); err != nil {
			t.Fatal(err)
		}
		data, err := emftest.Read(strings.NewReader(log.String()))
		if err != nil {
			t.Fatal(err)
		}
		return emftest.Sums(data)["Recorded"]
	}
}

func again(in protocol.RecordInput) protocol.RecordInput {
	in.RetryCount++
	return in
}

func TestAnEventCountsOnceHoweverOftenItIsTried(t *testing.T) {
	m := newMemory()
	recorded := metered(m)
	in := input("e1", `{"listing":{"id":"a"}}`)
	for range 3 { // also when Lambda delivers an attempt twice
		if _, _, err := handle(t, m, in); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := handle(t, m, again(in)); err != nil {
		t.Fatal(err)
	}
	if got := recorded(t); got != 1 {
		t.Errorf("got %v events recorded, want 1", got)
	}
}

// What the SDK tries again after a lost answer finds the row that its own first try wrote.
func TestAnEventCountsAlthoughTheAnswerWasLost(t *testing.T) {
	m := newMemory()
	recorded := metered(m)
	in := input("e1", `{"listing":{"id":"a"}}`)
	ids, err := mustReader(t).Read(in.Input)
	if err != nil {
		t.Fatal(err)
	}
	m.rows["e1"] = domain.Execution{Name: "e1", Mode: domain.Live, ResourceID: ids.ResourceID, VersionID: "v0"}
	if _, _, err := handle(t, m, in); err != nil { // writes v0
		t.Fatal(err)
	}
	if got := recorded(t); got != 1 {
		t.Errorf("got %v events recorded, want 1", got)
	}
}

func TestARefusedEventAndAReplayAreNotRecorded(t *testing.T) {
	m := newMemory()
	recorded := metered(m)
	if _, _, err := handle(t, m, input("e1", `{}`)); err == nil {
		t.Fatal("an event without an id was accepted")
	}
	row, header := announced()
	m.rows[row.Name] = row
	if _, _, err := handle(t, m, replayInput(t, header, `{"listing":{"id":"a"}}`)); err != nil {
		t.Fatal(err)
	}
	if got := recorded(t); got != 0 {
		t.Errorf("got %v events recorded, want none", got)
	}
}

func TestARestartedEventCountsWhenItIsRecorded(t *testing.T) {
	m := newMemory()
	recorded := metered(m)
	m.rows["ar-1"] = domain.Execution{Name: "ar-1", Mode: domain.Restart, Status: domain.Starting, Root: "e1", Attempt: 1}
	for range 2 {
		if _, _, err := handle(t, m, input("ar-1", `{"listing":{"id":"a"}}`)); err != nil {
			t.Fatal(err)
		}
	}
	if got := recorded(t); got != 1 {
		t.Errorf("got %v events recorded, want 1", got)
	}
}
