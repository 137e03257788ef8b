package ledger

import (
	"context"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

func replayKey(id string) (pk, sk string) { return "P#" + id, "P" }

// replaysPartition lists replays newest first, since their ids are ULIDs.
const replaysPartition = "REPLAYS"

// openReplaysPartition lists replays that have not ended, or whose evidence is not written, oldest first. People
// request replays, so they are few, and need no shards.
const openReplaysPartition = "OPENREPLAYS"

// Add inserts a replay. It succeeds if the same replay exists: the response to a first attempt was lost, and the SDK
// tried again. It returns ErrConflict if another replay has this id.
func (l *Replays) Add(ctx context.Context, r domain.Replay) error {
	k := keys{GPK: replaysPartition, GSK: r.ID, TPK: openReplaysPartition, TSK: r.CreatedAt.String() + "#" + r.ID}
	k.PK, k.SK = replayKey(r.ID)
	r.Spread, r.Left = true, r.MaxItems
	row := struct {
		domain.Replay
		Open int `row:"open"`
	}{r, unfinished}
	var existing domain.Replay
	err := l.insert(ctx, k, row, &existing)
	if isConflict(err) && existing.CreatedAt.Equal(r.CreatedAt.Time) && existing.RequestedBy == r.RequestedBy &&
		existing.Reason == r.Reason {
		return nil
	}
	return err
}

// Get returns a replay, or ErrNotFound. Its tally does not count all items: see Count.
func (l *Replays) Get(ctx context.Context, id string) (domain.Replay, error) {
	return read[domain.Replay](ctx, l.table, key(replayKey(id)))
}

// List returns a page of the replays that fit, newest first, and the cursor of the next page. If some do not fit, a
// page may have fewer entries than the limit although others follow.
func (l *Replays) List(
	ctx context.Context, fits func(domain.Replay) bool, cursor string, limit int,
) ([]domain.Replay, string, error) {
	var found []domain.Replay
	for range maxFilteredPages {
		rows, more, err := query[domain.Replay](ctx, l.table, span{
			index: &schema.ByGroup, partition: replaysPartition, after: cursor, newest: true, limit: limit,
		})
		if err != nil {
			return nil, "", err
		}
		for _, r := range rows {
			cursor = r.ID
			if fits(r) {
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

// Open returns at most limit replays, oldest first, that are due for a check: they have not ended, or their evidence is
// not written.
func (l *Replays) Open(ctx context.Context, by time.Time, limit int) ([]domain.Replay, error) {
	rows, _, err := query[domain.Replay](ctx, l.table, span{
		index: &schema.ByTime, partition: openReplaysPartition, until: untilTime(by), limit: limit,
	})
	return rows, err
}

// CheckLater moves an open replay back in the list of replays to check.
func (l *Replays) CheckLater(ctx context.Context, r domain.Replay, at time.Time) error {
	c := newChange(replayKey(r.ID)).CheckAt(at, r.ID)
	return ignoreConflict(l.apply(ctx, c, "postpone check of replay "+r.ID))
}

// Stop keeps the rest of a replay from starting: no page is added from now on. It returns the row, with ErrConflict if
// the replay has ended or was stopped before.
func (l *Replays) Stop(ctx context.Context, id string, stop replay.Stop) (domain.Replay, error) {
	c := newChange(replayKey(id)).
		Set("status", str(string(replay.Running))).Set("expanded", flag(true)).
		Set("stopStatus", str(string(stop.Status))).Set("stopBy", str(stop.By)).
		Set("stopAt", str(domain.At(stop.At).String())).Set("stopReason", str(stop.Reason)).
		ifOpen()
	r, err := applied[domain.Replay](ctx, l.table, c, "stop replay "+id)
	if err == nil && stop.Status == replay.Halted {
		l.meter.Add(schema.ReplaysHalted, 1)
	}
	return r, err
}

// MarkSweeping records that the waiting items of a stopped replay are being skipped.
func (l *Replays) MarkSweeping(ctx context.Context, id string, at domain.Stamp) error {
	c := newChange(replayKey(id)).Latest("sweepAt", at).If("attribute_exists({stopStatus})")
	return ignoreConflict(l.apply(ctx, c, "mark replay sweeping"))
}

// AdvanceSweep records where the sweep of a stopped replay goes on. It returns ErrConflict if another sweep has gone on
// from there. The caller then leaves the rest to that one.
func (l *Replays) AdvanceSweep(ctx context.Context, id, from, to string, at domain.Stamp) error {
	c := newChange(replayKey(id)).Set("sweptTo", str(to)).Set("sweptAt", str(at.String()))
	if from == "" {
		c.If("attribute_not_exists({sweptTo})")
	} else {
		c.If("{sweptTo} = ?", str(from))
	}
	row, err := applied[domain.Replay](ctx, l.table, c, "advance sweep of replay "+id)
	if isConflict(err) && row.SweptTo == to && row.SweptAt.Equal(at.Time) { // the answer of a first try was lost
		return nil
	}
	return err
}

// MarkSwept records that the waiting items of a stopped replay are skipped.
func (l *Replays) MarkSwept(ctx context.Context, id string) error {
	c := newChange(replayKey(id)).Set("swept", flag(true)).If("attribute_exists({stopStatus})")
	return ignoreConflict(l.apply(ctx, c, "mark replay swept"))
}

// Finish ends a replay whose items all have their outcomes, and writes their tally into its row. It takes the replay as
// Count returned it, and does nothing if an item is open.
//
// Counters are read one after the other: a series may add versions to one that was read, and their outcomes to one that
// was not. So Finish counts twice. If the second count finds no more items than the first, and all of them have
// outcomes, the replay is done: an item keeps its outcome, and only one without an outcome becomes several.
func (l *Replays) Finish(ctx context.Context, r domain.Replay, at domain.Stamp) error {
	for r.Done() && !r.Status.Final() {
		row, err := l.Get(ctx, r.ID)
		if err != nil {
			return err
		}
		sum, err := l.Count(ctx, row)
		if err != nil {
			return err
		}
		if sum.Done() && sum.Matched == r.Matched {
			if err := l.finish(ctx, row, sum.Tally, at); !isConflict(err) { // else it was stopped, or ended
				return err
			}
		}
		r = sum
	}
	return nil
}

func (l *Replays) finish(ctx context.Context, row domain.Replay, t domain.Tally, at domain.Stamp) error {
	if row.Status.Final() {
		return nil
	}
	c := newChange(replayKey(row.ID)).
		Set("status", str(string(row.Ending()))).Set("completedAt", str(at.String())).
		counts(t).Set("open", num(0)).
		If("{expanded} = ? AND {matched} = ? AND {status} = ?", flag(true), num(row.Matched), str(string(row.Status)))
	if row.Stopped() {
		c.If("attribute_exists({stopStatus})")
	} else {
		c.If("attribute_not_exists({stopStatus})")
	}
	if row.DryRun {
		c.Remove("tpk", "tsk")
	} else { // listed until its evidence is written: the function that asks for that may die
		c.open(at, row.ID)
	}
	return l.apply(ctx, c, "finish replay "+row.ID)
}

// open lists a replay for a check.
func (c *change) open(at domain.Stamp, id string) *change {
	return c.Set("tpk", str(openReplaysPartition)).Set("tsk", str(at.String()+"#"+id))
}
