package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func itemKey(i domain.Item) (pk, sk string) {
	pk, _ = pageKey(i.ReplayID, i.Page)
	if i.Index > 0 {
		return pk, fmt.Sprintf("I#%04d#%04d", i.Ordinal, i.Index)
	}
	return pk, fmt.Sprintf("I#%04d", i.Ordinal)
}

func outcomePartition(replayID string, o replay.Outcome, shard int) string {
	return fmt.Sprintf("P#%s#%s#%d", replayID, o, shard)
}

// outcomeSort is the same under every outcome.
func outcomeSort(i domain.Item) string {
	return fmt.Sprintf("%06d#%04d#%04d", i.Page, i.Ordinal, i.Index)
}

func itemKeys(i domain.Item) (k keys) {
	k.PK, k.SK = itemKey(i)
	k.GPK, k.GSK = outcomePartition(i.ReplayID, i.Outcome, i.Page%Shards), outcomeSort(i)
	return k
}

// Get returns an item of a replay, or ErrNotFound.
func (l *Items) Get(ctx context.Context, replayID string, page, ordinal, index int) (domain.Item, error) {
	i := domain.Item{ReplayID: replayID, Page: page, Ordinal: ordinal, Index: index}
	return read[domain.Item](ctx, l.table, key(itemKey(i)))
}

// At returns the items at some positions of a replay in one call, or ErrNotFound if there is not one at each.
func (l *Items) At(ctx context.Context, replayID string, positions []domain.Position) (map[domain.Position]domain.Item, error) {
	at := map[domain.Position]domain.Item{}
	var wanted []item
	for _, p := range positions {
		if _, again := at[p]; again {
			continue
		}
		i := domain.Item{ReplayID: replayID, Page: p.Page, Ordinal: p.Ordinal, Index: p.Index}
		at[p] = i
		wanted = append(wanted, key(itemKey(i)))
	}
	rows, err := fetched[domain.Item](ctx, l.table, wanted)
	if err != nil {
		return nil, err
	}
	if len(rows) < len(wanted) {
		return nil, fmt.Errorf("%d of %d items of replay %s: %w", len(wanted)-len(rows), len(wanted), replayID, ErrNotFound)
	}
	for _, i := range rows {
		at[i.Position()] = i
	}
	return at, nil
}

// Bind binds an item to a version, and inserts the row of the execution that will run it, in one transaction and before
// that execution is started. It returns ErrConflict if the item is bound already or finished.
func (l *Items) Bind(ctx context.Context, i domain.Item, e domain.Execution) error {
	writes, err := l.bind(i, e)
	if err != nil {
		return err
	}
	return l.transact(ctx, "bind item of replay "+i.ReplayID, writes)
}

// bound is the change of an item that is bound to a version and an execution, unless it is bound already or finished.
func bound(i domain.Item, versionID, execution string) *change {
	return newChange(itemKey(i)).Set("versionId", str(versionID)).Set("execution", str(execution)).
		If("{outcome} = ? AND attribute_not_exists({execution})", str(string(replay.Waiting)))
}

// BindOutput binds an item of a republish to a version and to the execution whose output is sent. It returns
// ErrConflict if the item is bound already or finished.
func (l *Items) BindOutput(ctx context.Context, i domain.Item, versionID, execution string) error {
	return l.apply(ctx, bound(i, versionID, execution), "bind output to item of replay "+i.ReplayID)
}

// MaxItemChanges is how many items one call of Change takes: a transaction has at most 100 rows, one of them the
// counter.
const MaxItemChanges = 99

// Change moves items of one replay to new outcomes, and a counter of the replay with them, in one transaction. It
// returns ErrConflict, and changes nothing, if one of them has another outcome than it was read with.
func (l *Items) Change(ctx context.Context, replayID string, changes []domain.ItemChange) error {
	var tally domain.Tally
	writes := make([]types.TransactWriteItem, 0, len(changes)+1)
	for _, ch := range changes {
		writes = append(writes, itemChange(ch).transact(l.name))
		tally = tally.Plus(ch.Tally())
	}
	if err := l.transactCounted(ctx, "change items of replay "+replayID, writes, replayID, tally); err != nil {
		return err
	}
	l.countItems(tally)
	return nil
}

func itemChange(ch domain.ItemChange) *change {
	after := ch.Item
	after.Outcome = ch.To
	k := itemKeys(after)
	c := newChange(k.PK, k.SK).
		Set("outcome", str(string(ch.To))).Set("reason", str(ch.Reason)).Set("arn", str(ch.ARN)).
		Set("gpk", str(k.GPK)).Set("gsk", str(k.GSK)).
		Set("diff", str(ch.Diff)).Set("warning", str(ch.Warning)).Set("digest", str(ch.Digest)).
		If("{outcome} = ?", str(string(ch.Item.Outcome)))
	if ch.Item.VersionID == "" { // an event that was unrecorded gets one when it is recorded
		c.Set("versionId", str(ch.VersionID))
	}
	if ch.Item.ResourceID == "" {
		c.Set("resourceId", str(ch.ResourceID))
	}
	if ch.Item.Execution == "" { // it must not have been bound since
		c.If("attribute_not_exists({execution})")
	}
	if ch.Undone() {
		c.Remove("arn", "startedAt")
	}
	if ch.To.Final() {
		c.Set("endedAt", str(ch.At.String()))
	} else {
		c.Set("startedAt", str(ch.At.String()))
	}
	return c
}

// itemQueries bounds the queries of one page of items. A replay has thousands of pages without items if its selection
// leaves out most of an owner's resources.
const itemQueries = 25

// List returns a page of a replay's items and the cursor of the next page. With an outcome, only those. A page may have
// fewer items than the limit, or none, although others follow.
func (l *Items) List(
	ctx context.Context, r domain.Replay, o replay.Outcome, cursor string, limit int,
) ([]domain.Item, string, error) {
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
	var items []domain.Item
	for queries := 0; at < parts; queries++ {
		if queries == itemQueries || len(items) >= limit {
			return items, strconv.Itoa(at) + "#" + after, nil
		}
		s := partition(at)
		s.after, s.limit = after, limit-len(items)
		if s.index == nil { // between the items, both ends included
			s.after, s.until = "I#", "I#~"
			if after != "" {
				s.after = after + " " // the next key
			}
		}
		rows, more, err := query[domain.Item](ctx, l.table, s)
		if err != nil {
			return nil, "", err
		}
		for _, it := range rows {
			if o == "" || it.Outcome == o { // the index lags behind
				items = append(items, it)
			}
		}
		if more && len(rows) > 0 {
			after = positionIn(s, rows[len(rows)-1])
		} else {
			at, after = at+1, ""
		}
	}
	return items, "", nil
}

// OfResource returns at most limit items of one resource of a replay, from an index on: its only item, or the versions
// of its series in order.
func (l *Items) OfResource(ctx context.Context, replayID string, page, ordinal, from, limit int) ([]domain.Item, error) {
	first := domain.Item{ReplayID: replayID, Page: page, Ordinal: ordinal}
	pk, sk := itemKey(first)
	until := sk + "#~"
	first.Index = from
	_, sk = itemKey(first)
	rows, _, err := query[domain.Item](ctx, l.table, span{partition: pk, after: sk, until: until, limit: limit})
	return rows, err
}

// positionIn is the sort key of an item in a span.
func positionIn(s span, i domain.Item) string {
	if s.index != nil {
		return outcomeSort(i)
	}
	_, sk := itemKey(i)
	return sk
}

// OfPage returns at most limit items of a page in order, and the cursor of the next ones, empty after the last.
func (l *Items) OfPage(ctx context.Context, replayID string, page int, cursor string, limit int) ([]domain.Item, string, error) {
	pk, _ := pageKey(replayID, page)
	rows, more, err := query[domain.Item](ctx, l.table, span{partition: pk, after: "I#" + cursor, until: "I#~", limit: limit})
	if err != nil || !more || len(rows) == 0 {
		return rows, "", err
	}
	_, sk := itemKey(rows[len(rows)-1])
	return rows, strings.TrimPrefix(sk, "I#") + " ", nil
}
