package replay

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// relative is an ISO 8601 duration back from now. Months and years are left out: they have no fixed length.
var relative = regexp.MustCompile(`^-P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

var (
	errTime = errors.New(`must be a time such as "2026-01-31T08:00:00Z", or how long ago, such as "-PT2H", "-P1D" or "-P2W" (weeks, days, hours, minutes and seconds, no months or years)`)
	errAgo  = fmt.Errorf("reaches back more than 100 years: %w", errTime)
)

// maxAgo is how far back a relative time may reach.
const maxAgo = 100 * 365 * 24 * time.Hour

// ParseTime reads a time as requests and query parameters have them: RFC 3339 with its offset, or an ISO 8601 duration
// of weeks, days (of 24 hours), hours, minutes and seconds back from now, such as -PT2H. The result is UTC, in whole
// milliseconds.
func ParseTime(s string, now time.Time) (time.Time, error) {
	if t, ok := absolute(s); ok {
		return t, nil
	}
	m := relative.FindStringSubmatch(s)
	if m == nil || s[len(s)-1] == 'P' || s[len(s)-1] == 'T' {
		return time.Time{}, errTime
	}
	var ago time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i+1])
		if err != nil || time.Duration(n) > maxAgo/unit {
			return time.Time{}, errAgo
		}
		if ago += time.Duration(n) * unit; ago > maxAgo { // before the sum could overflow
			return time.Time{}, errAgo
		}
	}
	return now.Add(-ago).UTC().Truncate(time.Millisecond), nil
}

// rfc3339 is the grammar of RFC 3339: time.Parse allows more, such as hours of one digit (go.dev/issue/54580).
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// absolute reads a time of RFC 3339.
func absolute(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || !rfc3339.MatchString(s) {
		return time.Time{}, false
	}
	t = t.UTC().Truncate(time.Millisecond)
	return t, t.Year() >= 1 && t.Year() <= 9999
}
