package autoreplay

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/ce873799/replayable-ingestion/internal/domain"
)

const (
	// atOnce is how many failures are decided on at the same time, if there are many.
	atOnce = 16
	// fewFailures are decided on one after the other.
	fewFailures = 10
)

// each calls do for failures, several at a time if there are many. Each worker has a copy of the run, and their sums
// are added afterwards.
func (r *run) each(failures []domain.Failure, do func(*run, domain.Failure)) {
	if len(failures) <= fewFailures || r.mayStart() && r.maySend() < len(failures) { // or the workers would send too many
		for _, f := range failures {
			do(r, f)
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	parts := make([]*run, atOnce)
	for i := range parts {
		part := r.copy()
		part.sum = Summary{Paused: r.sum.Paused}
		parts[i] = part
		group.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(failures)); n = next.Add(1) - 1 {
				do(part, failures[n])
			}
		})
	}
	group.Wait()
	for _, part := range parts {
		r.sum.add(part.sum)
		maps.Copy(r.storms, part.storms)
		maps.Copy(r.begun, part.begun)
		maps.Copy(r.held, part.held)
		r.lookUps = max(r.lookUps, part.lookUps)
	}
}

// add adds the counts of another part.
func (s *Summary) add(o Summary) {
	s.DeadLetters += o.DeadLetters
	s.Settled += o.Settled
	s.Replayed += o.Replayed
	s.Probes += o.Probes
	s.Held += o.Held
	s.Quarantined += o.Quarantined
	s.Superseded += o.Superseded
	s.Waiting += o.Waiting
	s.Unaccounted += o.Unaccounted
	s.Restored += o.Restored
	s.Errors += o.Errors
}
