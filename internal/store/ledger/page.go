package ledger

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/replay"
)

// MaxPageItems is how many items a page may have: a transaction has at most 100 rows, two of them those of the page and
// the replay.
const MaxPageItems = 98

func pageKey(replayID string, number int) (pk, sk string) {
	return fmt.Sprintf("P#%s#%d", replayID, number), "P"
}

// Get returns a page of a replay, or ErrNotFound.
func (l *Pages) Get(ctx context.Context, replayID string, number int) (domain.Page, error) {
	return read[domain.Page](ctx, l.table, key(pageKey(replayID, number)))
}

// Add binds a page: it writes the page, its items and the replay's counters in one transaction. Truncated says that the
// selection has more than the replay may take. Add returns ErrConflict if the page is bound already, if the replay was
// stopped, or if it has no room for so many items.
func (l *Pages) Add(ctx context.Context, r domain.Replay, p domain.Page, entries []domain.Entry, truncated bool) error {
	var k keys
	k.PK, k.SK = pageKey(p.ReplayID, p.Number)
	p.Items = len(entries)
	put, err := l.putNew(k, p)
	if err != nil {
		return err
	}
	last, status := p.Next == "", replay.Expanding
	if last {
		status = replay.Running
	}
	counters := newChange(replayKey(p.ReplayID)).
		Set("status", str(string(status))).Set("expanded", flag(last)).
		Add("pages", 1).Add("matched", p.Items).Add("looked", p.Looked).
		If("{status} IN (?, ?) AND {pages} = ? AND attribute_not_exists({stopStatus})",
			str(string(replay.Pending)), str(string(replay.Expanding)), num(p.Number))
	if !r.Spread {
		counters.Add("open", p.Items)
	}
	if truncated {
		counters.Set("truncated", flag(true))
	}
	counters.withRoom(r, p.Items)
	writes := []types.TransactWriteItem{{Put: put}, counters.transact(l.name)}
	for i, e := range entries {
		it := domain.Item{
			ReplayID: p.ReplayID, Page: p.Number, Ordinal: i, Outcome: replay.Waiting,
			ResourceID: e.ResourceID, Want: e.VersionID, Failure: e.Failure, Planned: e.Planned, Digest: e.Digest,
		}
		put, err := l.putNew(itemKeys(it), it)
		if err != nil {
			return err
		}
		writes = append(writes, types.TransactWriteItem{Put: put})
	}
	return l.transact(ctx, fmt.Sprintf("bind page %d of replay %s", p.Number, p.ReplayID), writes)
}

// withRoom makes a change of a replay's row conditional on its maxItems.
func (c *change) withRoom(r domain.Replay, items int) *change {
	switch {
	case r.MaxItems == 0 || items == 0:
	case r.Spread:
		c.Add("left", -items).If("{left} >= ?", num(items))
	default:
		c.If("{matched} <= ?", num(r.MaxItems-items))
	}
	return c
}

// MarkSent records that the messages of a page are in the queue.
func (l *Pages) MarkSent(ctx context.Context, p domain.Page) error {
	c := newChange(pageKey(p.ReplayID, p.Number)).Set("sent", flag(true)).If("attribute_exists({pk})")
	return l.apply(ctx, c, "mark page sent")
}

// SetStart moves the start of a paced page whose messages go out late.
func (l *Pages) SetStart(ctx context.Context, p domain.Page, at domain.Stamp) error {
	c := newChange(pageKey(p.ReplayID, p.Number)).Latest("startsAt", at).If("attribute_exists({pk})")
	return ignoreConflict(l.apply(ctx, c, "move start of page")) // another delivery has moved it further
}
