package api

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
)

func TestEstimates(t *testing.T) {
	series := replay.Versions{Mode: replay.VersionSeries, Series: &replay.Series{}}
	usual := Pace{StartsPerSecond: 30}
	for name, tt := range map[string]struct {
		request replay.Request
		pace    Pace
		seconds int
		usd     float64
	}{
		"a rerun":                             {replay.Request{Action: replay.Rerun}, usual, 33_334, 88.25},
		"a rerun in a larger Region":          {replay.Request{Action: replay.Rerun}, Pace{StartsPerSecond: 60}, 16_667, 88.25},
		"a rerun at a pace":                   {replay.Request{Action: replay.Rerun, MaxPerSecond: 20}, usual, 50_000, 88.25},
		"a pace over the share":               {replay.Request{Action: replay.Rerun, MaxPerSecond: 1_000}, usual, 33_334, 88.25},
		"a pace over the share, which may be": {replay.Request{Action: replay.Rerun, MaxPerSecond: 50}, Pace{30, 75}, 20_000, 88.25},
		"a pace over that, too":               {replay.Request{Action: replay.Rerun, MaxPerSecond: 1_000}, Pace{30, 75}, 13_334, 88.25},
		"a series":                            {replay.Request{Action: replay.Rerun, Versions: series}, usual, 33_334, 163.25},
		"a republish":                         {replay.Request{Action: replay.Republish}, usual, 6_667, 38.25},
		"a republish at a pace":               {replay.Request{Action: replay.Republish, MaxPerSecond: 50}, usual, 20_000, 38.25},
		"a redrive":                           {replay.Request{Action: replay.Redrive, MaxPerSecond: 9}, usual, 200_000, 88.25},
	} {
		got := estimateOf(tt.request, 1_000_000, tt.pace)
		if got.Seconds != tt.seconds || got.USD != tt.usd || got.Without == "" {
			t.Errorf("%s: got %+v, want %d s and %.2f USD", name, got, tt.seconds, tt.usd)
		}
	}
	if got := estimateOf(replay.Request{}, 0, usual); got.Seconds != 0 || got.USD != 0 {
		t.Errorf("got %+v for nothing, want nothing", got)
	}
	if got := estimateOf(replay.Request{}, 1, usual); got.Seconds != 1 || got.USD != 0.01 {
		t.Errorf("got %+v for one item, want the least that is shown", got)
	}
}

// The benchmark writes its counts into the document.
func TestThePricesAreThoseThatWereCounted(t *testing.T) {
	doc, err := os.ReadFile("../../docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range map[string]float64{
		`\*\*in all\*\*`: rerunUSD, `Step Functions, state transition \(STANDARD\)`: transitionsUSD,
	} {
		found := regexp.MustCompile(`\| ` + row + ` \|.*\| \**([0-9.]+)\** \|\n`).FindSubmatch(doc)
		if found == nil {
			t.Fatalf("docs/cost.md has no row %s", row)
		}
		if got, err := strconv.ParseFloat(string(found[1]), 64); err != nil || got != want {
			t.Errorf("%s: docs/cost.md has %v, %v for what is replayed, the estimate %v", row, got, err, want)
		}
	}
}
