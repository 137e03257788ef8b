package demo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/dev/sales"
)

const (
	producers   = 8 // executions started at the same time
	badListings = 3
)

// bad makes listings that no enrichment can help: their producer wrote -1 for the price, and the price into a field of
// its own. Each is a new resource, and all are of one agency.
func (d *demo) bad() []sales.Sale {
	bad := make([]sales.Sale, badListings)
	agency := d.agency(1)
	for i, e := range d.events[:badListings] {
		id := fmt.Sprintf("bad-%d", i+1)
		raw := strings.Replace(e.Raw, `"id":"`+e.Listing+`"`, `"id":"`+id+`"`, 1)
		raw = strings.Replace(raw, `"agencyId":"`+e.Agency+`"`, `"agencyId":"`+agency+`"`, 1)
		raw = strings.Replace(raw, `"priceUsd":`, `"priceUsd":-1,"askingPriceUsd":`, 1)
		bad[i] = sales.Sale{Raw: raw, Listing: id, Agency: agency}
	}
	return bad
}

// agency returns the agency with the most events, 0, or one of those that follow.
func (d *demo) agency(rank int) string {
	count := map[string]int{}
	for _, e := range d.events {
		count[e.Agency]++
	}
	owners := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], strings.Compare(a, b))
	})
	return owners[rank]
}

// soldAgain returns the listings with more than one event, in the order of their first ones.
func (d *demo) soldAgain() []string {
	count := map[string]int{}
	for _, e := range d.events {
		count[e.Listing]++
	}
	var ids []string
	for _, e := range d.events {
		if count[e.Listing] > 1 {
			ids = append(ids, e.Listing)
			count[e.Listing] = 0
		}
	}
	return ids
}

// ingest starts an execution per event, as a producer does. Events of one resource keep their order.
func (d *demo) ingest(ctx context.Context, events []sales.Sale) error {
	lanes := make([][]sales.Sale, producers)
	for _, e := range events {
		lane := int(e.Listing[len(e.Listing)-1]) % producers
		lanes[lane] = append(lanes[lane], e)
	}
	group, gctx := errgroup.WithContext(ctx)
	for lane, events := range lanes {
		group.Go(func() error {
			for i, e := range events {
				name := fmt.Sprintf("sale-%s-%d-%d-%d", e.Listing, time.Now().UnixMilli(), lane, i)
				if err := d.StartExecution(gctx, name, e.Raw); err != nil {
					return fmt.Errorf("ingest listing %s: %w", e.Listing, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// settled waits until nothing runs and the ledger knows how everything that has a row ended.
func (d *demo) settled(ctx context.Context) error {
	return until(ctx, 4*time.Minute, "all executions to end", func(ctx context.Context) (bool, error) {
		runs, err := d.Executions(ctx)
		if err != nil || slices.ContainsFunc(runs, func(r observe.Execution) bool { return !r.Ended() }) {
			return false, err
		}
		rows, err := d.Rows(ctx)
		if err != nil {
			return false, err
		}
		for _, e := range rows.Executions {
			if !e.Status.Terminal() {
				return false, nil
			}
		}
		return true, nil
	})
}
