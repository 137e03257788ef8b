package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/internal/ctl/exit"
	"github.com/ce873799/replayable-ingestion/replay"
)

// object is a part of a document, as JSON has it.
type object = map[string]any

// again runs the workflow again for what a service lost.
func (d *demo) again(ctx context.Context) error {
	d.chapter("5. A downstream service lost data, and asks for it again")
	one := d.events[0].Listing
	if _, err := d.replay(ctx, "", "replay", one, "--reason", "the search index lost listing "+one); err != nil {
		return err
	}
	agency := d.agency(0)
	if _, err := d.replay(ctx, "", "replay", "--owner", agency, "--reason", "the search index lost everything of "+agency); err != nil {
		return err
	}
	return d.settled(ctx)
}

// correction is what the bad listings need: their price is in another field.
const correction = `[{"op": "move", "from": "/listing/askingPriceUsd", "path": "/listing/priceUsd"}]`

// correct shows what failed, plans a replay of it with a patch, and applies the plan.
func (d *demo) correct(ctx context.Context) error {
	d.chapter("7. The bad listings are corrected")
	if _, err := d.runAndShow(ctx, "failures"); err != nil {
		return err
	}
	d.say("Their producer wrote -1 into priceUsd, and the price into askingPriceUsd. A JSON Patch moves it.")
	planned, err := d.runAndShow(ctx, "replay", "--failures", "--error", "InvalidListing", "--json-patch", correction,
		"--reason", "prices were sent in the wrong field", "--plan")
	if err != nil {
		return err
	}
	plan, err := d.replayOf(ctx, planned.data)
	if err != nil {
		return err
	}
	if _, err := d.replay(ctx, "", "apply", plan.ReplayID, "--hash", plan.Plan.PlanHash); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	left, err := d.runAndShow(ctx, "failures", "--error", "InvalidListing")
	if err != nil {
		return err
	}
	d.show(left.log)
	d.say("The events in the log are as they were: the next replay would undo the patch.")
	return d.forGood(ctx)
}

// tooMany is how many items the replay has that is stopped: a minute and a half of them.
const tooMany = 90

// tooMuch starts a slow replay, pauses it, lets it go on, and stops it on its way.
func (d *demo) tooMuch(ctx context.Context) error {
	d.chapter("10. A replay is paused, resumed, and stopped on its way")
	d.say("An operator replays everything, %d listings at most, one per second, and finds that it is not needed.", tooMany)
	started, err := d.runAndShow(ctx, "replay", "--all", "--max-items", fmt.Sprint(tooMany), "--max-per-second", "1",
		"--reason", "the search index lost them, or so it seemed", "--yes")
	if err != nil {
		return err
	}
	id := strings.TrimSpace(started.data)
	err = until(ctx, time.Minute, "the slow replay to start two items", func(ctx context.Context) (bool, error) {
		r, err := d.replayOf(ctx, id)
		return r.Counts.Started >= 2, err
	})
	if err != nil {
		return err
	}
	paused, err := d.runAndShow(ctx, "pause", id, "--reason", "the search index has to catch up")
	if err != nil {
		return err
	}
	d.show(paused.log)
	before, err := d.quietStarts(ctx, id)
	if err != nil {
		return err
	}
	d.say("%d items have started, and while it is paused, no other does.", before)
	if _, err := d.run(ctx, "resume", id); err != nil {
		return err
	}
	err = until(ctx, time.Minute, "the replay to go on", func(ctx context.Context) (bool, error) {
		r, err := d.replayOf(ctx, id)
		return r.Counts.Started > before, err
	})
	if err != nil {
		return err
	}
	if _, err := d.run(ctx, "cancel", id); err != nil {
		return err
	}
	stopped := d.operate(ctx, "", "status", id, "--wait")
	if err := stopped.must(exit.Stopped); err != nil {
		return err
	}
	d.show(stopped.data)
	r, err := d.replayOf(ctx, id)
	if err != nil {
		return err
	}
	if r.Status != replay.Cancelled {
		return fmt.Errorf("replay %s is %s, want it cancelled", r.ReplayID, r.Status)
	}
	return d.settled(ctx)
}

// quietStarts waits until no more items of a paused replay have started for a while, as those that were bound do, and
// returns how many have.
func (d *demo) quietStarts(ctx context.Context, id string) (started int, err error) {
	const quiet = 5 * time.Second
	since := time.Now()
	err = until(ctx, time.Minute, "the paused replay to be quiet", func(ctx context.Context) (bool, error) {
		r, err := d.replayOf(ctx, id)
		if r.Counts.Started != started {
			started, since = r.Counts.Started, time.Now()
		}
		return time.Since(since) > quiet, err
	})
	return started, err
}

// corrections is how many events are corrected for good: each has a version of its own.
const corrections = 1

// forGood corrects one event in the log, and replays it to show that the correction stays.
func (d *demo) forGood(ctx context.Context) error {
	d.say("One of them is corrected for good: a later replay takes the corrected version.")
	if _, err := d.run(ctx, "correct", "bad-1", "--json-patch", correction, "--reason", "the price was in the wrong field", "--wait"); err != nil {
		return err
	}
	if _, err := d.replay(ctx, "", "replay", "bad-1", "--reason", "the search index lost it"); err != nil {
		return err
	}
	if _, err := d.runAndShow(ctx, "history", "bad-1"); err != nil {
		return err
	}
	return d.settled(ctx)
}
