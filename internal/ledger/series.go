package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Series is the row of one resource's versions that run one after the other, bound before any of them starts.
type Series struct {
	keys
	Name       string   `dynamodbav:"name"` // of the execution of the Series state machine
	ReplayID   string   `dynamodbav:"replayId"`
	Page       int      `dynamodbav:"page"`
	Ordinal    int      `dynamodbav:"ordinal"`
	ResourceID string   `dynamodbav:"resourceId"`
	Versions   []string `dynamodbav:"versions"` // oldest first
	Rows       int      `dynamodbav:"rows"`     // versions that have an item
	Started    bool     `dynamodbav:"started"`
	Closed     bool     `dynamodbav:"closed,omitempty"` // nothing of it is to start
	CreatedAt  Stamp    `dynamodbav:"createdAt"`
}

func seriesKey(name string) (pk, sk string) { return "S#" + name, "S" }

func openSeriesPartition(shard string) string { return "OPENSERIES#" + shard }

// Series returns a series by the name of its execution, or ErrNotFound.
func (l *Ledger) Series(ctx context.Context, name string) (Series, error) {
	var s Series
	pk, sk := seriesKey(name)
	err := l.get(ctx, pk, sk, &s)
	return s, err
}

// AddSeries binds the versions of a resource, and counts them as items of the replay. The item of the resource becomes
// that of the first version. It returns ErrConflict if the series or the item is bound already, if the replay was
// stopped, or if the versions are more than it has room for.
func (l *Ledger) AddSeries(ctx context.Context, r Replay, s Series) error {
	s.PK, s.SK = seriesKey(s.Name)
	s.TPK, s.TSK = openSeriesPartition(shard(s.Name)), s.CreatedAt.String()+"#"+s.Name
	s.Rows = 1
	put, err := l.putNew(s)
	if err != nil {
		return err
	}
	more := len(s.Versions) - 1
	counters := newChange(replayKey(s.ReplayID)).Add("matched", more).Add("open", more).
		If("attribute_not_exists({stopStatus})")
	counters.withRoom(r, more)
	first := Item{ReplayID: s.ReplayID, Page: s.Page, Ordinal: s.Ordinal}
	item := newChange(first.key()).Set("want", str(s.Versions[0])).
		If("{outcome} = ? AND attribute_not_exists({execution})", str(string(replay.Waiting)))
	return l.transact(ctx, "bind series "+s.Name,
		[]types.TransactWriteItem{{Put: put}, counters.transact(l.table), item.transact(l.table)})
}

// AddSeriesItems adds the items that a series does not have yet.
func (l *Ledger) AddSeriesItems(ctx context.Context, s Series) error {
	for s.Rows < len(s.Versions) {
		n := min(len(s.Versions)-s.Rows, MaxPageItems)
		progress := newChange(seriesKey(s.Name)).Set("rows", num(s.Rows+n)).If("{rows} = ?", num(s.Rows))
		writes := []types.TransactWriteItem{progress.transact(l.table)}
		for i := s.Rows; i < s.Rows+n; i++ {
			it := Item{
				ReplayID: s.ReplayID, Page: s.Page, Ordinal: s.Ordinal, Index: i, ResourceID: s.ResourceID,
				Want: s.Versions[i], Outcome: replay.Waiting,
			}
			it.index()
			put, err := l.putNew(it)
			if err != nil {
				return err
			}
			writes = append(writes, types.TransactWriteItem{Put: put})
		}
		err := l.transact(ctx, fmt.Sprintf("add items %d to %d of series %s", s.Rows, s.Rows+n, s.Name), writes)
		if isConflict(err) { // another delivery, or a lost answer
			fresh, ferr := l.Series(ctx, s.Name)
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

// MarkSeriesStarted notes that the execution of a series was started.
func (l *Ledger) MarkSeriesStarted(ctx context.Context, name string) error {
	c := newChange(seriesKey(name)).Set("started", flag(true)).If("attribute_exists({pk})")
	_, err := l.update(ctx, c)
	return conflict(err, nil, "mark series started")
}

// Open reports whether something of a series is still to be settled.
func (s Series) Open() bool { return s.TPK != "" }

// GiveUpSeries keeps a series from being started. It stays open until what it has is settled.
func (l *Ledger) GiveUpSeries(ctx context.Context, name string) error {
	c := newChange(seriesKey(name)).Set("closed", flag(true)).If("attribute_exists({pk})")
	_, err := l.update(ctx, c)
	return conflict(err, nil, "give up series")
}

// CloseSeries takes a series out of the open ones, once what has not run is settled.
func (l *Ledger) CloseSeries(ctx context.Context, name string) error {
	c := newChange(seriesKey(name)).Set("closed", flag(true)).Remove("tpk", "tsk").If("attribute_exists({pk})")
	_, err := l.update(ctx, c)
	return conflict(err, nil, "close series")
}

// OpenSeries returns at most limit series of one shard (0 to Shards-1) that are open and were to be looked at by now.
func (l *Ledger) OpenSeries(ctx context.Context, shard int, by time.Time, limit int) ([]Series, error) {
	rows, _, err := query[Series](ctx, l, span{
		index: &schema.ByTime, partition: openSeriesPartition(strconv.Itoa(shard)), until: At(by).String() + "#~", limit: limit,
	})
	return rows, err
}

// CheckSeriesLater moves an open series back in the list of those to look at.
func (l *Ledger) CheckSeriesLater(ctx context.Context, name string, at time.Time) error {
	c := newChange(seriesKey(name)).CheckAt(at, name)
	_, err := l.update(ctx, c)
	return ignoreConflict(conflict(err, nil, "postpone check of series"))
}
