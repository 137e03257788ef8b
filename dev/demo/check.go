package demo

import (
	"errors"
	"fmt"
)

func (d *demo) printTable(f Figures) {
	d.chapter("What became of them (each figure is read back from where it says)")
	row := func(n int, what, where string) { d.say("%6d  %-55s %s", n, what, where) }
	row(f.Ingested, "events ingested", "Step Functions")
	row(f.RecordedVersions, "versions recorded in the event log", "S3")
	row(f.Succeeded, "succeeded at once", "Step Functions")
	row(f.Failed, "failed at first", "Step Functions")
	row(f.AutoReplayed, "automatic replays", "Step Functions")
	row(f.Healed, "failures healed by a replay", "ledger")
	row(f.Superseded, "failures superseded by a newer event", "ledger")
	row(f.Quarantined, "failures in quarantine", "ledger")
	d.say("")
	row(f.Replays, "replays requested through the API", "ledger")
	row(f.Planned, "items planned by dry runs", "ledger")
	row(f.StartedByDryRuns, "executions of dry runs", "ledger")
	row(f.APIReplayed, "executions of the other replays", "Step Functions")
	row(f.InSeries, "of them in a series, oldest version first", "Step Functions")
	row(f.OutOfOrder, "of them before the one ahead had ended", "Step Functions")
	row(f.Corrected, "events corrected by a patch, one of them for good", "S3")
	row(f.Republished, "outputs published again without an execution", "ledger")
	row(f.BeforeCancel, "items of the cancelled replay that had started", "ledger")
	row(f.Cancelled, "items of it that were skipped", "ledger")
	row(f.Miscounted, "replays whose counts differ from their items", "ledger")
	d.say("")
	row(f.Published, "outputs published by executions", "ledger")
	row(f.ReceivedDownstream, "messages at the service that takes everything", "SQS")
	row(f.ReceivedLive, "messages at the service that filters replays out", "SQS")
	row(f.LiveReplays, "replays among those", "SQS")
	row(f.ReceivedTargeted, "messages at the price map, the target of a replay", "SQS")
	row(f.OthersReplays, "messages among those that were not for it", "SQS")
	row(f.Repeated, "messages that came once more (delivery is at least once)", "SQS")
	row(f.PremiumOffers, "premium listings offered, no replay among them", "SQS")
	row(f.DeadLetters, "dead letters left", "SQS")
	row(f.Lost, "LOST", "ledger and Step Functions")
	d.say("\n%.0f s, without the deployment.", f.Seconds)
}

// repeatsAllowed is how many messages may come twice, as they do when the answer to a Publish is lost. More mean a fault.
const repeatsAllowed = 5

// check compares the figures with each other.
func (f Figures) check() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(f.Lost == 0, "%d events are lost", f.Lost)
	want(f.RecordedVersions == f.Ingested+corrections, "%d versions of %d events and %d corrections",
		f.RecordedVersions, f.Ingested, corrections)
	want(f.Failed == f.Healed+f.Superseded+f.Quarantined, "%d failures, but %d healed, %d superseded and %d quarantined",
		f.Failed, f.Healed, f.Superseded, f.Quarantined)
	want(f.Quarantined == 0, "%d failures are in quarantine still", f.Quarantined)
	want(f.Corrected == badListings+corrections, "%d events were corrected, want %d", f.Corrected, badListings+corrections)

	want(f.StartedByDryRuns == 0, "dry runs started %d executions", f.StartedByDryRuns)
	want(f.APIReplayed == f.StartedItems, "%d items started, but there are %d executions", f.StartedItems, f.APIReplayed)
	want(f.InSeries > 0 && f.OutOfOrder == 0, "%d of %d versions ran out of order", f.OutOfOrder, f.InSeries)
	want(f.BeforeCancel > 0 && f.Cancelled > 0, "%d items started before the cancel and %d were skipped, want some of both",
		f.BeforeCancel, f.Cancelled)
	want(f.Miscounted == 0, "the counts of %d replays differ from their items", f.Miscounted)

	want(f.ReceivedDownstream == f.Published+f.Republished, "%d published and %d again, but %d received",
		f.Published, f.Republished, f.ReceivedDownstream)
	want(f.LiveReplays == 0, "%d replays passed the filter", f.LiveReplays)
	want(f.ReceivedLive == f.Succeeded, "%d live events succeeded, but the filtering subscriber received %d", f.Succeeded, f.ReceivedLive)
	want(f.ReceivedTargeted == f.Republished && f.OthersReplays == 0,
		"%d outputs were for the price map, but it received %d, of which %d were for others", f.Republished, f.ReceivedTargeted, f.OthersReplays)
	want(f.Repeated <= repeatsAllowed, "%d messages came once more, at most %d are the weather's", f.Repeated, repeatsAllowed)
	want(f.DeadLetters == 0, "%d dead letters are left", f.DeadLetters)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("the demo did not come out as told: %w", err)
	}
	return nil
}
