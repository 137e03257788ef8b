package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Bucket is a budget of which what is not spent is kept, up to a size. It is for few callers: each takes many at once.
type Bucket struct {
	Name      string
	PerSecond float64
	Size      int
}

// Questions is the budget of DescribeExecution and GetExecutionHistory of all functions. DescribeExecution refills 10 a
// second in most Regions, GetExecutionHistory 20 ("Quotas related to API action throttling", Step Functions Developer
// Guide), and the account's other users need some.
func Questions() Bucket { return Bucket{Name: "QUESTIONS", PerSecond: 5, Size: 100} }

// bucketRow has thousandths of tokens, and when they were counted.
type bucketRow struct {
	Milli int   `row:"milli"`
	At    int64 `row:"at"` // in milliseconds since the epoch
}

const (
	bucketSort = "BUCKET"
	// spendTries bounds how often others may be faster.
	spendTries = 5
)

// Purse is a bucket to spend from.
type Purse struct {
	pace   *Pace
	bucket Bucket
}

// Purse returns what spends from a bucket.
func (l *Pace) Purse(b Bucket) Purse { return Purse{l, b} }

// Spend takes up to n out of the bucket and returns how many there were.
func (p Purse) Spend(ctx context.Context, n int, now time.Time) (int, error) {
	return p.pace.Spend(ctx, p.bucket, n, now)
}

// Spend takes up to n out of a bucket and returns how many there were.
func (l *Pace) Spend(ctx context.Context, b Bucket, n int, now time.Time) (int, error) {
	for range spendTries {
		row, err := read[bucketRow](ctx, l.table, key(pacePartition(b.Name), bucketSort))
		fresh := errors.Is(err, ErrNotFound)
		if err != nil && !fresh {
			return 0, err
		}
		at, milli := now.UnixMilli(), b.Size*1000
		if !fresh {
			milli = min(row.Milli+int(math.Min(float64(max(at-row.At, 0))*b.PerSecond, float64(milli))), milli)
		}
		got := min(n, milli/1000)
		if got <= 0 {
			return 0, nil
		}
		c := newChange(pacePartition(b.Name), bucketSort).Set("milli", num(milli-got*1000)).Set("at", num(int(max(at, row.At))))
		if fresh {
			c.If("attribute_not_exists({pk})")
		} else {
			c.If("{milli} = ? AND {at} = ?", num(row.Milli), num(int(row.At)))
		}
		if err = l.apply(ctx, c, "spend "+b.Name); err == nil {
			return got, nil
		}
		if !isConflict(err) {
			return 0, fmt.Errorf("ledger: %w", err)
		}
	}
	return 0, nil
}
