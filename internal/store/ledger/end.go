package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Ends of executions are kept for some days in rows of their own. A row has the ends that a function recorded together.
// An index of executions by time would cost one more write per event; under load, such a row is one write per ten
// events.
const endsPrefix = "ENDS#"

// endsDay is the time span of one partition. A partition takes 1,000 writes a second, each of about ten ends.
const endsDay = 24 * time.Hour

func endsPartition(t time.Time) string { return endsPrefix + t.UTC().Format(time.DateOnly) }

// maxEnds is how many ends a row has at most: about 8 KB.
const maxEnds = 50

// endsRow is a row of ends.
type endsRow struct {
	At   domain.Stamp `row:"at"`
	SK   string       `row:"sk"`
	Ends string       `row:"ends"` // JSON
}

// Note adds executions that have ended to the list. The same ends noted at another time are listed twice.
func (l *Ends) Note(ctx context.Context, ends []domain.End, at time.Time) error {
	for some := range slices.Chunk(ends, maxEnds) {
		text, err := json.Marshal(some)
		if err != nil {
			return fmt.Errorf("encode ends: %w", err)
		}
		sum := sha256.Sum256(text)
		stamp := domain.At(at)
		c := newChange(endsPartition(at), stamp.String()+"#"+hex.EncodeToString(sum[:8])).
			Set("at", str(stamp.String())).Set("ends", str(string(text))).
			Set("expiresAt", num(int(at.Add(replay.EndsKept+endsDay).Unix())))
		if err := l.apply(ctx, c, "note ends"); err != nil {
			return err
		}
	}
	return nil
}

const (
	endsRead  = 100    // rows per query
	endsLooks = 10_000 // ends that are read for one page of a filtered list: 1 to 2 MB
)

// List returns a page of ends, those reported last first, and the cursor of the next page. With a filter, a page may
// have fewer entries than the limit although others follow.
func (l *Ends) List(
	ctx context.Context, f domain.EndFilter, now time.Time, cursor string, limit int,
) (found []domain.End, next string, err error) {
	from := now.Add(-replay.EndsKept)
	if f.Since.After(from) {
		from = f.Since
	}
	day, after, skip := now, "", 0
	if !f.Until.IsZero() {
		after = domain.At(f.Until).String()
		if f.Until.Before(day) {
			day = f.Until
		}
	}
	if cursor != "" {
		if day, after, skip, err = endsPlace(cursor); err != nil {
			return nil, "", err
		}
	}
	for looked := 0; !day.Before(from.Truncate(endsDay)); {
		rows, more, err := query[endsRow](ctx, l.table, span{
			partition: endsPartition(day), after: after, newest: true, limit: endsRead,
		})
		if err != nil {
			return nil, "", err
		}
		for _, row := range rows {
			if row.At.Before(from) {
				return l.withRows(ctx, found, "")
			}
			ends, err := row.decode()
			if err != nil {
				return nil, "", err
			}
			for i := min(skip, len(ends)); i < len(ends); i++ {
				if !f.Matches(ends[i]) {
					continue
				}
				if found = append(found, ends[i]); len(found) == limit {
					return l.withRows(ctx, found, row.SK+"@"+strconv.Itoa(i+1))
				}
			}
			skip = 0
			if looked += len(ends); looked >= endsLooks {
				return l.withRows(ctx, found, row.SK+"@"+strconv.Itoa(len(ends)))
			}
			after = row.SK
		}
		if !more {
			day, after = day.Truncate(endsDay).Add(-time.Millisecond), ""
		}
	}
	return l.withRows(ctx, found, "")
}

// Follow returns the ends after a cursor, in the order in which they were reported, and the cursor behind them, which
// is never empty. It leaves out the last seconds, because rows with such a time may still be written. An empty cursor
// stands for f.Since.
func (l *Ends) Follow(
	ctx context.Context, f domain.EndFilter, now time.Time, cursor string, limit int,
) (found []domain.End, next string, err error) {
	place := f.Since
	if place.IsZero() {
		place = now
	}
	after, skip := domain.At(place).String(), 0
	if cursor != "" {
		if place, after, skip, err = endsPlace(cursor); err != nil {
			return nil, "", err
		}
		after = strings.TrimSuffix(after, " ") // read this row again
	}
	if kept := now.Add(-replay.EndsKept); place.Before(kept) {
		place, after, skip = kept, domain.At(kept).String(), 0
	}
	last := now.Add(-endsWritten)
	if last.Before(place) {
		return nil, after + "@" + strconv.Itoa(skip), nil
	}
	until := domain.At(last).String() + "#"
	for day, looked := place.Truncate(endsDay), 0; !day.After(last); {
		rows, more, err := query[endsRow](ctx, l.table, span{
			partition: endsPartition(day), after: after, until: until, limit: endsRead,
		})
		if err != nil {
			return nil, "", err
		}
		for _, row := range rows {
			ends, err := row.decode()
			if err != nil {
				return nil, "", err
			}
			if row.SK != after { // not the row that was read in part
				skip = 0
			}
			for i := min(skip, len(ends)); i < len(ends); i++ {
				if !f.Matches(ends[i]) {
					continue
				}
				if found = append(found, ends[i]); len(found) == limit {
					return l.withRows(ctx, found, row.SK+"@"+strconv.Itoa(i+1))
				}
			}
			after, skip = row.SK, len(ends)
			if looked += len(ends); looked >= endsLooks {
				return l.withRows(ctx, found, after+"@"+strconv.Itoa(skip))
			}
		}
		if !more {
			day = day.Add(endsDay)
			after, skip = domain.At(day).String(), 0
		}
	}
	return l.withRows(ctx, found, until+"@0")
}

// endsWritten is how long after its time a row of ends may be written, with retries.
const endsWritten = 5 * time.Second

// endsPlace reads a cursor: the row where a list goes on, and how many of its ends to skip.
func endsPlace(cursor string) (day time.Time, after string, skip int, err error) {
	sk, number, _ := strings.Cut(cursor, "@")
	at, _, _ := strings.Cut(sk, "#")
	var stamp domain.Stamp
	skip, err = strconv.Atoi(number)
	if err = errors.Join(err, stamp.UnmarshalText([]byte(at))); err != nil || skip < 0 {
		return day, "", 0, fmt.Errorf("place %q in the list of ends: %w", cursor, ErrCursor)
	}
	return stamp.Time, sk + " ", skip, nil // read this row again
}

func (r endsRow) decode() ([]domain.End, error) {
	var ends []domain.End
	if err := json.Unmarshal([]byte(r.Ends), &ends); err != nil {
		return nil, fmt.Errorf("decode ends %s: %w", r.SK, err)
	}
	for i := range ends {
		ends[i].ReportedAt = r.At
	}
	return ends, nil
}

// withRows adds to ends what the rows of their executions have.
func (l *Ends) withRows(ctx context.Context, ends []domain.End, next string) ([]domain.End, string, error) {
	names := make([]string, len(ends))
	for i, e := range ends {
		names[i] = e.Name
	}
	rows, err := l.executionsByName(ctx, names)
	for i, e := range ends {
		ends[i].Row = rows[e.Name]
	}
	return ends, next, err
}
