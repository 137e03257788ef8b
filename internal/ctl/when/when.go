// Package when reads times as people type them and turns them into those of the API.
package when

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Help says what a time may look like.
const Help = `how long ago (90m, 2h, 1d12h, 3d, 1w, -PT2H), a time of this place (2026-11-24, "2026-11-24 15:04",
today, yesterday) or one with its offset (2026-11-24T15:04:00Z)`

var errTime = errors.New("must be a time: " + strings.ReplaceAll(Help, "\n", " "))

// ago is a number with a unit, several times; the units come in order.
var ago = regexp.MustCompile(`^-?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$`)

// layouts are times without an offset: those of this machine.
var layouts = []string{
	time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05",
}

// Reading is a time as it was understood.
type Reading struct {
	API  string // in the form of the API; a relative time stays relative
	Note string // which of two times is meant, if clocks skip the one that was typed or show it twice
}

// Parse reads a time. Days of the calendar are those of now.
func Parse(text string, now time.Time, zone *time.Location) (Reading, error) {
	r, err := parse(strings.TrimSpace(text), now.In(zone))
	if err != nil {
		return r, fmt.Errorf("%w, got %q", err, replay.Shorten(text))
	}
	if _, err := replay.ParseTime(r.API, now); err != nil {
		return r, fmt.Errorf("%w, got %q", errTime, replay.Shorten(text))
	}
	return r, nil
}

func parse(s string, now time.Time) (Reading, error) {
	switch s {
	case "now":
		return Reading{API: "-PT0S"}, nil
	case "today":
		return midnight(s, now, 0), nil
	case "yesterday":
		return midnight(s, now, -1), nil
	}
	if m := ago.FindStringSubmatch(strings.TrimSuffix(s, " ago")); m != nil && strings.ContainsAny(s, "0123456789") {
		api, err := relative(m)
		return Reading{API: api}, err
	}
	for _, layout := range layouts {
		if wall, err := time.Parse(layout, s); err == nil {
			return local(s, wall, now.Location()), nil
		}
	}
	return Reading{API: s}, nil // the API's own forms
}

func midnight(s string, now time.Time, days int) Reading {
	return local(s, time.Date(now.Year(), now.Month(), now.Day()+days, 0, 0, 0, 0, time.UTC), now.Location())
}

// local is what a clock of this place shows when it shows wall. If it shows that twice, the first time is meant; if it
// never does, the time that would have been without the change, as in ECMAScript's Temporal.
func local(typed string, wall time.Time, zone *time.Location) Reading {
	var shown []time.Time
	offsets := [2]time.Duration{offset(wall.Add(-day), zone), offset(wall.Add(day), zone)}
	for _, o := range offsets {
		t := wall.Add(-o).In(zone)
		if offset(t, zone) == o && (len(shown) == 0 || !shown[0].Equal(t)) {
			shown = append(shown, t)
		}
	}
	switch len(shown) {
	case 0:
		t := wall.Add(-offsets[0]).In(zone)
		return Reading{API: t.Format(time.RFC3339), Note: fmt.Sprintf("%s does not exist here, as clocks skip it: %s is meant", typed, t.Format(time.RFC3339))}
	case 1:
		return Reading{API: shown[0].Format(time.RFC3339)}
	default:
		return Reading{API: shown[0].Format(time.RFC3339), Note: fmt.Sprintf("%s exists twice here, as clocks go back: %s is meant, not %s",
			typed, shown[0].Format(time.RFC3339), shown[1].Format(time.RFC3339))}
	}
}

const day = 24 * time.Hour

func offset(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// relative writes weeks, days, hours, minutes and seconds as ISO 8601 does. A duration of ISO 8601 may have weeks
// beside days for the API, but not in general.
func relative(m []string) (string, error) {
	days := 0
	for i, per := range []int{7, 1} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i+1])
		if err != nil || n > 36_600 {
			return "", errTime
		}
		days += n * per
	}
	date, clock := "", ""
	if days > 0 {
		date = fmt.Sprintf("%dD", days)
	}
	for i, unit := range []string{"H", "M", "S"} {
		if n := m[i+3]; n != "" {
			clock += n + unit
		}
	}
	if clock != "" {
		clock = "T" + clock
	}
	if date+clock == "" {
		clock = "T0S" // 0d
	}
	return "-P" + date + clock, nil
}
