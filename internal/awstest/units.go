package awstest

import (
	"math"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Units are what DynamoDB bills on demand: request units of the table and of its indexes.
type Units struct {
	Read, Write float64
	Stored      int // bytes of the table and its indexes, with the overhead of index entries
}

const (
	writeUnit     = 1 << 10
	readUnit      = 4 << 10
	transactional = 2   // units for each unit of a plain call
	entryOverhead = 100 // bytes that are billed per entry of an index
)

// size is how DynamoDB counts a row: the names and values of its attributes.
func size(r row) (n int) {
	for name, v := range r {
		n += len(name) + sizeOf(v)
	}
	return n
}

func sizeOf(v types.AttributeValue) (n int) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 1
	case *types.AttributeValueMemberL:
		n = 3
		for _, e := range v.Value {
			n += 1 + sizeOf(e)
		}
		return n
	default:
		return 1
	}
}

func unitsOf(bytes, unit int) float64 { return max(math.Ceil(float64(bytes)/float64(unit)), 1) }

// written bills the change of a row. An index is written if an entry is added or removed; a move does both.
func (t *Table) written(before, after row, factor float64) {
	t.Units.Write += factor * unitsOf(max(size(before), size(after)), writeUnit)
	t.Units.Stored += size(after) - size(before)
	for _, ix := range schema.Indexes() {
		old, was := entry(ix, before)
		now, is := entry(ix, after)
		switch {
		case was && is && old != now:
			t.Units.Write += 2 * factor
		case was != is:
			t.Units.Write += factor
		}
		t.Units.Stored += billed(now, is) - billed(old, was)
	}
}

func billed(entry [4]string, exists bool) int {
	if !exists {
		return 0
	}
	return len(entry[0]) + len(entry[1]) + len(entry[2]) + len(entry[3]) + entryOverhead
}

// entry is the part of a row that is in an index: its keys.
func entry(ix schema.Index, r row) (keys [4]string, exists bool) {
	for i, attr := range []string{ix.PartitionKey, ix.SortKey, schema.PartitionKey, schema.SortKey} {
		value, ok := text(r[attr])
		if !ok {
			return [4]string{}, false
		}
		keys[i] = value
	}
	return keys, true
}

// refused bills a write whose condition did not hold.
func (t *Table) refused(present row, factor float64) {
	t.Units.Write += factor * unitsOf(size(present), writeUnit)
}

// read bills the rows of one call, which is strongly consistent or not.
func (t *Table) read(bytes int, consistent bool) {
	units := unitsOf(bytes, readUnit)
	if !consistent {
		units /= 2
	}
	t.Units.Read += units
}
