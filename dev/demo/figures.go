package demo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// Figures are what the demo ends with.
type Figures struct {
	Ingested           int     `json:"ingested"`           // live executions in Step Functions
	RecordedVersions   int     `json:"recordedVersions"`   // in the event log
	Succeeded          int     `json:"succeeded"`          // live executions that succeeded by themselves
	Failed             int     `json:"failed"`             // live executions that failed or timed out
	AutoReplayed       int     `json:"autoReplayed"`       // executions that auto-replay started
	Healed             int     `json:"healed"`             // failures that a replay healed, in the ledger
	Superseded         int     `json:"superseded"`         // failures left to a newer event
	Quarantined        int     `json:"quarantined"`        // failures kept for a person
	APIReplayed        int     `json:"apiReplayed"`        // executions that the replay API started
	Published          int     `json:"published"`          // executions that published, in the ledger
	StoredOutputs      int     `json:"storedOutputs"`      // outputs kept in the bucket
	ReceivedDownstream int     `json:"receivedDownstream"` // messages of the subscriber that takes everything
	ReceivedLive       int     `json:"receivedLive"`       // messages of the subscriber that filters replays out
	LiveReplays        int     `json:"liveReplays"`        // replays among those: must be 0
	PremiumOffers      int     `json:"premiumOffers"`      // the workflow's side effect, which replays do not repeat
	DeadLetters        int     `json:"deadLetters"`        // left in the dead-letter queue
	Lost               int     `json:"lost"`               // events of which nobody knows what became: must be 0
	Seconds            float64 `json:"seconds"`            // of the story, without the deployment
}

func (d *demo) figures(ctx context.Context) (Figures, error) {
	f := Figures{Seconds: math.Round(time.Since(d.started).Seconds()*10) / 10}
	runs, err := d.executions(ctx)
	if err != nil {
		return f, err
	}
	all, err := d.ledgerRows(ctx)
	if err != nil {
		return f, err
	}
	f.countRuns(runs)
	f.countRows(all)
	f.Lost = lost(runs, all)
	var errs []error
	count := func(into *int, n int, err error) {
		*into = n
		errs = append(errs, err)
	}
	n, err := d.versions(ctx)
	count(&f.RecordedVersions, n, err)
	n, err = d.objects(ctx, schema.OutputsPrefix)
	count(&f.StoredOutputs, n, err)
	n, _, err = d.received(ctx, d.DownstreamQueueURL)
	count(&f.ReceivedDownstream, n, err)
	n, f.LiveReplays, err = d.received(ctx, d.DownstreamLiveQueueURL)
	count(&f.ReceivedLive, n, err)
	n, err = d.queued(ctx, d.PremiumQueueURL)
	count(&f.PremiumOffers, n, err)
	n, err = d.queued(ctx, d.DeadLetterQueueURL)
	count(&f.DeadLetters, n, err)
	return f, errors.Join(errs...)
}

func (f *Figures) countRuns(runs []run) {
	for _, r := range runs {
		switch {
		case r.auto():
			f.AutoReplayed++
		case r.api():
			f.APIReplayed++
		default:
			f.Ingested++
			if r.status == sfntypes.ExecutionStatusSucceeded {
				f.Succeeded++
			}
			if r.failed() {
				f.Failed++
			}
		}
	}
}

func (f *Figures) countRows(all rows) {
	by := all.byStatus()
	f.Healed, f.Superseded, f.Quarantined = by[ledger.Healed], by[ledger.Superseded], by[ledger.Quarantined]
	for _, e := range all.executions {
		if !e.PublishedAt.IsZero() {
			f.Published++
		}
	}
}

// lost counts the events received that are none of succeeded, superseded, quarantined, aborted, running or waiting.
func lost(runs []run, all rows) int {
	// The last failure of a lineage decides; those before it are closed as FAILED_AGAIN.
	accounted := map[string]bool{}
	for _, f := range all.failures {
		if f.Status != ledger.FailedAgain {
			root, _, _ := strings.Cut(f.Root, "#") // a redriven run begins a lineage of its own
			accounted[root] = true
		}
	}
	n := 0
	for _, r := range runs {
		if r.live() && r.failed() && !accounted[r.name] {
			n++
		}
	}
	return n
}

func (d *demo) printTable(f Figures) {
	d.chapter("What became of them (each figure is read back from where it says)")
	row := func(n int, what, where string) { d.say("%6d  %-48s %s", n, what, where) }
	row(f.Ingested, "events ingested", "Step Functions")
	row(f.RecordedVersions, "versions recorded in the event log", "S3")
	row(f.Succeeded, "succeeded at once", "Step Functions")
	row(f.Failed, "failed at first", "Step Functions")
	row(f.AutoReplayed, "automatic replays", "Step Functions")
	row(f.Healed, "failures healed by a replay", "ledger")
	row(f.Superseded, "failures superseded by a newer event", "ledger")
	row(f.Quarantined, "failures quarantined", "ledger")
	row(f.APIReplayed, "replays asked for by API", "Step Functions")
	row(f.Published, "outputs published", "ledger")
	row(f.ReceivedDownstream, "messages at the downstream service", "SQS")
	row(f.ReceivedLive, "messages at the service that filters replays out", "SQS")
	row(f.LiveReplays, "replays among those", "SQS")
	row(f.PremiumOffers, "premium listings offered, no replay among them", "SQS")
	row(f.DeadLetters, "dead letters left", "SQS")
	row(f.Lost, "LOST", "ledger and Step Functions")
	d.say("\n%.0f s, without the deployment.", f.Seconds)
}

// check compares the figures with each other.
func (f Figures) check() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(f.Lost == 0, "%d events are lost", f.Lost)
	want(f.RecordedVersions == f.Ingested, "%d versions of %d events", f.RecordedVersions, f.Ingested)
	want(f.Failed == f.Healed+f.Superseded+f.Quarantined, "%d failures, but %d healed, %d superseded and %d quarantined",
		f.Failed, f.Healed, f.Superseded, f.Quarantined)
	want(f.ReceivedDownstream == f.Published, "%d published, but %d received", f.Published, f.ReceivedDownstream)
	want(f.LiveReplays == 0, "%d replays passed the filter", f.LiveReplays)
	want(f.ReceivedLive == f.Succeeded, "%d live events succeeded, but the filtering subscriber received %d", f.Succeeded, f.ReceivedLive)
	want(f.DeadLetters == 0, "%d dead letters are left", f.DeadLetters)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the demo did not come out as told: %w", err)
	}
	return nil
}
