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

// Item is the row of one version of one resource of a replay. Until the version is known, it stands for the resource.
type Item struct {
	keys
	ReplayID   string         `dynamodbav:"replayId"`
	Page       int            `dynamodbav:"page"`
	Ordinal    int            `dynamodbav:"ordinal"`         // place in the page
	Index      int            `dynamodbav:"index,omitempty"` // place in the series of the resource's versions
	ResourceID string         `dynamodbav:"resourceId"`
	Outcome    replay.Outcome `dynamodbav:"outcome"`
	VersionID  string         `dynamodbav:"versionId,omitempty"` // bound before the execution is started
	Execution  string         `dynamodbav:"execution,omitempty"` // bound with the version: from then on the item will start
	Want       string         `dynamodbav:"want,omitempty"`      // the version to bind, where the selection knows it
	Failure    string         `dynamodbav:"failure,omitempty"`   // partition key of the failure that was selected
	Diff       string         `dynamodbav:"diff,omitempty"`      // of a plan: what the transform does
	ARN        string         `dynamodbav:"arn,omitempty"`
	Reason     string         `dynamodbav:"reason,omitempty"`
	StartedAt  Stamp          `dynamodbav:"startedAt,omitempty"`
	EndedAt    Stamp          `dynamodbav:"endedAt,omitempty"`

	Bound bool `dynamodbav:"-"` // just now, by this delivery: no other has done anything with it
}

func (i *Item) key() (pk, sk string) {
	pk, _ = pageKey(i.ReplayID, i.Page)
	if i.Index > 0 {
		return pk, fmt.Sprintf("I#%04d#%04d", i.Ordinal, i.Index)
	}
	return pk, fmt.Sprintf("I#%04d", i.Ordinal)
}

func outcomePartition(replayID string, o replay.Outcome, shard int) string {
	return fmt.Sprintf("P#%s#%s#%d", replayID, o, shard)
}

func (i *Item) index() {
	i.PK, i.SK = i.key()
	i.GPK = outcomePartition(i.ReplayID, i.Outcome, i.Page%Shards)
	i.GSK = fmt.Sprintf("%06d#%04d#%04d", i.Page, i.Ordinal, i.Index)
}

// Item returns an item of a replay, or ErrNotFound.
func (l *Ledger) Item(ctx context.Context, replayID string, page, ordinal, index int) (Item, error) {
	i := Item{ReplayID: replayID, Page: page, Ordinal: ordinal, Index: index}
	pk, sk := i.key()
	err := l.get(ctx, pk, sk, &i)
	return i, err
}

// Place is where an item stands in its replay.
type Place struct{ Page, Ordinal, Index int }

// ItemsAt returns the items at some places of a replay in one call, or ErrNotFound if there is not one at each.
func (l *Ledger) ItemsAt(ctx context.Context, replayID string, places []Place) (map[Place]Item, error) {
	at := map[Place]Item{}
	var wanted []item
	for _, p := range places {
		if _, again := at[p]; again {
			continue
		}
		i := Item{ReplayID: replayID, Page: p.Page, Ordinal: p.Ordinal, Index: p.Index}
		at[p] = i
		wanted = append(wanted, key(i.key()))
	}
	rows, err := fetched[Item](ctx, l, wanted)
	if err != nil {
		return nil, err
	}
	if len(rows) < len(wanted) {
		return nil, fmt.Errorf("%d of %d items of replay %s: %w", len(wanted)-len(rows), len(wanted), replayID, ErrNotFound)
	}
	for _, i := range rows {
		at[Place{i.Page, i.Ordinal, i.Index}] = i
	}
	return at, nil
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
		If("{outcome} = ? AND attribute_not_exists({execution})", str(string(replay.Waiting)))
	return l.transact(ctx, "bind item of replay "+i.ReplayID, []types.TransactWriteItem{put, c.transact(l.table)})
}

// BindOutput ties an item of a republish to a version and the execution whose output is sent. It returns ErrConflict if
// the item is bound already or finished.
func (l *Ledger) BindOutput(ctx context.Context, i Item, versionID, execution string) error {
	c := newChange(i.key()).Set("versionId", str(versionID)).Set("execution", str(execution)).
		If("{outcome} = ? AND attribute_not_exists({execution})", str(string(replay.Waiting)))
	_, err := l.update(ctx, c)
	return conflict(err, nil, "bind output to item of replay "+i.ReplayID)
}

// ItemChange is a new outcome of an item, as it was read before.
type ItemChange struct {
	Item      Item
	To        replay.Outcome
	Reason    string
	VersionID string // where it is known and not bound

	ResourceID string // the same
	Diff       string
	ARN        string // of the item's execution; empty if it was never started
	At         Stamp
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
	for _, name := range []string{"started", "skipped", "succeeded", "failed", "planned", "open"} {
		counters.Add(name, totals[name])
	}
	if len(counters.add) > 0 {
		writes = append(writes, counters.transact(l.table))
	}
	if err := l.transact(ctx, "change items of replay "+replayID, writes); err != nil {
		return err
	}
	l.countItems(totals)
	return nil
}

func (ch ItemChange) write() *change {
	after := ch.Item
	after.Outcome = ch.To
	after.index()
	c := newChange(after.PK, after.SK).
		Set("outcome", str(string(ch.To))).Set("reason", str(ch.Reason)).Set("arn", str(ch.ARN)).
		Set("gpk", str(after.GPK)).Set("gsk", str(after.GSK)).
		Set("diff", str(ch.Diff)).If("{outcome} = ?", str(string(ch.Item.Outcome)))
	if ch.Item.VersionID == "" { // an unrecorded event has one from when it was recorded
		c.Set("versionId", str(ch.VersionID))
	}
	if ch.Item.ResourceID == "" {
		c.Set("resourceId", str(ch.ResourceID))
	}
	if ch.Item.Execution == "" { // nobody must have bound it since
		c.If("attribute_not_exists({execution})")
	}
	if ch.undone() {
		c.Remove("arn", "startedAt")
	}
	if ch.To.Final() {
		c.Set("endedAt", str(ch.At.String()))
	} else {
		c.Set("startedAt", str(ch.At.String()))
	}
	return c
}

// undone reports whether an item that was about to start never did.
func (ch ItemChange) undone() bool {
	return ch.Item.Outcome == replay.Started && ch.To == replay.Skipped
}

// count adds what the change does to the counters. An execution can end before the listener notes that it started it;
// an item without one, whose message was given up, was never started.
func (ch ItemChange) count(totals map[string]int) {
	if ch.Item.Outcome == replay.Waiting && ch.ARN != "" {
		totals["started"]++
	}
	if ch.undone() {
		totals["started"]--
	}
	if !ch.To.Final() {
		return
	}
	totals["open"]--
	totals[strings.ToLower(string(ch.To))]++
}

// itemQueries bounds the queries of one page of items: a replay has pages without items by the thousands if its
// selection leaves most of an owner's resources out.
const itemQueries = 25

// Items returns a page of a replay's items and the cursor of the next page. With an outcome, only those. A page may have
// fewer items than the limit, or none, although others follow.
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
	for queries := 0; at < parts; queries++ {
		if queries == itemQueries || len(items) >= limit {
			return items, strconv.Itoa(at) + "#" + after, nil
		}
		s := partition(at)
		s.after, s.limit = after, limit-len(items)
		if s.index == nil { // between the items, both ends included
			s.after, s.until = "I#", "I#~"
			if after != "" {
				s.after = after + " " // the key that follows
			}
		}
		rows, more, err := query[Item](ctx, l, s)
		if err != nil {
			return nil, "", err
		}
		for _, it := range rows {
			if o == "" || it.Outcome == o { // the index lags behind
				items = append(items, it)
			}
		}
		if more && len(rows) > 0 {
			after = rows[len(rows)-1].place(s)
		} else {
			at, after = at+1, ""
		}
	}
	return items, "", nil
}

// Unit returns at most limit items of one resource of a replay, from an index on: one item, or the versions of its
// series in order.
func (l *Ledger) Unit(ctx context.Context, replayID string, page, ordinal, from, limit int) ([]Item, error) {
	first := Item{ReplayID: replayID, Page: page, Ordinal: ordinal}
	pk, sk := first.key()
	until := sk + "#~"
	first.Index = from
	_, sk = first.key()
	rows, _, err := query[Item](ctx, l, span{partition: pk, after: sk, until: until, limit: limit})
	return rows, err
}

// place is where an item stands in what a span reads.
func (i *Item) place(s span) string {
	if s.index != nil {
		return i.GSK // the same under every outcome
	}
	return i.SK
}

// PageItems returns at most limit items of a page in order, and the cursor of those that follow, empty if none do.
func (l *Ledger) PageItems(ctx context.Context, replayID string, page int, cursor string, limit int) ([]Item, string, error) {
	pk, _ := pageKey(replayID, page)
	rows, more, err := query[Item](ctx, l, span{partition: pk, after: "I#" + cursor, until: "I#~", limit: limit})
	if err != nil || !more || len(rows) == 0 {
		return rows, "", err
	}
	return rows, strings.TrimPrefix(rows[len(rows)-1].SK, "I#") + " ", nil
}
