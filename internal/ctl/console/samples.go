package console

import (
	"slices"
	"sync"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// How many samples are kept while the console runs. Open pages read one every few seconds.
const (
	maxSamples  = 720
	groupsEvery = 10 * time.Second
	countsEvery = time.Second
	maxFollowed = 50 // replays
)

// past has what pages have read, because the API returns only the present state.
type past struct {
	mu      sync.Mutex
	groups  []groupSample
	replays map[string][]countSample
	order   []string // ids of replays, oldest first
}

type groupSample struct {
	at     time.Time
	counts map[string]int // by error
}

type countSample struct {
	at     time.Time
	counts replay.Counts
}

func newPast() *past { return &past{replays: map[string][]countSample{}} }

// keepGroups keeps the counts of failures. The first ones come with the counts of an hour ago, which begin the plot.
func (p *past) keepGroups(now time.Time, g replay.FailureGroups) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.groups) == 0 && g.BeforeAt != nil {
		before := groupSample{at: *g.BeforeAt, counts: map[string]int{}}
		for _, one := range g.Groups {
			if one.Before != nil {
				before.counts[one.Error] += *one.Before
			}
		}
		p.groups = append(p.groups, before)
	}
	if n := len(p.groups); n > 1 && p.groups[n-1].at.Sub(p.groups[n-2].at) < groupsEvery {
		p.groups = p.groups[:n-1] // the new sample replaces one that is too close to that before it
	}
	s := groupSample{at: now, counts: map[string]int{}}
	for _, one := range g.Groups {
		s.counts[one.Error] += one.Count
	}
	p.groups = append(p.groups, s)
	if len(p.groups) > maxSamples {
		p.groups = slices.Delete(p.groups, 0, 1)
	}
}

func (p *past) groupSamples() []groupSample {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.groups)
}

// keepCounts keeps the counts of a replay, and returns all that are kept.
func (p *past) keepCounts(now time.Time, id string, counts replay.Counts) []countSample {
	p.mu.Lock()
	defer p.mu.Unlock()
	all, known := p.replays[id]
	if !known {
		if p.order = append(p.order, id); len(p.order) > maxFollowed {
			delete(p.replays, p.order[0])
			p.order = p.order[1:]
		}
	}
	if n := len(all); n == 0 || now.Sub(all[n-1].at) >= countsEvery {
		if all = append(all, countSample{now, counts}); len(all) > maxSamples {
			all = slices.Delete(all, 0, 1)
		}
	}
	p.replays[id] = all
	return slices.Clone(all)
}
