package demo

import (
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/aws/emf/emftest"
)

// printMetrics shows what the functions have counted themselves, beside the figures that were read back.
func (d *demo) printMetrics(f Figures) error {
	data, err := emftest.ReadDir(d.logDir)
	if err != nil {
		return fmt.Errorf("read the functions' metrics: %w", err)
	}
	sums := emftest.Sums(data)
	d.chapter("What the metrics say (each counted by the function that made the change)")
	d.say("%6s  %6s  %s", "metric", "figure", "")
	for _, row := range []struct {
		metric string
		figure int
		what   string
	}{
		{"Recorded", f.RecordedVersions, "events recorded"},
		{"AutoReplayed", f.AutoReplayed, "automatic replays sent; executions started by them"},
		{"Healed", f.Healed, "failures healed"},
		{"Superseded", f.Superseded, "failures superseded"},
		{"Published", f.Published, "outputs published"},
		{"Republished", f.Republished, "outputs published again"},
		{"ReplayItemsPlanned", f.Planned, "items planned by dry runs"},
		{"UnaccountedVersions", f.Lost, "events whose outcome is unknown"},
	} {
		d.say("%6.0f  %6d  %-22s %s", sums[row.metric], row.figure, row.metric, row.what)
	}
	return nil
}
