package demo

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
)

// intro says what the reader is about to see. The figure is the number of events.
const intro = `
An importer takes in %d sales of King County, Washington. Its workflow is

    Record -> Enrich (asks a geocoder) -> premium? offer it to the sales team -> Publish -> SNS -> two subscribers

Record and Publish are what ReplayableIngestion adds to a workflow; the rest is the importer's own.`

const (
	inQuiet   = 200 // events before the outage
	inOutage  = 40  // events during the outage
	timingOut = 4   // events that meet a geocoder that never answers
)

func (d *demo) tell(ctx context.Context, parts ...func(context.Context) error) error {
	d.say(intro, len(d.events))
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) quiet(ctx context.Context) error {
	d.chapter("1. Events come in")
	if err := d.Geocoder(ctx, observe.GeocoderOK); err != nil {
		return err
	}
	if err := d.ingest(ctx, d.events[:inQuiet]); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	d.say("%d sales of King County were enriched and published. The event log has a version of each.", inQuiet)
	return nil
}

func (d *demo) outage(ctx context.Context) error {
	d.chapter("2. The geocoder breaks down, and some listings are bad")
	if err := d.Geocoder(ctx, observe.GeocoderUnavailable); err != nil {
		return err
	}
	broken := d.events[inQuiet : inQuiet+inOutage]
	if err := d.ingest(ctx, broken); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	if err := d.Geocoder(ctx, observe.GeocoderHang); err != nil {
		return err
	}
	hanging := d.events[inQuiet+inOutage : inQuiet+inOutage+timingOut]
	if err := d.ingest(ctx, hanging); err != nil {
		return err
	}
	if err := d.ingest(ctx, d.bad()); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	return d.sayErrors(ctx)
}

func (d *demo) sayErrors(ctx context.Context) error {
	all, err := d.Rows(ctx)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, e := range all.Executions {
		if e.Error != "" {
			count[e.Error]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		d.say("%4d failed with %s", count[name], name)
	}
	return nil
}

// recovery brings the geocoder back and lets newer events of some failed listings overtake the replay of the old ones.
func (d *demo) recovery(ctx context.Context) error {
	d.chapter("3. The geocoder is back, and newer events come in")
	if err := d.Geocoder(ctx, observe.GeocoderOK); err != nil {
		return err
	}
	rest := d.events[inQuiet+inOutage+timingOut:]
	if err := d.ingest(ctx, rest); err != nil {
		return err
	}
	failed := map[string]bool{}
	for _, e := range d.events[inQuiet : inQuiet+inOutage+timingOut] {
		failed[e.Listing] = true
	}
	overtaken := 0
	for _, e := range rest {
		if failed[e.Listing] {
			overtaken++
		}
	}
	d.say("%d sales more. %d of them are newer events of listings that had failed: replaying the old ones would undo them.",
		len(rest), overtaken)
	return d.settled(ctx)
}

// heal waits for the schedule: nothing here starts a replay.
func (d *demo) heal(ctx context.Context) error {
	d.chapter("4. Auto-replay takes care of the failures")
	d.say("Waiting for its schedule, which fires every minute…")
	began := time.Now()
	err := until(ctx, 6*time.Minute, "every failure to be decided on", func(ctx context.Context) (bool, error) {
		runs, err := d.Executions(ctx)
		if err != nil {
			return false, err
		}
		rows, err := d.Rows(ctx)
		if err != nil {
			return false, err
		}
		known, open := map[string]bool{}, 0
		for _, f := range rows.Failures {
			known[f.Execution] = true
			if f.Status.Open() {
				open++
			}
		}
		for _, run := range runs {
			if run.Failed() && !known[run.Name] || !run.Ended() {
				return false, nil
			}
		}
		return open == 0, nil
	})
	if err != nil {
		return err
	}
	rows, err := d.Rows(ctx)
	if err != nil {
		return err
	}
	by := byStatus(rows)
	d.say("After %.0f s: %d failures healed by a replay, %d left to a newer event, %d quarantined.",
		time.Since(began).Seconds(), by[domain.Healed], by[domain.Superseded], by[domain.Quarantined])
	if err := d.sayHistory(ctx, rows); err != nil {
		return err
	}
	d.say("\nWhat needs a person:")
	_, err = d.runAndShow(ctx, "failures")
	return err
}

// sayHistory shows what became of a listing whose older event failed and was overtaken by a newer one.
func (d *demo) sayHistory(ctx context.Context, all observe.Rows) error {
	id := ""
	for _, key := range slices.Sorted(maps.Keys(all.Failures)) {
		if f := all.Failures[key]; id == "" && f.Status == domain.Superseded {
			id = f.ResourceID
		}
	}
	if id == "" {
		return nil
	}
	d.say("\nListing %s failed, and a newer event of it came:", id)
	_, err := d.runAndShow(ctx, "history", id)
	return err
}
