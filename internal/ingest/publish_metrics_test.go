package ingest

import (
	"errors"
	"strings"
	"testing"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf"
	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// counted runs attempts of one execution, after each of which the next one sees what the ledger knows, and returns what
// they counted.
func counted(t *testing.T, w *world, attempts ...error) map[string]float64 {
	t.Helper()
	var log strings.Builder
	w.meter = emf.New(&log, "orders")
	for _, w.markErr = range attempts {
		if err := w.handle(t, PublishOptions{StoreOutputs: true, SupersedeOlder: true}, `{}`); (err != nil) != (w.markErr != nil) {
			t.Fatalf("got %v, want %v", err, w.markErr)
		}
		if w.markErr == nil {
			w.row.Status = domain.Succeeded
		}
		if err := w.meter.Flush(""); err != nil {
			t.Fatal(err)
		}
	}
	data, err := emftest.Read(strings.NewReader(log.String()))
	if err != nil {
		t.Fatal(err)
	}
	return emftest.Sums(data)
}

func TestAnOutputCountsOnceHoweverOftenItIsTried(t *testing.T) {
	for _, tt := range []struct {
		want  string
		setUp func(*world)
	}{
		{"Published", func(*world) {}},
		{"PublishSuppressed", func(w *world) { w.row.Mode, w.row.Suppress = domain.API, true }},
		{"PublishSuperseded", func(w *world) { w.row.Mode, w.newer = domain.Auto, true }},
	} {
		t.Run(tt.want, func(t *testing.T) {
			w := newWorld(domain.Live)
			tt.setUp(w)
			got := counted(t, w, errors.New("no ledger"), nil, nil)
			if len(got) != 1 || got[tt.want] != 1 {
				t.Errorf("got %v, want %s once", got, tt.want)
			}
		})
	}
}
