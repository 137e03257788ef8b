package demo

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ce873799/replayable-ingestion/dev/observe"
	"github.com/ce873799/replayable-ingestion/internal/domain"
	"github.com/ce873799/replayable-ingestion/internal/schema"
	"github.com/ce873799/replayable-ingestion/replay"
)

// Figures are what the demo ends with.
type Figures struct {
	// Of events, and of what happened to them by itself.
	Ingested         int `json:"ingested"`         // live executions in Step Functions
	RecordedVersions int `json:"recordedVersions"` // in the event log
	Succeeded        int `json:"succeeded"`        // live executions that succeeded by themselves
	Failed           int `json:"failed"`           // live executions that failed or timed out
	AutoReplayed     int `json:"autoReplayed"`     // executions that auto-replay started
	Healed           int `json:"healed"`           // failures that a replay healed, in the ledger
	Superseded       int `json:"superseded"`       // failures left to a newer event
	Quarantined      int `json:"quarantined"`      // failures kept for a person

	// Of replays that people asked for.
	Replays          int `json:"replays"`          // in the ledger, dry runs included
	Planned          int `json:"planned"`          // items of dry runs that would have run, in the ledger
	StartedByDryRuns int `json:"startedByDryRuns"` // executions of dry runs: must be 0
	APIReplayed      int `json:"apiReplayed"`      // executions that the replay API started, in Step Functions
	StartedItems     int `json:"startedItems"`     // items of reruns that started, in the ledger
	Corrected        int `json:"corrected"`        // events that a patch changed, in the bucket beside the log
	InSeries         int `json:"inSeries"`         // executions of them that ran in a series, in Step Functions
	OutOfOrder       int `json:"outOfOrder"`       // those that did not wait for the one ahead of them: must be 0
	Republished      int `json:"republished"`      // outputs sent again without an execution, in the ledger
	Cancelled        int `json:"cancelled"`        // items that a cancelled replay skipped, in the ledger
	BeforeCancel     int `json:"beforeCancel"`     // items of it that had started, in the ledger
	Miscounted       int `json:"miscounted"`       // replays whose counts do not equal their items: must be 0

	// Of what came out.
	Published          int     `json:"published"`          // executions that published, in the ledger
	StoredOutputs      int     `json:"storedOutputs"`      // outputs kept in the bucket
	ReceivedDownstream int     `json:"receivedDownstream"` // messages of the subscriber that takes everything
	ReceivedLive       int     `json:"receivedLive"`       // messages of the subscriber that filters replays out
	LiveReplays        int     `json:"liveReplays"`        // replays among those: must be 0
	ReceivedTargeted   int     `json:"receivedTargeted"`   // messages of the subscriber that is a target
	OthersReplays      int     `json:"othersReplays"`      // those among them that were not meant for it: must be 0
	Repeated           int     `json:"repeated"`           // messages that came once more: SNS and SQS deliver at least once
	PremiumOffers      int     `json:"premiumOffers"`      // the workflow's side effect, which replays do not repeat
	DeadLetters        int     `json:"deadLetters"`        // left in the dead-letter queue
	Lost               int     `json:"lost"`               // events whose outcome is unknown: must be 0
	Seconds            float64 `json:"seconds"`            // of the story, without the deployment
}

func (d *demo) figures(ctx context.Context) (Figures, error) {
	f := Figures{Seconds: math.Round(time.Since(d.started).Seconds()*10) / 10}
	runs, err := d.Executions(ctx)
	if err != nil {
		return f, err
	}
	all, err := d.Rows(ctx)
	if err != nil {
		return f, err
	}
	f.countRuns(runs)
	f.countRows(all)
	f.countReplays(all)
	series, err := d.seriesOf(ctx, runs, all)
	if err != nil {
		return f, err
	}
	f.countSeries(series)
	f.Lost = lost(runs, all)
	return f, errors.Join(d.countObjects(ctx, &f), d.countMessages(ctx, &f))
}

func (d *demo) countObjects(ctx context.Context, f *Figures) error {
	var errs []error
	count := func(into *int, n int, err error) {
		*into = n
		errs = append(errs, err)
	}
	n, err := d.versions(ctx)
	count(&f.RecordedVersions, n, err)
	n, err = d.objects(ctx, schema.OutputsPrefix)
	count(&f.StoredOutputs, n, err)
	n, err = d.objects(ctx, schema.DerivedPrefix)
	count(&f.Corrected, n, err)
	return errors.Join(errs...)
}

func (d *demo) countMessages(ctx context.Context, f *Figures) error {
	var errs []error
	for _, q := range []struct {
		url     string
		all     *int
		odd     *int // those with this attribute
		with    string
		without string
	}{
		{url: d.DownstreamQueueURL, all: &f.ReceivedDownstream},
		{url: d.DownstreamLiveQueueURL, all: &f.ReceivedLive, odd: &f.LiveReplays, with: "isReplay", without: "false"},
		{url: d.priceMapURL, all: &f.ReceivedTargeted, odd: &f.OthersReplays, with: "target", without: priceMap},
	} {
		messages, repeated, err := d.received(ctx, q.url)
		errs = append(errs, err)
		*q.all = len(messages)
		f.Repeated += repeated
		for _, attributes := range messages {
			if q.odd != nil && attributes[q.with] != q.without {
				*q.odd++
			}
		}
	}
	var err error
	f.PremiumOffers, err = d.Queued(ctx, d.PremiumQueueURL)
	errs = append(errs, err)
	f.DeadLetters, err = d.Queued(ctx, d.DeadLetterQueueURL)
	return errors.Join(append(errs, err)...)
}

func (f *Figures) countRuns(runs []observe.Execution) {
	for _, r := range runs {
		switch {
		case r.Automatic():
			f.AutoReplayed++
		case r.Requested():
			f.APIReplayed++
		default:
			f.Ingested++
			if r.Status == domain.Succeeded {
				f.Succeeded++
			}
			if r.Failed() {
				f.Failed++
			}
		}
	}
}

func (f *Figures) countRows(all observe.Rows) {
	by := byStatus(all)
	f.Healed, f.Superseded, f.Quarantined = by[domain.Healed], by[domain.Superseded], by[domain.Quarantined]
	for _, e := range all.Executions {
		if !e.PublishedAt.IsZero() {
			f.Published++
		}
	}
}

func (f *Figures) countReplays(all observe.Rows) {
	byID := map[string]domain.Replay{}
	counted := map[string]*replay.Counts{}
	for _, r := range all.Replays {
		f.Replays++
		byID[r.ID], counted[r.ID] = r, &replay.Counts{}
	}
	for _, it := range slices.Concat(slices.Collect(maps.Values(all.Items))...) {
		r, c := byID[it.ReplayID], counted[it.ReplayID]
		c.Matched++
		if it.ARN != "" {
			c.Started++
		}
		switch it.Outcome {
		case replay.Succeeded:
			c.Succeeded++
		case replay.Failed:
			c.Failed++
		case replay.Skipped:
			c.Skipped++
		case replay.WouldRun:
			f.Planned++
		}
		switch {
		case r.Action == replay.Republish && it.Outcome == replay.Succeeded:
			f.Republished++
		case (r.Action == replay.Rerun || r.Action == replay.Correct) && it.ARN != "":
			f.StartedItems++
		}
		if r.Status == replay.Cancelled {
			if it.Outcome == replay.Skipped {
				f.Cancelled++
			} else {
				f.BeforeCancel++
			}
		}
	}
	for id, r := range byID {
		if r.Counts() != *counted[id] {
			f.Miscounted++
		}
	}
	for _, e := range all.Executions {
		if byID[e.ReplayID].DryRun {
			f.StartedByDryRuns++
		}
	}
}

func (f *Figures) countSeries(series [][]version) {
	for _, s := range series {
		f.InSeries += len(s)
	}
	f.OutOfOrder = disorder(series)
}

// lost counts the events received that are none of succeeded, superseded, quarantined, aborted, running or waiting.
func lost(runs []observe.Execution, all observe.Rows) int {
	// The last failure of a lineage decides; those before it are closed as FAILED_AGAIN.
	accounted := map[string]bool{}
	for _, f := range all.Failures {
		if f.Status != domain.FailedAgain {
			root, _, _ := strings.Cut(f.Root, "#") // a redriven run begins a lineage of its own
			accounted[root] = true
		}
	}
	n := 0
	for _, r := range runs {
		if r.Live() && r.Failed() && !accounted[r.Name] {
			n++
		}
	}
	return n
}
