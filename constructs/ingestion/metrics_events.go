package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// The metrics below are the functions' own. They count changes of the ledger, each by the function that made it, so
// repeated deliveries count once. A function that dies between a change and its log line leaves one out.

// MetricRecorded counts events that entered the log, replays excluded. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricRecorded(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Recorded, opts)
}

// MetricPublished counts outputs that executions sent to the topic, those of replays included. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricPublished(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Published, opts)
}

// MetricPublishSuppressed counts outputs that were not sent because their replay asked for that. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricPublishSuppressed(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.PublishSuppressed, opts)
}

// MetricPublishSuperseded counts outputs of automatic replays that were not sent because a newer version had been
// published. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricPublishSuperseded(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.PublishSuperseded, opts)
}

// MetricFailureRate is the share of live executions that failed or timed out, of those that ended, replays excluded.
// Percent; Average, and SampleCount is how many ended. opts may be nil.
func (r *ReplayableIngestion) MetricFailureRate(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.FailureRate, opts)
}

// MetricFailures counts failed runs as they are written to the ledger, at the runs of the schedule. It includes failed
// replays and messages that no function could handle. Each of them heals, fails again, is superseded, quarantined or closed in
// the end; one in quarantine may heal later. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricFailures(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Failures, opts)
}

// MetricAutoReplayed counts failures of which an automatic replay was sent. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricAutoReplayed(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.AutoReplayed, opts)
}

// MetricHealed counts failures that a replay brought to success, also from quarantine. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricHealed(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Healed, opts)
}

// MetricFailedAgain counts failures whose replay or redrive failed as well, and is a failure of its own. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricFailedAgain(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.FailedAgain, opts)
}

// MetricSuperseded counts failures that were left to a newer event of the resource. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricSuperseded(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Superseded, opts)
}

// MetricQuarantined counts failures as they are quarantined. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricQuarantined(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Quarantined, opts)
}

// MetricClosed counts failures about which there was nothing to do: redriven with success, stopped by an operator, or of a
// replay that was only a try. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricClosed(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Closed, opts)
}

// MetricTimeToHeal is the time from the first failure of an event to the end of the replay that healed it. Seconds; p90.
// opts may be nil.
func (r *ReplayableIngestion) MetricTimeToHeal(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.TimeToHeal, opts)
}

// MetricInQuarantine is how many failures are in quarantine at each run of the schedule, 10,000 at most. Count; Maximum.
// opts may be nil.
func (r *ReplayableIngestion) MetricInQuarantine(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.InQuarantine, opts)
}

// MetricDeadLettersLeft is how many dead letters a run of the schedule could not ingest and had to leave in the queue. It
// is 0 unless something is wrong. Count; Maximum. opts may be nil.
func (r *ReplayableIngestion) MetricDeadLettersLeft(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.DeadLettersLeft, opts)
}

// MetricOutcomesStuck is for how long TrackerFunction has failed to record the outcome of an execution, of the one that it
// has tried for longest. Seconds; Maximum. opts may be nil.
func (r *ReplayableIngestion) MetricOutcomesStuck(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.OutcomesStuck, opts)
}

// MetricUnaccounted is the number of recorded events whose outcome has been unknown for UnaccountedAfter,
// at each run of the schedule. It is 0 unless something is wrong. Count; Maximum. opts may be nil.
func (r *ReplayableIngestion) MetricUnaccounted(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Unaccounted, opts)
}
