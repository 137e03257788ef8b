package engine

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/simtest"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Step Functions starts 300 executions a second, and DynamoDB cancels transactions that overlap. That must not make any
// message of such a replay need a second delivery.
func TestTransactionsOfAReplayDoNotMeet(t *testing.T) {
	tests := []struct {
		name      string
		resources int
		versions  int // of each, which run one after the other
		batch     int // messages of an invocation
		transacts time.Duration
		body      string
	}{
		{"transactions of 10 ms and full batches", 1500, 1, 10, 10 * time.Millisecond, `{"select":{"ownerId":"o1"},"reason":"a test"}`},
		{"transactions of 20 ms and a message an invocation", 1200, 1, 1, 20 * time.Millisecond,
			`{"select":{"all":true},"maxItems":1200,"maxFailures":10,"reason":"a test"}`},
		{"series of two versions", 500, 2, 1, 20 * time.Millisecond,
			`{"select":{"ownerId":"o1"},"versions":{"series":"all"},"reason":"a test"}`},
		{"series that maxItems has just room for", 500, 2, 1, 20 * time.Millisecond,
			`{"select":{"all":true},"versions":{"series":"all"},"maxItems":1000,"reason":"a test"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrowded(t, tt.transacts)
				for i := range tt.resources {
					history(t, c.e, fmt.Sprint("r", i), tt.versions)
				}
				c.replay(tt.body, tt.batch)

				r := get(t, c.e, c.id)
				all := tt.resources * tt.versions
				if want := (replay.Counts{Matched: all, Started: all, Succeeded: all}); r.Status != replay.Completed || r.Counts != want {
					t.Errorf("got %s with %+v, want COMPLETED with %+v", r.Status, r.Counts, want)
				}
				checkCounts(t, c.e, r)
				if n := c.again.Load(); n > 0 {
					t.Errorf("%d messages of %d need a second delivery, want none", n, 2*all)
				}
				writes, reads := c.table.Busiest(func(pk string) bool { // the rows of items are spread by their pages
					return pk == "P#"+c.id || strings.HasPrefix(pk, "P#"+c.id+"#COUNT#")
				})
				if writes > 500 || reads > 1500 { // half of the limits of a partition
					t.Errorf("a partition takes %.0f write units in a second and gives %.0f, want at most 500 and 1,500", writes, reads)
				}
				t.Logf("%d transactions were cancelled; a partition took %.0f write units in a second and gave %.0f",
					c.table.Cancelled, writes, reads)
			})
		})
	}
}

// crowded is an engine on a table whose transactions take time.
type crowded struct {
	*testing.T
	e     *Engine
	id    string
	table *awstest.Contended
	again atomic.Int64 // messages that need a redelivery
	under sync.WaitGroup
}

func newCrowded(t *testing.T, transacts time.Duration) *crowded {
	rng, mu := rand.New(rand.NewPCG(1, 2)), sync.Mutex{} //nolint:gosec // a test's dice
	table := awstest.NewContended(awstest.NewTable(), 3*time.Millisecond, func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return transacts/2 + time.Duration(rng.Int64N(int64(transacts)))
	})
	bucket := awstest.NewBucket()
	bucket.Now = time.Now
	e := wire(t, table, bucket, &Faults{}, Clock{Now: time.Now, SettleAfter: time.Hour}, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	e.Bucket = bucket
	return &crowded{T: t, e: e, table: table}
}

const (
	startsPerSecond = 300
	runs            = 2 * time.Second // an execution
)

// replay runs a replay to its end, with the given messages per second and per invocation.
func (c *crowded) replay(body string, size int) {
	c.Helper()
	c.id = ask(c.T, c.e, body)
	stop := c.workOff(size)
	before := replay.Counts{}
	for end := time.Now().Add(time.Minute); ; {
		time.Sleep(100 * time.Millisecond) // of the bubble's clock
		r := get(c, c.e, c.id)
		n := r.Counts
		if n.Succeeded < before.Succeeded || n.Started < before.Started || n.Matched < before.Matched ||
			n.Succeeded > n.Started || n.Started > n.Matched {
			c.Errorf("got %+v after %+v", n, before)
		}
		if before = n; r.Status.Final() || time.Now().After(end) {
			break
		}
	}
	stop()
}

// workOff simulates SQS, Lambda, Step Functions and EventBridge. It returns a function that stops them.
func (c *crowded) workOff(size int) (stop func()) {
	done := make(chan struct{})
	every := func(d time.Duration, do func()) {
		c.under.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(d):
					c.under.Go(do)
				}
			}
		})
	}
	var mu sync.Mutex
	var waiting, ended []string
	take := func(from *[]string, more ...string) []string {
		mu.Lock()
		defer mu.Unlock()
		all := append(*from, more...)
		n := min(size, len(all))
		*from = all[n:]
		return all[:n:n]
	}
	each := time.Second * time.Duration(size) / startsPerSecond
	every(each, func() {
		bodies := take(&waiting, c.e.Replays.TakeAll()...)
		for _, b := range bodies {
			if strings.Contains(b, `"tries"`) {
				c.again.Add(1)
			}
		}
		if len(bodies) > 0 {
			c.again.Add(int64(c.e.Listen(bodies...)))
		}
	})
	every(each/2, func() { // more than starts: series have ends of their own
		var ends []string
		for _, end := range c.e.TakeEnds() {
			ends = append(ends, end.Message)
		}
		if bodies := take(&ended, ends...); len(bodies) > 0 {
			answer, err := c.e.Tracker.Handle(c.Context(), simtest.Batch(bodies...))
			if err != nil {
				c.Error(err)
			}
			c.again.Add(int64(len(answer.BatchItemFailures)))
		}
	})
	c.e.Machine.Work = func(_, event string) (string, string) {
		time.Sleep(runs) // of the bubble's clock
		return event, ""
	}
	every(time.Second/startsPerSecond/2, func() { c.e.Machine.RunOne(c.Context()) })
	c.e.Series.Await = func(ctx context.Context, execution string) {
		for c.e.Machine.Status(execution) == types.ExecutionStatusRunning && ctx.Err() == nil {
			time.Sleep(50 * time.Millisecond) // of the bubble's clock
		}
	}
	every(time.Second/startsPerSecond/2, func() {
		if x, ok := c.e.Series.Next(); ok {
			c.e.Series.Run(c.Context(), x.Name)
		}
	})
	invoke := c.e.Invoke
	c.e.Invoke = func(ctx context.Context, function string, do func(context.Context) error) error {
		err := invoke(ctx, function, do)
		if err != nil && function == simtest.ReplaySeries {
			c.again.Add(1)
		}
		return err
	}
	return func() {
		close(done)
		c.under.Wait()
	}
}
