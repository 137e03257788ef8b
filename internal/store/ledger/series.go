package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

func seriesKey(name string) (pk, sk string) { return "S#" + name, "S" }

func openSeriesPartition(shard string) string { return "OPENSERIES#" + shard }

// Get returns a series by the name of its execution, or ErrNotFound.
func (l *Series) Get(ctx context.Context, name string) (domain.Series, error) {
	return read[domain.Series](ctx, l.table, key(seriesKey(name)))
}

// Add binds the versions of a resource, and counts them as items of the replay. The item of the resource becomes that
// of the first version. Add returns ErrConflict if the series or the item is bound already, or if the replay has no
// room for so many versions.
//
// The transaction does not write the row of the replay, so that series do not contend for it. A series may be bound
// while the replay is being stopped: it then starts no version, and its end gives its items their outcomes.
func (l *Series) Add(ctx context.Context, r domain.Replay, s domain.Series) error {
	k := keys{TPK: openSeriesPartition(shard(s.Name)), TSK: s.CreatedAt.String() + "#" + s.Name}
	k.PK, k.SK = seriesKey(s.Name)
	s.Rows = 1
	put, err := l.putNew(k, s)
	if err != nil {
		return err
	}
	more := len(s.Versions) - 1
	first := domain.Item{ReplayID: s.ReplayID, Page: s.Page, Ordinal: s.Ordinal}
	item := newChange(itemKey(first)).Set("want", str(s.Versions[0])).Set("digest", str(digestOf(s, 0))).
		If("{outcome} = ? AND attribute_not_exists({execution})", str(string(replay.Waiting)))
	writes := []types.TransactWriteItem{{Put: put}, item.transact(l.name)}
	if !r.Spread {
		counters := newChange(replayKey(s.ReplayID)).Add("matched", more).Add("open", more).Add("looked", s.Looked).withRoom(r, more).
			If("attribute_not_exists({stopStatus})")
		return l.transact(ctx, "bind series "+s.Name, append(writes, counters.transact(l.name)))
	}
	if err := l.reserve(ctx, r, more); err != nil {
		return err
	}
	err = l.transactCounted(ctx, "bind series "+s.Name, writes, r.ID, domain.Tally{Matched: more, Looked: s.Looked})
	if isConflict(err) { // another delivery bound it
		return errors.Join(err, l.reserve(ctx, r, -more))
	}
	return err
}

// reserve takes room in a replay for items, or gives it back if items is negative. It is a write of its own, because
// single writes to a row wait for each other and transactions cancel each other. If the function dies between the two,
// the room is lost: the replay gets fewer items than its maxItems, never more.
func (l *Series) reserve(ctx context.Context, r domain.Replay, items int) error {
	if r.MaxItems == 0 {
		return nil
	}
	return l.apply(ctx, newChange(replayKey(r.ID)).withRoom(r, items), "reserve room of replay "+r.ID)
}

// AddItems adds the items that a series does not have yet.
func (l *Series) AddItems(ctx context.Context, s domain.Series) error {
	for s.Rows < len(s.Versions) {
		n := min(len(s.Versions)-s.Rows, MaxPageItems)
		progress := newChange(seriesKey(s.Name)).Set("rows", num(s.Rows+n)).If("{rows} = ?", num(s.Rows))
		writes := []types.TransactWriteItem{progress.transact(l.name)}
		for i := s.Rows; i < s.Rows+n; i++ {
			it := domain.Item{
				ReplayID: s.ReplayID, Page: s.Page, Ordinal: s.Ordinal, Index: i, ResourceID: s.ResourceID,
				Want: s.Versions[i], Digest: digestOf(s, i), Outcome: replay.Waiting,
			}
			put, err := l.putNew(itemKeys(it), it)
			if err != nil {
				return err
			}
			writes = append(writes, types.TransactWriteItem{Put: put})
		}
		err := l.transact(ctx, fmt.Sprintf("add items %d to %d of series %s", s.Rows, s.Rows+n, s.Name), writes)
		if isConflict(err) { // another delivery added them, or the response to the first attempt was lost
			fresh, ferr := l.Get(ctx, s.Name)
			if ferr != nil {
				return ferr
			}
			if fresh.Rows > s.Rows {
				s = fresh
				continue
			}
		}
		if err != nil {
			return err
		}
		s.Rows += n
	}
	return nil
}

// MarkStarted records that the execution of a series was started.
func (l *Series) MarkStarted(ctx context.Context, name string) error {
	c := newChange(seriesKey(name)).Set("started", flag(true)).If("attribute_exists({pk})")
	return l.apply(ctx, c, "mark series started")
}

// GiveUp keeps a series from being started. The series stays open until its items have their outcomes.
func (l *Series) GiveUp(ctx context.Context, name string) error {
	c := newChange(seriesKey(name)).Set("closed", flag(true)).If("attribute_exists({pk})")
	return l.apply(ctx, c, "give up series")
}

// Close takes a series out of the open ones, once the versions that did not run have their outcomes.
func (l *Series) Close(ctx context.Context, name string) error {
	c := newChange(seriesKey(name)).Set("closed", flag(true)).Remove("tpk", "tsk").If("attribute_exists({pk})")
	return l.apply(ctx, c, "close series")
}

// Open returns at most limit open series of one shard (0 to Shards-1) that are due for a check.
func (l *Series) Open(ctx context.Context, shard int, by time.Time, limit int) ([]domain.Series, error) {
	rows, _, err := query[domain.Series](ctx, l.table, span{
		index: &schema.ByTime, partition: openSeriesPartition(strconv.Itoa(shard)), until: untilTime(by), limit: limit,
	})
	return rows, err
}

// CheckLater moves an open series back in the list of series to check.
func (l *Series) CheckLater(ctx context.Context, name string, at time.Time) error {
	c := newChange(seriesKey(name)).CheckAt(at, name)
	return ignoreConflict(l.apply(ctx, c, "postpone check of series"))
}

// digestOf is the planned digest of a version, empty without a plan.
func digestOf(s domain.Series, i int) string {
	if i >= len(s.Digests) {
		return ""
	}
	return s.Digests[i]
}
