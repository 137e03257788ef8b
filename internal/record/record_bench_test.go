package record

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/bench/hot"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

func BenchmarkYardstick(b *testing.B) { hot.Yardstick(b) }

func BenchmarkRead(b *testing.B) {
	reader, err := NewReader("$.listing.id", "$.listing.agencyId", 256_000)
	if err != nil {
		b.Fatal(err)
	}
	defer hot.Measure(b)()
	for b.Loop() {
		if _, err := reader.Read([]byte(hot.Event)); err != nil {
			b.Fatal(err)
		}
	}
}

// instant is an event log and a ledger that answer at once and keep nothing.
type instant struct {
	eventLog
	book
}

func (instant) Put(context.Context, string, []byte, eventlog.Meta) (string, error) { return "v1", nil }

func (instant) AddExecution(_ context.Context, e ledger.Execution) (ledger.Execution, error) {
	return e, nil
}

func (instant) AddOwned(context.Context, string, string, ledger.Stamp) error { return nil }

func BenchmarkHandle(b *testing.B) {
	reader, err := NewReader("$.listing.id", "$.listing.agencyId", 256_000)
	if err != nil {
		b.Fatal(err)
	}
	recorder := New(instant{}, instant{}, reader, nil, nil)
	in := workflow.RecordInput{Input: json.RawMessage(hot.Event), Execution: workflow.Execution{Name: "sale", ARN: "arn", StartTime: time.Now()}}
	defer hot.Measure(b)()
	for b.Loop() {
		if _, err := recorder.Handle(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}
