package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// PaceWindow is the time in which the starts of a window may be made. Any 60 seconds overlap at most 13 windows, 11 of
// them fully, so at most 65 seconds' worth of starts fall into them: 8.3 % over the budget. A start that comes after
// its window must be reserved again.
const PaceWindow = 5 * time.Second

// PaceFar is how far ahead a claimant that cannot ask often may reserve a start.
const PaceFar = 15 * time.Minute

const (
	// paceAhead is how many windows after the current one may be reserved. A new claimant gets its share after them.
	paceAhead = 3
	// paceSeen is for how many windows a claimant keeps its share after it was last seen.
	paceSeen = 2
	// paceFar is how many windows ahead a patient claimant may reserve: 15 minutes.
	paceFar = int64(PaceFar / PaceWindow)
	// maxPaceTries bounds how often a reservation may lose a window to others.
	maxPaceTries = 50
	// paceLife is how long a window's row is kept after the window has begun.
	paceLife = 24 * time.Hour
)

// Budget is how many starts per second several claimants share.
type Budget struct {
	Name            string
	StartsPerSecond float64 // a window has one start at least
}

// Starts is the budget of all replays: MaxReplayShare of the rate of the account.
func Starts(startsPerSecond float64) Budget {
	return Budget{Name: "STARTS", StartsPerSecond: startsPerSecond}
}

// Requested is the budget of replays whose request names a pace above that of Starts: MaxRequestedShare.
func Requested(startsPerSecond float64) Budget {
	return Budget{Name: "REQUESTED", StartsPerSecond: startsPerSecond}
}

// Own is the budget of one replay.
func Own(replayID string, startsPerSecond int) Budget {
	return Budget{Name: "OWN#" + replayID, StartsPerSecond: float64(startsPerSecond)}
}

// AutoClaimant is who claims starts for automatic replays.
const AutoClaimant = "auto"

// Claimant is who wants starts, and how many.
type Claimant struct {
	Name         string // id of a replay, or AutoClaimant
	MaxPerSecond int    // its own bound; 0: none
	Patient      bool   // takes a start up to PaceFar ahead, because it cannot ask often
}

// perWindow is how many starts a window has at a rate.
func perWindow(perSecond float64) int { return max(int(perSecond*PaceWindow.Seconds()+1e-6), 1) }

func (c Claimant) demand(b Budget) int {
	most := perWindow(b.StartsPerSecond)
	if c.MaxPerSecond > 0 {
		most = min(most, perWindow(float64(c.MaxPerSecond)))
	}
	return most
}

// paceRow is a window: how many starts are reserved, in all and by each claimant, and how many each would take.
type paceRow struct {
	window int64
	used   int
	by     map[string]int
	demand map[string]int
}

const (
	byPrefix     = "n_"
	demandPrefix = "d_"
)

func pacePartition(budget string) string { return "PACE#" + budget }

func paceSort(window int64) string { return fmt.Sprintf("%012d", window) }

// beginOf returns when a window begins.
func beginOf(window int64) time.Time { return time.Unix(window*int64(PaceWindow/time.Second), 0).UTC() }

func windowAt(t time.Time) int64 { return t.Unix() / int64(PaceWindow/time.Second) }

func readWindow(it item) (paceRow, error) {
	row := paceRow{by: map[string]int{}, demand: map[string]int{}}
	var err error
	if row.window, err = strconv.ParseInt(textOf(it, schema.SortKey), 10, 64); err != nil {
		return row, fmt.Errorf("ledger pace window %q: %w", textOf(it, schema.SortKey), err)
	}
	for attr, v := range it {
		n, ok := v.(*types.AttributeValueMemberN)
		if !ok {
			continue
		}
		count, err := strconv.Atoi(n.Value)
		if err != nil {
			return row, fmt.Errorf("ledger pace window %s, %s %q: %w", paceSort(row.window), attr, n.Value, err)
		}
		switch {
		case attr == "used":
			row.used = count
		case strings.HasPrefix(attr, byPrefix):
			row.by[strings.TrimPrefix(attr, byPrefix)] = count
		case strings.HasPrefix(attr, demandPrefix):
			row.demand[strings.TrimPrefix(attr, demandPrefix)] = count
		}
	}
	return row, nil
}

// windows reads a range of a budget's windows, without those in which nobody has reserved a start.
func (l *Pace) windows(ctx context.Context, b Budget, from, to int64) (map[int64]paceRow, error) {
	found, _, err := l.find(ctx, span{
		partition: pacePartition(b.Name), after: paceSort(from), until: paceSort(to), limit: int(to - from + 1),
	})
	if err != nil {
		return nil, err
	}
	rows := make(map[int64]paceRow, len(found))
	for _, it := range found {
		row, err := readWindow(it)
		if err != nil {
			return nil, err
		}
		rows[row.window] = row
	}
	return rows, nil
}

// shareOf is how many starts of a window a claimant may take. Starts that some do not want are divided among the
// others.
func shareOf(c Claimant, b Budget, rows map[int64]paceRow) int {
	wants := map[string]int{c.Name: c.demand(b)}
	for _, w := range slices.Sorted(maps.Keys(rows)) {
		for by, n := range rows[w].demand {
			if by != c.Name {
				wants[by] = n
			}
		}
	}
	left, sharing := perWindow(b.StartsPerSecond), len(wants)
	for _, n := range slices.Sorted(maps.Values(wants)) { // the smallest first: what it leaves is for the others
		fair := left / sharing
		if n >= fair {
			return max(min(wants[c.Name], (left+sharing-1)/sharing), 1)
		}
		if n == wants[c.Name] {
			return n
		}
		left -= n
		sharing--
	}
	return wants[c.Name]
}

// Rate returns how many starts per second a claimant can expect from a budget now.
func (l *Pace) Rate(ctx context.Context, b Budget, c Claimant, now time.Time) (float64, error) {
	first := windowAt(now)
	rows, err := l.windows(ctx, b, first-paceSeen, first+paceAhead+1)
	if err != nil {
		return 0, fmt.Errorf("rate of starts: %w", err)
	}
	rate := float64(shareOf(c, b, rows)) / PaceWindow.Seconds()
	if c.MaxPerSecond > 0 {
		rate = min(rate, float64(c.MaxPerSecond))
	}
	return min(rate, b.StartsPerSecond), nil
}

// Reserved are starts in one window.
type Reserved struct {
	At time.Time // when the window begins; not after now: start at once
	N  int       // 0: all windows that may be reserved are full; ask again at At
}

// Reserve reserves up to n starts in the first window from now on that has room for the claimant. Reservations are
// never given back. If the claimant gets none, its demand is recorded, so that the others leave it its share.
func (l *Pace) Reserve(ctx context.Context, b Budget, c Claimant, n int, now time.Time) (Reserved, error) {
	first := windowAt(now)
	last := first + paceAhead
	if c.Patient {
		last = first + paceFar
	}
	rows, err := l.windows(ctx, b, first-paceSeen, first+paceAhead+1)
	if err != nil {
		return Reserved{}, fmt.Errorf("reserve starts: %w", err)
	}
	most := shareOf(c, b, rows)
	tries := 0
	for w := first; w <= last; w++ {
		if w == first+paceAhead+1 {
			far, err := l.windows(ctx, b, w, last)
			if err != nil {
				return Reserved{}, fmt.Errorf("reserve starts: %w", err)
			}
			maps.Copy(rows, far)
		}
		row := rows[w]
		for take := room(row, b, c, most, n); take > 0; take = room(row, b, c, most, n) {
			if tries++; tries > maxPaceTries {
				return Reserved{}, &types.ThrottlingException{Message: ptr("no start could be reserved for " + c.Name)}
			}
			row, err = l.reserve(ctx, b, c, w, most, take)
			if err == nil {
				return Reserved{At: beginOf(w), N: take}, nil
			}
			if !errors.Is(err, ErrConflict) {
				return Reserved{}, err
			}
		}
	}
	next := first + paceAhead + 1
	if rows[next].demand[c.Name] == 0 {
		change := windowChange(b, next).Set(demandPrefix+c.Name, num(c.demand(b)))
		if _, err := l.update(ctx, change); err != nil {
			return Reserved{}, fmt.Errorf("record the demand for starts: %w", err)
		}
	}
	return Reserved{At: beginOf(first + 1)}, nil
}

func ptr(s string) *string { return &s }

// room is how many of n starts a claimant may take in a window.
func room(row paceRow, b Budget, c Claimant, most, n int) int {
	return min(n, perWindow(b.StartsPerSecond)-row.used, most-row.by[c.Name])
}

func windowChange(b Budget, window int64) *change {
	return newChange(pacePartition(b.Name), paceSort(window)).
		Set(schema.TTL, num(int(beginOf(window).Add(paceLife).Unix())))
}

// reserve takes n starts of a window. If others took them, it returns the window as it is with ErrConflict.
func (l *Pace) reserve(ctx context.Context, b Budget, c Claimant, window int64, most, n int) (paceRow, error) {
	change := windowChange(b, window).Add("used", n).Add(byPrefix+c.Name, n).Set(demandPrefix+c.Name, num(c.demand(b))).
		If("attribute_not_exists({used}) OR {used} <= ?", num(perWindow(b.StartsPerSecond)-n)).
		If("attribute_not_exists({"+byPrefix+c.Name+"}) OR {"+byPrefix+c.Name+"} <= ?", num(most-n))
	_, err := l.update(ctx, change)
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) && len(failed.Item) > 0 {
		row, rerr := readWindow(failed.Item)
		return row, errors.Join(rerr, conflict(err, nil, "reserve starts"))
	}
	return paceRow{}, conflict(err, nil, "reserve starts")
}
