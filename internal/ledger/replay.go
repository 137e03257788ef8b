package ledger

import (
	"context"
	"math"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Replay is the row of one replay. The request itself is in S3.
type Replay struct {
	keys
	ID           string        `dynamodbav:"replayId"`
	Status       replay.Status `dynamodbav:"status"`
	RequestedBy  string        `dynamodbav:"requestedBy"`
	Action       replay.Action `dynamodbav:"action"`
	DryRun       bool          `dynamodbav:"dryRun,omitempty"`
	Reason       string        `dynamodbav:"reason"`
	OwnerID      string        `dynamodbav:"ownerId,omitempty"` // of the selection
	MaxItems     int           `dynamodbav:"maxItems,omitempty"`
	MaxFailures  *int          `dynamodbav:"maxFailures,omitempty"`
	MaxPerSecond int           `dynamodbav:"maxPerSecond,omitempty"`
	CreatedAt    Stamp         `dynamodbav:"createdAt"`
	CompletedAt  Stamp         `dynamodbav:"completedAt,omitempty"`
	Pages        int           `dynamodbav:"pages"`    // known so far
	Expanded     bool          `dynamodbav:"expanded"` // no further page will be added
	Truncated    bool          `dynamodbav:"truncated,omitempty"`
	Open         int           `dynamodbav:"open"` // items without a final outcome
	Matched      int           `dynamodbav:"matched"`
	Started      int           `dynamodbav:"started"`
	Skipped      int           `dynamodbav:"skipped"`
	Succeeded    int           `dynamodbav:"succeeded"`
	Failed       int           `dynamodbav:"failed"`
	Planned      int           `dynamodbav:"planned,omitempty"`

	// Of a replay that is to end before its time.
	StopStatus replay.Status `dynamodbav:"stopStatus,omitempty"`
	StopBy     string        `dynamodbav:"stopBy,omitempty"`
	StopAt     Stamp         `dynamodbav:"stopAt,omitempty"`
	StopReason string        `dynamodbav:"stopReason,omitempty"`
	SweepAt    Stamp         `dynamodbav:"sweepAt,omitempty"` // when a sweep was sent or at work last
	SweptTo    string        `dynamodbav:"sweptTo,omitempty"` // where the sweep goes on; empty: at the beginning
	SweptAt    Stamp         `dynamodbav:"sweptAt,omitempty"` // when that was noted
	Swept      bool          `dynamodbav:"swept,omitempty"`   // what had not started is skipped
}

// Stopped reports whether nothing more of the replay is to start.
func (r Replay) Stopped() bool { return r.StopStatus != "" }

// Over reports whether more items have failed than the request allows.
func (r Replay) Over() bool { return r.MaxFailures != nil && r.Failed > *r.MaxFailures }

// Room returns how many items may still be added.
func (r Replay) Room() int {
	if r.MaxItems == 0 {
		return math.MaxInt
	}
	return max(r.MaxItems-r.Matched, 0)
}

// Counts returns the counters as the API shows them.
func (r Replay) Counts() replay.Counts {
	return replay.Counts{
		Matched: r.Matched, Started: r.Started, Skipped: r.Skipped, Succeeded: r.Succeeded, Failed: r.Failed,
	}
}

func replayKey(id string) (pk, sk string) { return "P#" + id, "P" }

// replaysPartition lists replays newest first, since their ids are ULIDs.
const replaysPartition = "REPLAYS"

// openReplaysPartition lists replays that have not ended, oldest first. People ask for them, so they are few.
const openReplaysPartition = "OPENREPLAYS"

// AddReplay inserts a replay. Finding the same replay there is success: the answer of a first try was lost, and the SDK
// tried again. It returns ErrConflict for another replay under this id.
func (l *Ledger) AddReplay(ctx context.Context, r Replay) error {
	r.PK, r.SK = replayKey(r.ID)
	r.GPK, r.GSK = replaysPartition, r.ID
	r.TPK, r.TSK = openReplaysPartition, r.CreatedAt.String()+"#"+r.ID
	var existing Replay
	err := l.insert(ctx, r, &existing)
	if isConflict(err) && existing.CreatedAt.Equal(r.CreatedAt.Time) && existing.RequestedBy == r.RequestedBy &&
		existing.Reason == r.Reason {
		return nil
	}
	return err
}

// Replay returns a replay, or ErrNotFound.
func (l *Ledger) Replay(ctx context.Context, id string) (Replay, error) {
	var r Replay
	pk, sk := replayKey(id)
	err := l.get(ctx, pk, sk, &r)
	return r, err
}

// Replays returns a page of all replays, newest first, and the cursor of the next page. With a status, only those of
// it: then a page may have fewer entries than the limit although others follow.
func (l *Ledger) Replays(ctx context.Context, status replay.Status, cursor string, limit int) ([]Replay, string, error) {
	var found []Replay
	for range maxFilteredPages {
		rows, more, err := query[Replay](ctx, l, span{
			index: &schema.ByGroup, partition: replaysPartition, after: cursor, newest: true, limit: limit,
		})
		if err != nil {
			return nil, "", err
		}
		for _, r := range rows {
			cursor = r.GSK
			if status == "" || r.Status == status {
				found = append(found, r)
			}
			if len(found) == limit {
				return found, cursor, nil
			}
		}
		if !more {
			return found, "", nil
		}
	}
	return found, cursor, nil
}

// maxFilteredPages bounds what is read for one page of a filtered list.
const maxFilteredPages = 20

// OpenReplays returns at most limit replays that have not ended and were to be looked at by now, oldest first.
func (l *Ledger) OpenReplays(ctx context.Context, by time.Time, limit int) ([]Replay, error) {
	rows, _, err := query[Replay](ctx, l, span{
		index: &schema.ByTime, partition: openReplaysPartition, until: At(by).String() + "#~", limit: limit,
	})
	return rows, err
}

// CheckReplayLater moves an open replay back in the list of those to look at.
func (l *Ledger) CheckReplayLater(ctx context.Context, r Replay, at time.Time) error {
	c := newChange(replayKey(r.ID)).CheckAt(at, r.ID)
	_, err := l.update(ctx, c)
	return ignoreConflict(conflict(err, nil, "postpone check of replay "+r.ID))
}

func ignoreConflict(err error) error {
	if isConflict(err) {
		return nil
	}
	return err
}

// StopReplay lets nothing more of a replay start: no page is added from now on. It returns the row, with ErrConflict if
// the replay has ended or was stopped before.
func (l *Ledger) StopReplay(ctx context.Context, id string, stop replay.Stop) (Replay, error) {
	c := newChange(replayKey(id)).
		Set("status", str(string(replay.Running))).Set("expanded", flag(true)).
		Set("stopStatus", str(string(stop.Status))).Set("stopBy", str(stop.By)).
		Set("stopAt", str(At(stop.At).String())).Set("stopReason", str(stop.Reason)).
		If("{status} IN (?, ?, ?) AND attribute_not_exists({stopStatus})",
			str(string(replay.Pending)), str(string(replay.Expanding)), str(string(replay.Running)))
	r, err := l.updateReplay(ctx, c, "stop replay "+id)
	if err == nil && stop.Status == replay.Halted {
		l.meter.Add(schema.ReplaysHalted, 1)
	}
	return r, err
}

// MarkSweeping notes that what has not started of a stopped replay is being skipped.
func (l *Ledger) MarkSweeping(ctx context.Context, id string, at Stamp) error {
	c := newChange(replayKey(id)).Latest("sweepAt", at).If("attribute_exists({stopStatus})")
	_, err := l.updateReplay(ctx, c, "mark replay sweeping")
	return ignoreConflict(err)
}

// AdvanceSweep notes where the sweep of a stopped replay goes on. It returns ErrConflict if another one has gone on from
// there: that goes on alone.
func (l *Ledger) AdvanceSweep(ctx context.Context, id, from, to string, at Stamp) error {
	c := newChange(replayKey(id)).Set("sweptTo", str(to)).Set("sweptAt", str(at.String()))
	if from == "" {
		c.If("attribute_not_exists({sweptTo})")
	} else {
		c.If("{sweptTo} = ?", str(from))
	}
	row, err := l.updateReplay(ctx, c, "advance sweep of replay "+id)
	if isConflict(err) && row.SweptTo == to && row.SweptAt.Equal(at.Time) { // the answer of a first try was lost
		return nil
	}
	return err
}

// MarkSwept notes that what had not started of a stopped replay is skipped.
func (l *Ledger) MarkSwept(ctx context.Context, id string) error {
	c := newChange(replayKey(id)).Set("swept", flag(true)).If("attribute_exists({stopStatus})")
	_, err := l.updateReplay(ctx, c, "mark replay swept")
	return ignoreConflict(err)
}

// FinishReplay ends a replay of which every item has its outcome, and does nothing otherwise.
func (l *Ledger) FinishReplay(ctx context.Context, id string, at Stamp) error {
	r, err := l.Replay(ctx, id)
	for err == nil && r.Expanded && r.Open == 0 && !r.Status.Final() {
		c := newChange(replayKey(id)).
			Set("status", str(string(r.ending()))).Set("completedAt", str(at.String())).Remove("tpk", "tsk").
			If("{expanded} = ? AND {open} = ? AND {status} = ?", flag(true), num(0), str(string(r.Status)))
		if r.Stopped() {
			c.If("attribute_exists({stopStatus})")
		} else {
			c.If("attribute_not_exists({stopStatus})")
		}
		if _, err = l.updateReplay(ctx, c, "finish replay "+id); isConflict(err) {
			r, err = l.Replay(ctx, id) // it was stopped meanwhile
			continue
		}
		return err
	}
	return err
}

func (r Replay) ending() replay.Status {
	switch {
	case r.Stopped():
		return r.StopStatus
	case r.DryRun:
		return replay.Planned
	default:
		return replay.Completed
	}
}

func (l *Ledger) updateReplay(ctx context.Context, c *change, doing string) (Replay, error) {
	var r Replay
	out, err := l.update(ctx, c)
	if err := conflict(err, &r, doing); err != nil {
		return r, err
	}
	return r, unmarshal(out.Attributes, &r)
}
