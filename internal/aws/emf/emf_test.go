package emf

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

func at(out *strings.Builder) *Meter {
	m := New(out, "orders")
	m.now = func() time.Time { return time.UnixMilli(1700000000123) }
	return m
}

func TestAnInvocationIsOneLineThatDeclaresItsMetrics(t *testing.T) {
	var out strings.Builder
	m := at(&out)
	m.Add(schema.Superseded, 1)
	m.Set(schema.AutoReplayed, 7)
	m.Set(schema.AutoReplayed, 0)
	m.Add(schema.Superseded, 1)
	m.Observe(schema.TimeToHeal, 12)
	m.Observe(schema.TimeToHeal, 3.5)
	if err := m.Flush("r-1"); err != nil {
		t.Fatal(err)
	}
	const want = `{"AutoReplayed":0,"Ingestion":"orders","Superseded":2,"TimeToHeal":[12,3.5],"_aws":{"CloudWatchMetrics":[{` +
		`"Namespace":"ReplayableIngestion","Dimensions":[["Ingestion"]],"Metrics":[{"Name":"AutoReplayed","Unit":"Count"},` +
		`{"Name":"Superseded","Unit":"Count"},{"Name":"TimeToHeal","Unit":"Seconds"}]}],"Timestamp":1700000000123},` +
		`"requestId":"r-1"}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWhatIsFlushedDoesNotCountAgain(t *testing.T) {
	var out strings.Builder
	m := at(&out)
	m.Add(schema.Recorded, 1)
	for range 3 {
		if err := m.Flush(""); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(out.String(), "\n"); got != 1 {
		t.Errorf("got %d lines, want 1:\n%s", got, &out)
	}
}

func TestManyValuesTakeSeveralLinesAndSumsOne(t *testing.T) {
	var out strings.Builder
	m := at(&out)
	m.Add(schema.Healed, 250)
	for i := range 250 {
		m.Observe(schema.TimeToHeal, float64(i))
	}
	if err := m.Flush(""); err != nil {
		t.Fatal(err)
	}
	seen, healed, lines := 0.0, 0.0, 0
	for line := range strings.Lines(out.String()) {
		var l struct {
			Healed     float64
			TimeToHeal []float64
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if len(l.TimeToHeal) > 100 {
			t.Errorf("%d values in a line, at most 100 are read", len(l.TimeToHeal))
		}
		for _, v := range l.TimeToHeal {
			if v != seen {
				t.Errorf("got value %v, want %v", v, seen)
			}
			seen++
		}
		healed += l.Healed
		lines++
	}
	if seen != 250 || healed != 250 || lines != 3 {
		t.Errorf("got %v values and a sum of %v in %d lines, want 250, 250, 3", seen, healed, lines)
	}
}

func TestRecordsOfABatchMayCountAtOnce(t *testing.T) {
	var out strings.Builder
	m := at(&out)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			m.Add(schema.Republished, 1)
			m.Observe(schema.TimeToHeal, 1)
		})
	}
	group.Wait()
	if err := m.Flush(""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"Republished":50,`) {
		t.Errorf("got %s", &out)
	}
}

func TestNoMeterCollectsNothing(t *testing.T) {
	var m *Meter
	m.Add(schema.Recorded, 1)
	m.Set(schema.InQuarantine, 1)
	m.Observe(schema.TimeToHeal, 1)
	if err := m.Flush(""); err != nil {
		t.Error(err)
	}
}

type broken struct{}

var errBroken = errors.New("no standard output")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestALineThatCannotBeWrittenIsAnError(t *testing.T) {
	m := New(broken{}, "orders")
	m.Add(schema.Recorded, 1)
	if err := m.Flush(""); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
}
