package engine

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ce873799/replayable-ingestion/replay"
)

// Many listeners handle the same messages at the same time while the replay is cancelled.
func TestManyListenersAtOnce(t *testing.T) {
	for seed := range uint64(40) {
		e, _ := quick(t)
		for i := range 12 {
			history(t, e, fmt.Sprint("r", i), 1+i%3)
		}
		body := `{"select":{"ownerId":"o1"},"reason":"a test"}`
		if seed%2 == 1 {
			body = `{"select":{"ownerId":"o1"},"versions":{"series":"all"},"reason":"a test"}`
		}
		before := len(e.Published)
		id := ask(t, e, body)
		bodies := drainToItems(t, e)
		var group sync.WaitGroup
		for i := range uint64(6) {
			rng := rand.New(rand.NewPCG(seed, i)) //nolint:gosec // a test's dice
			group.Go(func() {
				if i == 0 {
					cancel(t, e, id, 200)
					return
				}
				for _, n := range rng.Perm(len(bodies)) {
					answer, err := e.Listener.Handle(t.Context(), batch(bodies[n], bodies[(n+1)%len(bodies)]))
					if err != nil || len(answer.BatchItemFailures) > 0 {
						t.Errorf("got %+v, %v", answer, err)
					}
				}
			})
		}
		group.Wait()
		e.Pump()
		r := get(t, e, id)
		if r.Status != replay.Cancelled {
			t.Errorf("seed %d: got %s %+v, want it cancelled", seed, r.Status, r.Counts)
		}
		checkCounts(t, e, r)
		checkMetrics(t, e, r, true)
		checkRuns(t, e, r, before)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
