package console_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/console"
)

func TestTheActivityIsReadOnceAMinute(t *testing.T) {
	now, reads, broken := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), 0, error(nil)
	d := sit(t, func(o *console.Options) {
		o.Now = func() time.Time { return now }
		o.Activity = func(context.Context) (console.Activity, error) {
			reads++
			at := func(minutes int, n float64) console.ActivityPoint {
				return console.ActivityPoint{At: now.Add(time.Duration(minutes) * time.Minute), Value: n}
			}
			return console.Activity{Lines: []console.ActivityLine{
				{Name: "started", Points: []console.ActivityPoint{at(-2, 30), at(-1, 1200)}}, {Name: "failed"},
			}}, broken
		}
	})
	d.get("/").has(t, http.StatusOK, "Executions per minute", "started from 30 to 1,200")
	if reads != 1 {
		t.Errorf("got %d readings for two pages in a minute, want 1", reads)
	}
	now, broken = now.Add(time.Minute), errors.New("you may not read metrics")
	d.get("/").has(t, http.StatusOK, "you may not read metrics", "Nothing has failed")
	if reads != 2 {
		t.Errorf("got %d readings a minute later, want 2", reads)
	}
}
