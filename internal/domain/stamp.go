package domain

import (
	"fmt"
	"time"
)

// stampLayout makes strings that sort by time. Step Functions gives times in milliseconds.
const stampLayout = "2006-01-02T15:04:05.000Z"

// Stamp is a time as the ledger keeps it: UTC, in milliseconds, sortable as a string. The zero value is an absent time.
type Stamp struct{ time.Time }

// At returns a time as the ledger keeps it.
func At(t time.Time) Stamp { return Stamp{t.UTC().Truncate(time.Millisecond)} }

func (s Stamp) String() string {
	if s.IsZero() {
		return ""
	}
	return s.UTC().Format(stampLayout)
}

// Pointer returns nil for an absent time.
func (s Stamp) Pointer() *time.Time {
	if s.IsZero() {
		return nil
	}
	return &s.Time
}

// MarshalText implements encoding.TextMarshaler. An absent time is an empty string.
func (s Stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Stamp) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		s.Time = time.Time{}
		return nil
	}
	t, err := time.Parse(stampLayout, string(text))
	if err != nil {
		return fmt.Errorf("time %q of a row: %w", text, err)
	}
	s.Time = t
	return nil
}
