package console

import (
	"slices"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
)

func TestAMinuteWithoutAPointHadNoExecution(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 26, 8, minute, 0, 0, time.UTC) }
	got := filled([]console.ActivityPoint{{At: at(3), Value: 5}, {At: at(1), Value: 2}}, at(6))
	want := []console.ActivityPoint{{At: at(1), Value: 2}, {At: at(2)}, {At: at(3), Value: 5}, {At: at(4)}, {At: at(5)}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := filled(nil, at(6)); got != nil {
		t.Errorf("got %v of nothing, want nothing", got)
	}
}
