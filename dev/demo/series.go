package demo

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
)

// inOrder replays the whole past of the listings that were sold more than once.
func (d *demo) inOrder(ctx context.Context) error {
	d.chapter("9. The past runs again, in order")
	d.say("Every version of the listings that were sold more than once, oldest first. Their ids come on standard input.")
	ids := strings.Join(d.soldAgain(), "\n")
	if _, err := d.replay(ctx, ids, "replay", "-f", "-", "--series", "--reason", "the search index wants the history of prices"); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	runs, err := d.Executions(ctx)
	if err != nil {
		return err
	}
	all, err := d.Rows(ctx)
	if err != nil {
		return err
	}
	series, err := d.seriesOf(ctx, runs, all)
	if err != nil {
		return err
	}
	slices.SortStableFunc(series, func(a, b []version) int { return len(b) - len(a) })
	if len(series) == 0 {
		return nil // the figures will tell
	}
	d.say("Listings run side by side, the versions of one never. Listing %s, as Step Functions has it:", series[0][0].resource)
	for _, v := range series[0] {
		d.say("     version of %s  started %s  ended %s", v.recorded.Format(clock),
			v.run.Started.UTC().Format(clock), v.run.Stopped.UTC().Format(clock))
	}
	return nil
}

const clock = "15:04:05.000"

// version is a version of a listing that ran in a series.
type version struct {
	resource string
	recorded time.Time
	age      int // how many versions of its listing the event log has that are newer
	run      observe.Execution
}

// seriesOf joins the items of replays with several versions of a resource to the executions that ran them.
func (d *demo) seriesOf(ctx context.Context, runs []observe.Execution, all observe.Rows) ([][]version, error) {
	type place struct {
		replay        string
		page, ordinal int
	}
	byName := map[string]observe.Execution{}
	for _, r := range runs {
		byName[r.Name] = r
	}
	recorded := map[string]time.Time{}
	for _, e := range all.Executions {
		recorded[e.Name] = e.RecordedAt.Time
	}
	items := map[place][]domain.Item{}
	var places []place
	for _, id := range slices.Sorted(maps.Keys(all.Items)) {
		for _, it := range all.Items[id] {
			p := place{it.ReplayID, it.Page, it.Ordinal}
			if items[p] == nil {
				places = append(places, p)
			}
			items[p] = append(items[p], it)
		}
	}
	var series [][]version
	for _, p := range places {
		if len(items[p]) < 2 {
			continue
		}
		slices.SortFunc(items[p], func(a, b domain.Item) int { return a.Index - b.Index })
		ages, err := d.ages(ctx, items[p][0].ResourceID)
		if err != nil {
			return nil, err
		}
		var one []version
		for _, it := range items[p] {
			name := it.ARN[strings.LastIndex(it.ARN, ":")+1:]
			if r, found := byName[name]; found {
				one = append(one, version{resource: it.ResourceID, recorded: recorded[name], age: ages[it.VersionID], run: r})
			}
		}
		series = append(series, one)
	}
	return series, nil
}

// ages counts for each version of a listing the newer ones. The log's order is the one that counts: events that are recorded
// at the same moment may be noted down by their functions' clocks the other way round.
func (d *demo) ages(ctx context.Context, resource string) (map[string]int, error) {
	ages := map[string]int{}
	for v, err := range eventlog.New(d.Bucket, d.EventLogBucket).Versions(ctx, resource, "") {
		if err != nil {
			return nil, err
		}
		ages[v.ID] = len(ages)
	}
	return ages, nil
}

// disorder counts the versions that started before the one ahead of them in their series had ended, or that are older
// than it in the event log.
func disorder(series [][]version) int {
	n := 0
	for _, s := range series {
		for i := 1; i < len(s); i++ {
			before, v := s[i-1], s[i]
			if v.run.Started.Before(before.run.Stopped) || v.age >= before.age {
				n++
			}
		}
	}
	return n
}
