package when

import (
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

func TestTimesAsPeopleTypeThem(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 11, 25, 2, 30, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2h": "-PT2H", "-2h": "-PT2H", "2h ago": "-PT2H", "90m": "-PT90M", "3d": "-P3D", "1w": "-P7D", "1w2d": "-P9D",
		"1d12h": "-P1DT12H", "30s": "-PT30S", "0d": "-PT0S", "now": "-PT0S", "-PT2H": "-PT2H", "-P2W": "-P2W",
		"2026-11-24":             "2026-11-24T00:00:00+01:00",
		"2026-11-24 15:04":       "2026-11-24T15:04:00+01:00",
		" 2026-11-24T15:04:05 ":  "2026-11-24T15:04:05+01:00",
		"2026-11-24T15:04:05Z":   "2026-11-24T15:04:05Z",
		"2026-11-24T15:04:05.5Z": "2026-11-24T15:04:05.5Z",
		"today":                  "2026-11-25T00:00:00+01:00",
		"yesterday":              "2026-11-24T00:00:00+01:00",
	} {
		if got, err := Parse(text, now, zone); err != nil || got.API != want || got.Note != "" {
			t.Errorf("%q: got %+v, %v, want %q", text, got, err, want)
		}
	}
}

func TestOtherTextsAreNoTimes(t *testing.T) {
	for _, text := range []string{"", "-", "h", "2", "2x", "2h3d", "2.5h", "PT2H", "-P1M", "24.11.2026", "2026-13-01", "99999999999999999999d", "999999d", "ago"} {
		if got, err := Parse(text, time.Now(), time.UTC); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
}

// Clocks that change skip times of the day, and show others twice.
func TestTimesThatClocksSkipOrRepeat(t *testing.T) {
	now := time.Date(2026, 11, 25, 2, 30, 0, 0, time.UTC)
	for _, tt := range []struct{ zone, text, want, note string }{
		{"Europe/Zurich", "2026-03-29 02:30", "2026-03-29T03:30:00+02:00", "2026-03-29 02:30 does not exist here, as clocks skip it: 2026-03-29T03:30:00+02:00 is meant"},
		{"Europe/Zurich", "2026-03-29 01:59", "2026-03-29T01:59:00+01:00", ""},
		{"Europe/Zurich", "2026-03-29 03:00", "2026-03-29T03:00:00+02:00", ""},
		{"Europe/Zurich", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00", "2026-10-25 02:30 exists twice here, as clocks go back: " +
			"2026-10-25T02:30:00+02:00 is meant, not 2026-10-25T02:30:00+01:00"},
		{"Europe/Zurich", "2026-10-25 03:00", "2026-10-25T03:00:00+01:00", ""},
		{"Europe/Zurich", "2026-10-25", "2026-10-25T00:00:00+02:00", ""},
		{"Africa/Cairo", "2026-04-24", "2026-04-24T01:00:00+03:00", "2026-04-24 does not exist here, as clocks skip it: 2026-04-24T01:00:00+03:00 is meant"},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Parse(tt.text, now, zone); err != nil || got != (Reading{tt.want, tt.note}) {
			t.Errorf("%s: got %+v, %v, want %s, %q", tt.text, got, err, tt.want, tt.note)
		}
	}
}

// FuzzParse checks that the API understands whatever is passed on to it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"2h", "1w2d3h4m5s", "2026-11-24", "-PT2H", "today"} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 25, 2, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text, now, time.UTC)
		if err != nil {
			return
		}
		if _, err := replay.ParseTime(got.API, now); err != nil {
			t.Fatalf("%q became %q: %v", text, got.API, err)
		}
	})
}
