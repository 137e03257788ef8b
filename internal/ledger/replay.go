package ledger

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Replay is the row of one replay. The request itself is in S3.
type Replay struct {
	keys
	ID          string        `dynamodbav:"replayId"`
	Status      replay.Status `dynamodbav:"status"`
	RequestedBy string        `dynamodbav:"requestedBy"`
	Reason      string        `dynamodbav:"reason"`
	OwnerID     string        `dynamodbav:"ownerId,omitempty"` // of the selection
	CreatedAt   Stamp         `dynamodbav:"createdAt"`
	CompletedAt Stamp         `dynamodbav:"completedAt,omitempty"`
	Pages       int           `dynamodbav:"pages"`    // known so far
	Expanded    bool          `dynamodbav:"expanded"` // all pages are known
	Open        int           `dynamodbav:"open"`     // items without a final outcome
	Matched     int           `dynamodbav:"matched"`
	Started     int           `dynamodbav:"started"`
	Skipped     int           `dynamodbav:"skipped"`
	Succeeded   int           `dynamodbav:"succeeded"`
	Failed      int           `dynamodbav:"failed"`
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

// AddReplay inserts a replay. Finding the same replay there is success: the answer of a first try was lost, and the SDK
// tried again. It returns ErrConflict for another replay under this id.
func (l *Ledger) AddReplay(ctx context.Context, r Replay) error {
	r.PK, r.SK = replayKey(r.ID)
	r.GPK, r.GSK = replaysPartition, r.ID
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

// Page is a part of a replay's selection, bound when it was first found: a redelivered message finds it again.
type Page struct {
	keys
	ReplayID string `dynamodbav:"replayId"`
	Number   int    `dynamodbav:"number"` // from 0
	Items    int    `dynamodbav:"items"`
	Next     string `dynamodbav:"next,omitempty"` // cursor of the next page; empty: this is the last
	Sent     bool   `dynamodbav:"sent"`           // its messages are in the queue
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

// AddPage binds a page: its row, its items' rows and the replay's counters move in one transaction. It returns
// ErrConflict if the page is bound already.
func (l *Ledger) AddPage(ctx context.Context, p Page, resourceIDs []string) error {
	p.PK, p.SK = pageKey(p.ReplayID, p.Number)
	p.Items = len(resourceIDs)
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
		If("{status} IN (?, ?) AND {pages} = ?", str(string(replay.Pending)), str(string(replay.Expanding)), num(p.Number))
	writes := []types.TransactWriteItem{{Put: put}, counters.transact(l.table)}
	for i, id := range resourceIDs {
		it := Item{ReplayID: p.ReplayID, Page: p.Number, Ordinal: i, ResourceID: id, Outcome: replay.Waiting}
		it.index()
		put, err := l.putNew(it)
		if err != nil {
			return err
		}
		writes = append(writes, types.TransactWriteItem{Put: put})
	}
	return l.transact(ctx, fmt.Sprintf("bind page %d of replay %s", p.Number, p.ReplayID), writes)
}

// MarkSent notes that the messages of a page are in the queue.
func (l *Ledger) MarkSent(ctx context.Context, p Page) error {
	c := newChange(pageKey(p.ReplayID, p.Number)).Set("sent", flag(true)).If("attribute_exists({pk})")
	_, err := l.api.UpdateItem(ctx, c.input(l.table))
	return conflict(err, nil, "mark page sent")
}

// HaltReplay ends a replay whose expansion cannot go on. One that has ended is left alone.
func (l *Ledger) HaltReplay(ctx context.Context, id string, at Stamp) error {
	c := newChange(replayKey(id)).
		Set("status", str(string(replay.Halted))).Set("completedAt", str(at.String())).
		If("{status} IN (?, ?, ?)", str(string(replay.Pending)), str(string(replay.Expanding)), str(string(replay.Running)))
	_, err := l.api.UpdateItem(ctx, c.input(l.table))
	if err := conflict(err, nil, "halt replay "+id); err != nil && !isConflict(err) {
		return err
	}
	return nil
}

// CompleteReplay completes a replay if every item has its outcome, and does nothing otherwise.
func (l *Ledger) CompleteReplay(ctx context.Context, id string, at Stamp) error {
	c := newChange(replayKey(id)).
		Set("status", str(string(replay.Completed))).Set("completedAt", str(at.String())).
		If("{expanded} = ? AND {open} = ? AND {status} = ?", flag(true), num(0), str(string(replay.Running)))
	_, err := l.api.UpdateItem(ctx, c.input(l.table))
	if err := conflict(err, nil, "complete replay "+id); err != nil && !isConflict(err) {
		return err
	}
	return nil
}
