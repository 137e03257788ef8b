package chaos

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ce873799/replayable-ingestion/dev/sales"
)

// listings are sales of King County, Washington (public records, CC0), in date order. Among them are all events of the
// 176 listings that were sold more than once.
//
//go:embed testdata/listings.jsonl.gz
var listings []byte

// MaxEvents is how many real events there are.
const MaxEvents = 2250

// event is what a producer sends.
type event struct {
	name     string
	raw      string
	resource string // empty: the event has no usable id
	owner    string
	twice    bool // the producer starts it twice, not knowing whether the first time worked
	abort    bool // it is stopped at once
	unkept   bool // S3 refuses it for as long as its execution tries
	remove   bool // the object of its resource is deleted soon after
}

// Shares of events that are something special.
const (
	badShare      = 0.01  // a price below zero, which no replay can help
	unusableShare = 0.005 // no id
	twiceShare    = 0.05
	abortShare    = 0.01
	unkeptShare   = 0.04
	removeShare   = 0.04
	nearShare     = 0.7 // of the later events of a listing: they come soon after the earlier one
	nearMost      = 40  // events between the two
)

// load returns n real events in the order in which they are sent: their own, but for later events of a listing, most of
// which come soon after the earlier one here, as a newer event that overtakes a failed one is what matters.
func load(seed uint64, n int) ([]event, error) {
	all, err := parse()
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(seed, streamEvents)) //nolint:gosec // reproducible on purpose
	all = together(random, all, n)
	more := rand.New(rand.NewPCG(seed, streamRefusals)) //nolint:gosec // reproducible on purpose
	extra := []event{}
	for i := range all {
		e := &all[i]
		e.name = fmt.Sprintf("sale-%s-%d", e.resource, i)
		e.twice, e.abort = random.Float64() < twiceShare, random.Float64() < abortShare
		e.unkept, e.remove = more.Float64() < unkeptShare, more.Float64() < removeShare
		switch roll := random.Float64(); {
		case roll < badShare:
			extra = append(extra, spoiled(*e, i, `"bad-`, `"priceUsd":`, `"priceUsd":-`))
		case roll < badShare+unusableShare:
			x := spoiled(*e, i, `"none-`, `"id":`, `"number":`)
			x.resource = ""
			extra = append(extra, x)
		}
	}
	for _, e := range extra {
		all = slices.Insert(all, random.IntN(len(all)+1), e)
	}
	return all, nil
}

func parse() ([]event, error) {
	listed, err := sales.Unzip(listings, 0)
	all := make([]event, len(listed))
	for i, s := range listed {
		all[i] = event{raw: s.Raw, resource: s.Listing, owner: s.Agency}
	}
	return all, err
}

// together takes n events, listings with several events first, and keeps the order of each listing.
func together(random *rand.Rand, all []event, n int) []event {
	events := map[string][]event{}
	for _, e := range all {
		events[e.resource] = append(events[e.resource], e)
	}
	ids := sorted(events)
	random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	slices.SortStableFunc(ids, func(a, b string) int { return min(len(events[b]), 2) - min(len(events[a]), 2) })
	places := map[string]bool{}
	left := n
	for _, id := range ids {
		if left >= len(events[id]) {
			places[id] = true
			left -= len(events[id])
		}
	}
	var order []event
	for _, e := range all {
		if places[e.resource] {
			order = append(order, e)
		}
	}
	return nearer(random, order)
}

// nearer moves later events of a listing forward, each at most once.
func nearer(random *rand.Rand, order []event) []event {
	last := map[string]int{}
	for i := 0; i < len(order); i++ {
		e := order[i]
		before, again := last[e.resource]
		if to := before + 1 + random.IntN(nearMost); again && to < i && random.Float64() < nearShare {
			order = slices.Insert(slices.Delete(order, i, i+1), to, e)
			for j := range order[:i+1] { // places have moved
				last[order[j].resource] = j
			}
			continue
		}
		last[e.resource] = i
	}
	return order
}

// spoiled makes a bad event of a good one, about a resource of its own.
func spoiled(e event, i int, prefix, from, to string) event {
	id := fmt.Sprintf("%s%d", strings.TrimPrefix(prefix, `"`), i)
	raw := strings.Replace(e.raw, `"id":"`+e.resource+`"`, `"id":"`+id+`"`, 1)
	raw = strings.Replace(raw, from, to, 1)
	return event{name: "sale-" + id, raw: raw, resource: id, owner: e.owner}
}
