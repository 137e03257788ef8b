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

// Parse reads a time into the form that the API takes. A relative one stays relative. Days of the calendar are those of
// now.
func Parse(text string, now time.Time, zone *time.Location) (string, error) {
	s := strings.TrimSpace(text)
	api, err := parse(s, now.In(zone))
	if err != nil {
		return "", fmt.Errorf("%w, got %q", err, replay.Shorten(text))
	}
	if _, err := replay.ParseTime(api, now); err != nil {
		return "", fmt.Errorf("%w, got %q", errTime, replay.Shorten(text))
	}
	return api, nil
}

// Time reads a time.
func Time(text string, now time.Time, zone *time.Location) (time.Time, error) {
	api, err := Parse(text, now, zone)
	if err != nil {
		return time.Time{}, err
	}
	return replay.ParseTime(api, now)
}

func parse(s string, now time.Time) (string, error) {
	switch s {
	case "now":
		return "-PT0S", nil
	case "today":
		return midnight(now, 0), nil
	case "yesterday":
		return midnight(now, -1), nil
	}
	if m := ago.FindStringSubmatch(strings.TrimSuffix(s, " ago")); m != nil && strings.ContainsAny(s, "0123456789") {
		return relative(m)
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t.Format(time.RFC3339), nil
		}
	}
	return s, nil // the API's own forms
}

func midnight(now time.Time, days int) string {
	return time.Date(now.Year(), now.Month(), now.Day()+days, 0, 0, 0, 0, now.Location()).Format(time.RFC3339)
}

// relative writes weeks, days, hours, minutes and seconds as ISO 8601 does. A duration of ISO 8601 may have weeks beside
// days for the API, but not in general.
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
