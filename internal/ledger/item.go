package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is the row of one resource of a replay.
type Item struct {
	keys
	ReplayID   string         `dynamodbav:"replayId"`
	Page       int            `dynamodbav:"page"`
	Ordinal    int            `dynamodbav:"ordinal"` // place in the page
	ResourceID string         `dynamodbav:"resourceId"`
	Outcome    replay.Outcome `dynamodbav:"outcome"`
	VersionID  string         `dynamodbav:"versionId,omitempty"` // bound before the execution is started
	Execution  string         `dynamodbav:"execution,omitempty"`
	ARN        string         `dynamodbav:"arn,omitempty"`
	Reason     string         `dynamodbav:"reason,omitempty"`
	StartedAt  Stamp          `dynamodbav:"startedAt,omitempty"`
	EndedAt    Stamp          `dynamodbav:"endedAt,omitempty"`
}

func (i *Item) key() (pk, sk string) {
	pk, _ = pageKey(i.ReplayID, i.Page)
	return pk, fmt.Sprintf("I#%04d", i.Ordinal)
}

func outcomePartition(replayID string, o replay.Outcome, shard int) string {
	return fmt.Sprintf("P#%s#%s#%d", replayID, o, shard)
}

func (i *Item) index() {
	i.PK, i.SK = i.key()
	i.GPK = outcomePartition(i.ReplayID, i.Outcome, i.Page%Shards)
	i.GSK = fmt.Sprintf("%06d#%04d", i.Page, i.Ordinal)
}

// Item returns an item of a replay, or ErrNotFound.
func (l *Ledger) Item(ctx context.Context, replayID string, page, ordinal int) (Item, error) {
	i := Item{ReplayID: replayID, Page: page, Ordinal: ordinal}
	pk, sk := i.key()
	err := l.get(ctx, pk, sk, &i)
	return i, err
}

// Bind ties an item to a version and inserts the row of the execution that will run it, in one transaction and before
// that execution is started. It returns ErrConflict if the item is bound already or finished.
func (l *Ledger) Bind(ctx context.Context, i Item, e Execution) error {
	put, err := l.executionPut(e)
	if err != nil {
		return err
	}
	c := newChange(i.key()).
		Set("versionId", str(e.VersionID)).Set("execution", str(e.Name)).
		If("{outcome} = ? AND attribute_not_exists({versionId})", str(string(replay.Waiting)))
	return l.transact(ctx, "bind item of replay "+i.ReplayID, []types.TransactWriteItem{put, c.transact(l.table)})
}

// ItemChange is a new outcome of an item, as it was read before.
type ItemChange struct {
	Item   Item
	To     replay.Outcome
	Reason string
	ARN    string // of the item's execution; empty if it was never started
	At     Stamp
}

// MaxItemChanges is how many items one call of ChangeItems takes: a transaction takes 100 rows, the replay is one.
const MaxItemChanges = 99

// ChangeItems moves items of one replay to new outcomes, and the replay's counters with them, in one transaction. It
// returns ErrConflict, and changes nothing, if one of them has another outcome than it was read with.
func (l *Ledger) ChangeItems(ctx context.Context, replayID string, changes []ItemChange) error {
	counters := newChange(replayKey(replayID)).If("attribute_exists({pk})")
	totals := map[string]int{}
	writes := make([]types.TransactWriteItem, 0, len(changes)+1)
	for _, ch := range changes {
		writes = append(writes, ch.write().transact(l.table))
		ch.count(totals)
	}
	for _, name := range []string{"started", "skipped", "succeeded", "failed", "open"} {
		counters.Add(name, totals[name])
	}
	if len(counters.add) > 0 {
		writes = append(writes, counters.transact(l.table))
	}
	return l.transact(ctx, "change items of replay "+replayID, writes)
}

func (ch ItemChange) write() *change {
	after := ch.Item
	after.Outcome = ch.To
	after.index()
	c := newChange(after.PK, after.SK).
		Set("outcome", str(string(ch.To))).Set("reason", str(ch.Reason)).Set("arn", str(ch.ARN)).
		Set("gpk", str(after.GPK)).Set("gsk", str(after.GSK)).
		If("{outcome} = ?", str(string(ch.Item.Outcome)))
	if ch.To.Final() {
		c.Set("endedAt", str(ch.At.String()))
	} else {
		c.Set("startedAt", str(ch.At.String()))
	}
	return c
}

// count adds what the change does to the counters. An execution can end before the listener notes that it started it;
// an item without one, whose message was given up, was never started.
func (ch ItemChange) count(totals map[string]int) {
	if ch.Item.Outcome == replay.Waiting && ch.ARN != "" {
		totals["started"]++
	}
	if !ch.To.Final() {
		return
	}
	totals["open"]--
	totals[strings.ToLower(string(ch.To))]++
}

// Items returns a page of a replay's items and the cursor of the next page. With an outcome, only those.
func (l *Ledger) Items(ctx context.Context, r Replay, o replay.Outcome, cursor string, limit int) ([]Item, string, error) {
	parts, partition := r.Pages, func(n int) span {
		pk, _ := pageKey(r.ID, n)
		return span{partition: pk}
	}
	if o != "" {
		parts, partition = min(Shards, r.Pages), func(n int) span {
			return span{index: &schema.ByGroup, partition: outcomePartition(r.ID, o, n)}
		}
	}
	at, after := 0, ""
	if cursor != "" {
		part, rest, _ := strings.Cut(cursor, "#")
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 || n >= parts {
			return nil, "", fmt.Errorf("items cursor %q: %w", cursor, ErrCursor)
		}
		at, after = n, rest
	}
	var items []Item
	for ; at < parts; at, after = at+1, "" {
		s := partition(at)
		s.after, s.limit = after, limit-len(items)
		if s.index == nil && after == "" {
			s.after = "H" // the page's own row is "P"; items are "I#..."
		}
		rows, more, err := query[Item](ctx, l, s)
		if err != nil {
			return nil, "", err
		}
		for _, it := range rows {
			if it.ResourceID == "" { // the page's own row
				more = false
				continue
			}
			if o != "" && it.Outcome != o { // the index lags behind
				continue
			}
			items = append(items, it)
		}
		if len(items) >= limit && (more || at+1 < parts) {
			return items, nextItems(items[len(items)-1], s, at, more), nil
		}
	}
	return items, "", nil
}

func nextItems(last Item, s span, at int, more bool) string {
	switch {
	case !more:
		return strconv.Itoa(at+1) + "#"
	case s.index != nil:
		return strconv.Itoa(at) + "#" + last.GSK
	default:
		return strconv.Itoa(at) + "#" + last.SK
	}
}
