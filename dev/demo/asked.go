package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/replay"
)

// object is a part of a request, as JSON has it.
type object = map[string]any

// again runs the workflow again for what a service lost.
func (d *demo) again(ctx context.Context) error {
	d.chapter("5. A downstream service lost data, and asks for it again")
	one := d.events[0].resource
	if _, err := d.replay(ctx, object{
		"select": object{"resourceIds": []string{one}},
		"reason": "the search index lost listing " + one,
	}, "Replay of listing "+one); err != nil {
		return err
	}
	agency := d.agency(0)
	if _, err := d.replay(ctx, object{
		"select": object{"ownerId": agency},
		"reason": "the search index lost everything of " + agency,
	}, "Replay of every listing of "+agency); err != nil {
		return err
	}
	return d.settled(ctx)
}

// correction is what the bad listings need: their price is in another field.
const correction = `[{"op": "move", "from": "/listing/askingPriceUsd", "path": "/listing/priceUsd"}]`

// correct replays the quarantine with a patch, first as a dry run.
func (d *demo) correct(ctx context.Context) error {
	d.chapter("7. The bad listings are corrected")
	d.say("Their producer wrote -1 into priceUsd, and the price into askingPriceUsd. A JSON Patch moves it:\n     %s", correction)
	request := object{
		"select":    object{"failures": object{"error": "InvalidListing"}},
		"transform": object{"jsonPatch": json.RawMessage(correction)},
		"reason":    "prices were sent in the wrong field",
	}
	if err := d.plan(ctx, request, "Dry run of it on what failed with InvalidListing"); err != nil {
		return err
	}
	if _, err := d.replay(ctx, request, "The same, for real"); err != nil {
		return err
	}
	if err := d.settled(ctx); err != nil {
		return err
	}
	var page replay.Failures
	if err := d.api.Get(ctx, "/failures", url.Values{"error": {"InvalidListing"}}, &page); err != nil {
		return err
	}
	d.say("GET /failures?error=InvalidListing lists %d now. The events in the log are as they were.", len(page.Failures))
	return nil
}

// tooMany is how many items the replay has that is stopped: a minute and a half of them.
const tooMany = 90

// tooMuch starts a slow replay and stops it on its way.
func (d *demo) tooMuch(ctx context.Context) error {
	d.chapter("10. A replay is stopped on its way")
	d.say("Somebody replays everything, %d listings at most, one per second, and finds that nobody needs it.", tooMany)
	accepted, err := d.api.Replay(ctx, object{
		"select": object{"all": true}, "maxItems": tooMany, "maxPerSecond": 1, "reason": "the search index lost them, or so it seemed",
	})
	if err != nil {
		return err
	}
	var r replay.Replay
	err = until(ctx, time.Minute, "the slow replay to start two items", func(ctx context.Context) (bool, error) {
		err := d.api.Get(ctx, "/replays/"+accepted.ReplayID, nil, &r)
		return r.Counts.Started >= 2, err
	})
	if err != nil {
		return err
	}
	d.sayCounts("Before", r)
	if _, err := d.api.Cancel(ctx, accepted.ReplayID); err != nil {
		return err
	}
	if r, err = d.wait(ctx, accepted.ReplayID); err != nil {
		return err
	}
	if r.Status != replay.Cancelled {
		return fmt.Errorf("replay %s is %s, want it cancelled", r.ReplayID, r.Status)
	}
	d.sayCounts("After POST /replays/{replayId}/cancel", r)
	return d.settled(ctx)
}

func (d *demo) sayCounts(what string, r replay.Replay) {
	c := r.Counts
	d.say("%s: %s, %d matched, %d started, %d succeeded, %d skipped.", what, r.Status, c.Matched, c.Started, c.Succeeded, c.Skipped)
}

// replay asks for a replay, waits for its end, and tells and returns its counts. Each item must succeed.
func (d *demo) replay(ctx context.Context, request object, what string) (replay.Counts, error) {
	accepted, err := d.api.Replay(ctx, request)
	if err != nil {
		return replay.Counts{}, err
	}
	r, err := d.wait(ctx, accepted.ReplayID)
	if err != nil {
		return r.Counts, err
	}
	d.say("%s: %d matched, %d succeeded, %d failed, %d skipped.",
		what, r.Counts.Matched, r.Counts.Succeeded, r.Counts.Failed, r.Counts.Skipped)
	if r.Status != replay.Completed || r.Counts.Matched == 0 || r.Counts.Succeeded != r.Counts.Matched {
		err = fmt.Errorf("replay %s (%s) is %s with %+v, want every item succeeded", r.ReplayID, r.Reason, r.Status, r.Counts)
	}
	return r.Counts, err
}

func (d *demo) wait(ctx context.Context, id string) (replay.Replay, error) {
	limited, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	return d.api.Wait(limited, id)
}

// plan asks for a dry run of a request, and shows what it says.
func (d *demo) plan(ctx context.Context, request object, what string) error {
	dry := object{"dryRun": true}
	for field, value := range request {
		dry[field] = value
	}
	accepted, err := d.api.Replay(ctx, dry)
	if err != nil {
		return err
	}
	r, err := d.wait(ctx, accepted.ReplayID)
	if err != nil {
		return err
	}
	if r.Plan == nil {
		return errors.New("the dry run has no plan")
	}
	d.say("%s: %d would run, %d would be skipped, %d would fail. Nothing was started.",
		what, r.Plan.Items, r.Plan.Skipped, r.Plan.Failed)
	plain := 0
	for _, it := range r.Plan.Sample {
		note := strings.ReplaceAll(it.Reason, it.VersionID, short(it.VersionID))
		switch changes, err := changesOf(it.Diff); {
		case err != nil:
			return err
		case len(changes) > 0:
			note = strings.Join(changes, ", ")
		case note == "":
			if plain++; plain > 2 {
				continue // they all look alike
			}
			note = "version " + short(it.VersionID)
		}
		d.say("     %-8s %-11s %s", strings.ToLower(string(it.Outcome)), it.ResourceID, note)
	}
	return nil
}

func short(versionID string) string {
	if len(versionID) > 8 {
		return versionID[:8] + "…"
	}
	return versionID
}

// changesOf reads the diff of a plan: RFC 6902 operations, each change with a test of the value from before ahead of it.
func changesOf(diff json.RawMessage) ([]string, error) {
	if len(diff) == 0 {
		return nil, nil
	}
	var operations []struct {
		Op    string          `json:"op"`
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(diff, &operations); err != nil {
		return nil, fmt.Errorf("read diff: %w", err)
	}
	before := map[string]string{}
	var changes []string
	for _, o := range operations {
		switch o.Op {
		case "test":
			before[o.Path] = string(o.Value)
		case "remove":
			changes = append(changes, fmt.Sprintf("%s: %s → gone", o.Path, before[o.Path]))
		case "add":
			changes = append(changes, fmt.Sprintf("%s: new, %s", o.Path, o.Value))
		default:
			changes = append(changes, fmt.Sprintf("%s: %s → %s", o.Path, before[o.Path], o.Value))
		}
	}
	return changes, nil
}
