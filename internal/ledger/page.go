package ledger

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Page is a part of a replay's selection, bound when it was first found: a redelivered message finds it again.
type Page struct {
	keys
	ReplayID string `dynamodbav:"replayId"`
	Number   int    `dynamodbav:"number"` // from 0
	Items    int    `dynamodbav:"items"`
	Next     string `dynamodbav:"next,omitempty"`     // cursor of the next page; empty: this is the last
	StartsAt Stamp  `dynamodbav:"startsAt,omitempty"` // of a paced replay: when its first item is to start
	Sent     bool   `dynamodbav:"sent"`               // its messages are in the queue
}

// Entry is what a page selects: a resource, and of a failure the version that failed.
type Entry struct {
	ResourceID string
	VersionID  string
	Failure    string // partition key of the failure
}

// MaxPageItems is how many items a page may have: a transaction takes 100 rows, and the page and the replay are two.
const MaxPageItems = 98

func pageKey(replayID string, number int) (pk, sk string) {
	return fmt.Sprintf("P#%s#%d", replayID, number), "P"
}

// Page returns a page of a replay, or ErrNotFound.
func (l *Ledger) Page(ctx context.Context, replayID string, number int) (Page, error) {
	var p Page
	pk, sk := pageKey(replayID, number)
	err := l.get(ctx, pk, sk, &p)
	return p, err
}

// AddPage binds a page: its row, its items' rows and the replay's counters move in one transaction. Truncated says
// that the selection has more than the replay may take. It returns ErrConflict if the page is bound already, if the
// replay was stopped, or if the items are more than it has room for.
func (l *Ledger) AddPage(ctx context.Context, r Replay, p Page, entries []Entry, truncated bool) error {
	p.PK, p.SK = pageKey(p.ReplayID, p.Number)
	p.Items = len(entries)
	put, err := l.putNew(p)
	if err != nil {
		return err
	}
	last, status := p.Next == "", replay.Expanding
	if last {
		status = replay.Running
	}
	counters := newChange(replayKey(p.ReplayID)).
		Set("status", str(string(status))).Set("expanded", flag(last)).
		Add("pages", 1).Add("matched", p.Items).Add("open", p.Items).
		If("{status} IN (?, ?) AND {pages} = ? AND attribute_not_exists({stopStatus})",
			str(string(replay.Pending)), str(string(replay.Expanding)), num(p.Number))
	if truncated {
		counters.Set("truncated", flag(true))
	}
	counters.withRoom(r, p.Items)
	writes := []types.TransactWriteItem{{Put: put}, counters.transact(l.table)}
	for i, e := range entries {
		it := Item{
			ReplayID: p.ReplayID, Page: p.Number, Ordinal: i, Outcome: replay.Waiting,
			ResourceID: e.ResourceID, Want: e.VersionID, Failure: e.Failure,
		}
		it.index()
		put, err := l.putNew(it)
		if err != nil {
			return err
		}
		writes = append(writes, types.TransactWriteItem{Put: put})
	}
	return l.transact(ctx, fmt.Sprintf("bind page %d of replay %s", p.Number, p.ReplayID), writes)
}

// withRoom makes a change of a replay's counters conditional on its maxItems.
func (c *change) withRoom(r Replay, items int) {
	if r.MaxItems > 0 && items > 0 {
		c.If("{matched} <= ?", num(r.MaxItems-items))
	}
}

// MarkSent notes that the messages of a page are in the queue.
func (l *Ledger) MarkSent(ctx context.Context, p Page) error {
	c := newChange(pageKey(p.ReplayID, p.Number)).Set("sent", flag(true)).If("attribute_exists({pk})")
	_, err := l.update(ctx, c)
	return conflict(err, nil, "mark page sent")
}

// SetStart moves the start of a paced page whose messages go out late.
func (l *Ledger) SetStart(ctx context.Context, p Page, at Stamp) error {
	c := newChange(pageKey(p.ReplayID, p.Number)).Latest("startsAt", at).If("attribute_exists({pk})")
	_, err := l.update(ctx, c)
	return ignoreConflict(conflict(err, nil, "move start of page")) // another delivery moved it further
}
