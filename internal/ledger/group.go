package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Group is the row of an error that so many failures share that they are held, and let go step by step.
type Group struct {
	keys
	Error    string   `dynamodbav:"error"`
	Gated    bool     `dynamodbav:"gated"`              // false: the storm is over, failures go their own way
	Step     int      `dynamodbav:"step"`               // failures that are let go at once; 1: a probe
	Misses   int      `dynamodbav:"misses"`             // probes in a row that failed
	Probes   int      `dynamodbav:"probes"`             // all probes since the group was gated
	Released []string `dynamodbav:"released,omitempty"` // partition keys of the failures of the step under way
	NextAt   Stamp    `dynamodbav:"nextAt,omitempty"`   // when it is looked at next
	GatedAt  Stamp    `dynamodbav:"gatedAt,omitempty"`
	Revision int      `dynamodbav:"revision"`

	ReleasedAt Stamp `dynamodbav:"releasedAt,omitempty"`
	EmptyAt    Stamp `dynamodbav:"emptyAt,omitempty"` // since when none was found that is held
}

const groupsPartition = "GROUPS"

func groupKey(name string) (pk, sk string) { return "E#" + name, "E" }

// openPartitionOf lists the open failures of a group that wait for their due time or are being replayed.
func openPartitionOf(group, shard string) string { return "EO#" + group + "#" + shard }

// heldPartition lists those that wait until the group lets them go.
func heldPartition(group, shard string) string { return "EH#" + group + "#" + shard }

// heldSort is the order in which a group lets failures go: those that were tried least first, so that each probe is
// another one and a poisonous event cannot hold back a healthy group; the oldest of them first.
func (f *Failure) heldSort() string {
	return fmt.Sprintf("%03d#%s#%s", min(f.Attempt, 999), f.FirstAt, f.id())
}

// Group returns the row of an error, or ErrNotFound.
func (l *Ledger) Group(ctx context.Context, name string) (Group, error) {
	var g Group
	pk, sk := groupKey(name)
	err := l.get(ctx, pk, sk, &g)
	return g, err
}

// SaveGroup writes a group as it was read and changed since. It returns ErrConflict if somebody else changed it.
func (l *Ledger) SaveGroup(ctx context.Context, g Group) (Group, error) {
	g.keys = keys{}
	g.PK, g.SK = groupKey(g.Error)
	if g.Gated {
		g.TPK, g.TSK = groupsPartition, g.NextAt.String()+"#"+g.Error
	}
	was := g.Revision
	g.Revision++
	row, err := marshal(g)
	if err != nil {
		return g, err
	}
	cond := "attribute_not_exists(#r) OR #r = :was"
	_, err = l.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &l.table, Item: row, ConditionExpression: &cond,
		ExpressionAttributeNames: map[string]string{"#r": "revision"}, ExpressionAttributeValues: item{":was": num(was)},
	})
	return g, conflict(err, nil, "save group "+g.Error)
}

// Groups returns at most limit gated groups that are to be looked at by now, and the cursor of those that follow.
func (l *Ledger) Groups(ctx context.Context, now time.Time, cursor string, limit int) ([]Group, string, error) {
	return upTo[Group](ctx, l, groupsPartition, now, cursor, limit)
}

// CountOpen returns how many open failures share an error, held ones included: at most limit.
func (l *Ledger) CountOpen(ctx context.Context, group string, limit int) (int, error) {
	var partitions []string
	for _, partition := range []func(group, shard string) string{openPartitionOf, heldPartition} {
		for _, s := range shards {
			partitions = append(partitions, partition(group, s))
		}
	}
	return l.count(ctx, &schema.ByGroup, partitions, limit)
}

// HeldFailures returns at most limit held failures of a group, in the order in which they are to be let go, without those
// that skip knows. Some tells whether the index has any at all: it lags behind, so none that are held does not mean that
// none are.
func (l *Ledger) HeldFailures(ctx context.Context, group string, skip func(Failure) bool, limit int) (rows []Failure, some bool, err error) {
	var found []item
	for _, s := range shards {
		keys, _, err := l.keysOf(ctx, span{index: &schema.ByGroup, partition: heldPartition(group, s), limit: limit + staleKeys})
		if err != nil {
			return nil, false, err
		}
		found = append(found, keys...)
	}
	slices.SortFunc(found, func(a, b item) int {
		return strings.Compare(textOf(a, schema.ByGroup.SortKey), textOf(b, schema.ByGroup.SortKey))
	})
	some = len(found) > 0
	for len(found) > 0 && len(rows) < limit {
		n := min(len(found), batchGetSize)
		more, err := fetched[Failure](ctx, l, found[:n])
		if err != nil {
			return nil, some, err
		}
		for _, f := range more {
			if f.Held && f.Status.Open() && !skip(f) && len(rows) < limit {
				rows = append(rows, f)
			}
		}
		found = found[n:]
	}
	return rows, some, nil
}

// staleKeys is how many keys of failures that were let go since are passed over in each shard.
const staleKeys = 200

// Failures returns the failures with these partition keys that exist.
func (l *Ledger) Failures(ctx context.Context, partitions []string) ([]Failure, error) {
	wanted := make([]item, len(partitions))
	for i, p := range partitions {
		wanted[i] = key(p, failureSort)
	}
	return fetched[Failure](ctx, l, wanted)
}
