package outcome

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// known are the executions of a ledger, by name, and what was listed.
type known struct {
	rows   map[string]domain.Execution
	listed []string
	fault  error
}

func (k *known) RecordOutcome(_ context.Context, e domain.Ended) (domain.Execution, error) {
	row, found := k.rows[e.Name]
	switch {
	case !found:
		return row, fmt.Errorf("record outcome: %w", ledger.ErrNotFound)
	case row.Status.Terminal():
		return row, fmt.Errorf("record outcome: %w", ledger.ErrConflict)
	}
	row.Status, row.Error, row.StoppedAt, row.RedriveCount = e.Status, e.Error, domain.At(e.StoppedAt), e.RedriveCount
	k.rows[e.Name] = row
	return row, nil
}

func (k *known) Get(_ context.Context, name string) (domain.Execution, error) {
	return k.rows[name], nil
}

func (k *known) MarkFollowedUp(context.Context, string) error { return nil }

func (k *known) Note(_ context.Context, ends []domain.End, _ time.Time) error {
	if k.fault != nil {
		return k.fault
	}
	for _, e := range ends {
		k.listed = append(k.listed, fmt.Sprint(e.Name, " ", e.Status, " ", e.Error, " ", e.ResourceID))
	}
	return nil
}

func (k *known) Apply(context.Context, []progress.Transition) map[string]error { return nil }

func ended(name string, status domain.ExecutionStatus, fault string) domain.Ended {
	return domain.Ended{Name: name, Status: status, Error: fault, StoppedAt: time.Unix(1_800_000_000, 0)}
}

func TestEndsAreListed(t *testing.T) {
	old := domain.Execution{Name: "old", Status: domain.Succeeded, ResourceID: "r2", StoppedAt: domain.At(time.Unix(1_800_000_000, 0))}
	earlier := old
	earlier.Name, earlier.RedriveCount = "earlier", 1
	ends := []domain.Ended{
		ended("live", domain.Failed, "Broken"), ended("slow", domain.TimedOut, ""), ended("nameless", domain.Failed, "InvalidEvent"),
		ended("old", domain.Succeeded, ""), ended("earlier", domain.Succeeded, ""),
	}
	for _, tt := range []struct {
		name  string
		taker func(*EndRecorder) *EndRecorder
		want  []string
	}{
		{"by Tracker, also those without a row and those that come again", func(r *EndRecorder) *EndRecorder { return r.ForTracker(nil) },
			[]string{"live FAILED Broken r1", "slow TIMED_OUT States.Timeout r1", "nameless FAILED InvalidEvent ", "old SUCCEEDED  r2"}},
		{"by auto-replay, only those that it was the first to learn of", func(r *EndRecorder) *EndRecorder { return r },
			[]string{"live FAILED Broken r1", "slow TIMED_OUT States.Timeout r1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &known{rows: map[string]domain.Execution{
				"live": {Name: "live", Status: domain.Running, ResourceID: "r1"}, "slow": {Name: "slow", Status: domain.Running, ResourceID: "r1"},
				"old": old, "earlier": earlier,
			}}
			results := tt.taker(NewEndRecorder(k, k, nil, k, nil)).Record(t.Context(), ends)
			if err := errors.Join(results...); err != nil || !slices.Equal(k.listed, tt.want) {
				t.Errorf("got %q, %v, want %q", k.listed, err, tt.want)
			}
		})
	}
}

func TestEndsThatCannotBeListedComeAgain(t *testing.T) {
	k := &known{rows: map[string]domain.Execution{"live": {Name: "live", Status: domain.Running, ResourceID: "r1"}}, fault: errors.New("throttled")}
	recorder := NewEndRecorder(k, k, nil, k, nil).ForTracker(nil)
	ends := []domain.Ended{ended("live", domain.Failed, "Broken")}
	if results := recorder.Record(t.Context(), ends); !errors.Is(results[0], k.fault) {
		t.Errorf("got %v, want %v", results[0], k.fault)
	}
	k.fault = nil
	if results := recorder.Record(t.Context(), ends); results[0] != nil || len(k.listed) != 1 {
		t.Errorf("got %v, %q, want it listed when it comes again", results[0], k.listed)
	}
}
