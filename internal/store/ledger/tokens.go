package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Bucket is a token bucket: unspent tokens are kept, up to a size. It is for few callers, each of which takes many
// tokens at once.
type Bucket struct {
	Name      string
	PerSecond float64
	Size      int
}

// Questions is the budget of all functions for DescribeExecution and GetExecutionHistory. In most Regions, the quotas
// refill at 10 calls a second for DescribeExecution and 20 for GetExecutionHistory ("Quotas related to API action
// throttling", Step Functions Developer Guide), and other users of the account need some of them.
func Questions() Bucket { return Bucket{Name: "QUESTIONS", PerSecond: 5, Size: 100} }

// bucketRow has the tokens, in thousandths, and when they were counted.
type bucketRow struct {
	Milli int   `row:"milli"`
	At    int64 `row:"at"` // in milliseconds since the epoch
}

const (
	bucketSort = "BUCKET"
	// spendTries bounds how often a spend may lose to others.
	spendTries = 5
)

// Tokens are those of one bucket.
type Tokens struct {
	pace   *Pace
	bucket Bucket
}

// Tokens returns the tokens of a bucket.
func (l *Pace) Tokens(b Bucket) Tokens { return Tokens{l, b} }

// Spend takes up to n tokens out of the bucket, and returns how many it took.
func (t Tokens) Spend(ctx context.Context, n int, now time.Time) (int, error) {
	return t.pace.Spend(ctx, t.bucket, n, now)
}

// Spend takes up to n tokens out of a bucket, and returns how many it took.
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
