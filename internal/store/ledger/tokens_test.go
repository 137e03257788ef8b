package ledger_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/awstest"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

func TestABucketGivesWhatHasComeIntoIt(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	b := ledger.Bucket{Name: "B", PerSecond: 5, Size: 100}
	spend := func(n int, at time.Duration) int {
		t.Helper()
		got, err := l.Pace.Spend(t.Context(), b, n, start.Add(at))
		ok(t, err)
		return got
	}
	want(t, "full at first", spend(60, 0), 60)
	want(t, "what is left", spend(60, 0), 40)
	want(t, "empty", spend(1, 100*time.Millisecond), 0)
	want(t, "after a second", spend(10, time.Second), 5)
	want(t, "with a clock that is behind", spend(10, 0), 0)
	want(t, "full again, and not more", spend(1000, time.Hour), 100)
}

func TestABucketGivesNothingTwice(t *testing.T) {
	l := ledger.New(awstest.NewTable(), awstest.TableName)
	var all atomic.Int64
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 10 {
				n, err := l.Pace.Spend(t.Context(), ledger.Questions(), 7, start)
				if err != nil {
					t.Error(err)
				}
				all.Add(int64(n))
			}
		})
	}
	group.Wait()
	if all.Load() > 100 || all.Load() < 80 {
		t.Errorf("gave %d of 100", all.Load())
	}
}
