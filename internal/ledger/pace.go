package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// PaceWindow is the time in which a paced replay may start maxPerSecond items per second. Any 60 seconds touch at most
// 13 windows, 11 of them in full, so that at most 65 seconds' worth start in them: 8.3 % over the bound. A start that
// comes after its window must reserve another one.
const PaceWindow = 5 * time.Second

// maxPaceTries bounds how many windows one reservation looks at.
const maxPaceTries = 20

// paceLife is how long a window's row is kept after the window has begun, however long before that it was reserved.
const paceLife = 24 * time.Hour

type paceRow struct {
	Window string `row:"sk"`
	Used   int    `row:"used"`
}

func pacePartition(replayID string) string { return "P#" + replayID + "#PACE" }

func paceSort(window int64) string { return fmt.Sprintf("%012d", window) }

// Reserve reserves one start of a replay in the first window from now on that has room, and returns when that
// window begins; a time that is not after now means at once. Reservations are never given back.
func (l *Pace) Reserve(ctx context.Context, replayID string, perSecond int, now time.Time) (time.Time, error) {
	seconds := int64(PaceWindow / time.Second)
	window := now.Unix() / seconds
	most := perSecond * int(seconds)
	for try := range maxPaceTries {
		got, err := l.reserve(ctx, replayID, window, most)
		if err != nil {
			return time.Time{}, err
		}
		if got {
			return beginOf(window), nil
		}
		next := window + 1
		if try == 0 { // windows fill one after the other: go on behind the last one in use
			if next, err = l.lastWindow(ctx, replayID, window); err != nil {
				return time.Time{}, err
			}
		}
		window = next
	}
	return time.Time{}, &types.ThrottlingException{Message: ptr("no start could be reserved for replay " + replayID)}
}

func ptr(s string) *string { return &s }

// beginOf returns when a window begins.
func beginOf(window int64) time.Time { return time.Unix(window*int64(PaceWindow/time.Second), 0).UTC() }

func (l *Pace) reserve(ctx context.Context, replayID string, window int64, most int) (bool, error) {
	c := newChange(pacePartition(replayID), paceSort(window)).Add("used", 1).
		Set(schema.TTL, num(int(beginOf(window).Add(paceLife).Unix()))).
		If("attribute_not_exists({used}) OR {used} < ?", num(most))
	_, err := l.update(ctx, c)
	err = conflict(err, nil, "reserve start")
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// lastWindow returns the last window in use, at least the one after the given.
func (l *Pace) lastWindow(ctx context.Context, replayID string, after int64) (int64, error) {
	rows, _, err := query[paceRow](ctx, l.table, span{partition: pacePartition(replayID), newest: true, limit: 1})
	if err != nil || len(rows) == 0 {
		return after + 1, err
	}
	last, err := strconv.ParseInt(rows[0].Window, 10, 64)
	if err != nil {
		return after + 1, fmt.Errorf("ledger pace window %q: %w", rows[0].Window, err)
	}
	return max(last, after+1), nil
}
