package demo

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"golang.org/x/sync/errgroup"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/replay"
)

// intro says what the reader is about to see. The figure is the number of events.
const intro = `
An importer takes in %d sales of King County, Washington. Its workflow is

    Record -> Enrich (asks a geocoder) -> premium? offer it to the sales team -> Publish -> SNS -> two subscribers

Record and Publish are what ReplayableIngestion adds to a workflow; the rest is the importer's own.`

const (
	producers   = 8   // executions started at the same time
	inQuiet     = 200 // events before the outage
	inOutage    = 40  // events during the outage
	timingOut   = 4   // events that meet a geocoder that never answers
	badListings = 3
)

// The geocoder's manners, as the example's parameter sets them.
const (
	geocoderOK          = "ok"
	geocoderUnavailable = "unavailable"
	geocoderHang        = "hang"
)

func (d *demo) tell(ctx context.Context) error {
	d.say(intro, len(d.events))
	for _, part := range []func(context.Context) error{d.quiet, d.outage, d.recovery, d.heal, d.byAPI} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) quiet(ctx context.Context) error {
	d.chapter("1. Events come in")
	if err := d.geocoder(ctx, geocoderOK); err != nil {
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
	if err := d.geocoder(ctx, geocoderUnavailable); err != nil {
		return err
	}
	broken := d.events[inQuiet : inQuiet+inOutage]
	if err := d.ingest(ctx, broken); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	if err := d.geocoder(ctx, geocoderHang); err != nil {
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
	all, err := d.ledgerRows(ctx)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, e := range all.executions {
		if e.Error != "" {
			count[e.Error]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		d.say("%4d failed with %s", count[name], name)
	}
	return nil
}

// bad makes listings that no enrichment can help: their price is below zero. Each is a new resource.
func (d *demo) bad() []event {
	bad := make([]event, badListings)
	for i, e := range d.events[:badListings] {
		id := fmt.Sprintf("bad-%d", i+1)
		raw := strings.Replace(e.raw, `"id":"`+e.resource+`"`, `"id":"`+id+`"`, 1)
		bad[i] = event{raw: strings.Replace(raw, `"priceUsd":`, `"priceUsd":-`, 1), resource: id, owner: e.owner}
	}
	return bad
}

// recovery brings the geocoder back and lets newer events of some failed listings overtake the replay of the old ones.
func (d *demo) recovery(ctx context.Context) error {
	d.chapter("3. The geocoder is back, and newer events come in")
	if err := d.geocoder(ctx, geocoderOK); err != nil {
		return err
	}
	rest := d.events[inQuiet+inOutage+timingOut:]
	if err := d.ingest(ctx, rest); err != nil {
		return err
	}
	failed := map[string]bool{}
	for _, e := range d.events[inQuiet : inQuiet+inOutage+timingOut] {
		failed[e.resource] = true
	}
	overtaken := 0
	for _, e := range rest {
		if failed[e.resource] {
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
		runs, err := d.executions(ctx)
		if err != nil {
			return false, err
		}
		rows, err := d.ledgerRows(ctx)
		if err != nil {
			return false, err
		}
		known, open := map[string]bool{}, 0
		for _, f := range rows.failures {
			known[f.Execution] = true
			if f.Status.Open() {
				open++
			}
		}
		for _, run := range runs {
			if run.failed() && !known[run.name] || !run.ended() {
				return false, nil
			}
		}
		return open == 0, nil
	})
	if err != nil {
		return err
	}
	rows, err := d.ledgerRows(ctx)
	if err != nil {
		return err
	}
	by := rows.byStatus()
	d.say("After %.0f s: %d failures healed by a replay, %d left to a newer event, %d quarantined.",
		time.Since(began).Seconds(), by[ledger.Healed], by[ledger.Superseded], by[ledger.Quarantined])
	if err := d.sayHistory(ctx, rows); err != nil {
		return err
	}
	d.say("\nThe quarantine, as GET /failures lists it:")
	var page replay.Failures
	if err := d.api.Get(ctx, "/failures", nil, &page); err != nil {
		return err
	}
	for _, f := range page.Failures {
		d.say("     %s  %s: %s", f.ResourceID, f.Error, firstLine(f.Cause))
	}
	return nil
}

// sayHistory shows what became of a listing whose older event failed and was overtaken by a newer one.
func (d *demo) sayHistory(ctx context.Context, all rows) error {
	i := slices.IndexFunc(all.failures, func(f ledger.Failure) bool { return f.Status == ledger.Superseded })
	if i < 0 {
		return nil
	}
	id := all.failures[i].ResourceID
	var page replay.History
	if err := d.api.Get(ctx, "/versions", url.Values{"resourceId": {id}}, &page); err != nil {
		return err
	}
	d.say("\nListing %s, as GET /versions?resourceId=%s lists it, newest first:", id, id)
	for _, v := range page.Versions {
		for _, e := range v.Executions {
			d.say("     version of %s  %s  %s %s", v.RecordedAt.Format(time.TimeOnly), e.Kind, e.Status, e.Error)
		}
	}
	return nil
}

// firstLine shows the message of a Lambda error, whose cause is a JSON document.
func firstLine(cause string) string {
	if _, rest, found := strings.Cut(cause, `"errorMessage":"`); found {
		cause, _, _ = strings.Cut(rest, `"`)
	} else if _, rest, found := strings.Cut(cause, `"errorMessage": "`); found {
		cause, _, _ = strings.Cut(rest, `"`)
	}
	line, _, _ := strings.Cut(cause, "\n")
	return line
}

func (d *demo) byAPI(ctx context.Context) error {
	d.chapter("5. A downstream service lost data, and asks for it again")
	one := d.events[0]
	if err := d.replay(ctx, map[string]any{
		"select": map[string]any{"resourceIds": []string{one.resource}},
		"reason": "the search index lost listing " + one.resource,
	}, "listing "+one.resource); err != nil {
		return err
	}
	agency := d.busiest()
	if err := d.replay(ctx, map[string]any{
		"select": map[string]any{"ownerId": agency},
		"reason": "the search index lost everything of " + agency,
	}, "every listing of "+agency); err != nil {
		return err
	}
	return d.settled(ctx)
}

func (d *demo) replay(ctx context.Context, request map[string]any, what string) error {
	accepted, err := d.api.Replay(ctx, request)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	r, err := d.api.Wait(limited, accepted.ReplayID)
	if err != nil {
		return err
	}
	d.say("Replay of %s: %d matched, %d succeeded, %d failed, %d skipped.",
		what, r.Counts.Matched, r.Counts.Succeeded, r.Counts.Failed, r.Counts.Skipped)
	return nil
}

// busiest returns the agency with the most events.
func (d *demo) busiest() string {
	count := map[string]int{}
	for _, e := range d.events {
		count[e.owner]++
	}
	best := ""
	for owner, n := range count {
		if n > count[best] || n == count[best] && owner < best {
			best = owner
		}
	}
	return best
}

// ingest starts an execution per event, as a producer does. Events of one resource keep their order.
func (d *demo) ingest(ctx context.Context, events []event) error {
	lanes := make([][]event, producers)
	for _, e := range events {
		lane := int(e.resource[len(e.resource)-1]) % producers
		lanes[lane] = append(lanes[lane], e)
	}
	group, gctx := errgroup.WithContext(ctx)
	for lane, events := range lanes {
		group.Go(func() error {
			for i, e := range events {
				name := fmt.Sprintf("sale-%s-%d-%d-%d", e.resource, time.Now().UnixMilli(), lane, i)
				_, err := d.machine.StartExecution(gctx, &sfn.StartExecutionInput{
					StateMachineArn: &d.StateMachineARN, Name: &name, Input: aws.String(e.raw),
				})
				if err != nil {
					return fmt.Errorf("ingest listing %s: %w", e.resource, err)
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
		runs, err := d.executions(ctx)
		if err != nil || slices.ContainsFunc(runs, func(r run) bool { return !r.ended() }) {
			return false, err
		}
		rows, err := d.ledgerRows(ctx)
		if err != nil {
			return false, err
		}
		return !slices.ContainsFunc(rows.executions, func(e ledger.Execution) bool { return !e.Status.Terminal() }), nil
	})
}

func (d *demo) geocoder(ctx context.Context, manner string) error {
	_, err := d.params.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &d.GeocoderParameter, Value: &manner, Overwrite: aws.Bool(true), Type: types.ParameterTypeString,
	})
	if err != nil {
		return fmt.Errorf("make the geocoder %s: %w", manner, err)
	}
	timer := time.NewTimer(1200 * time.Millisecond) // the function keeps what it read for a second
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
