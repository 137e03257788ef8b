package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// MetricReplayItemsStarted counts items of API replays that were started, or published again. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricReplayItemsStarted(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.ReplayItemsStarted, opts)
}

// MetricReplayItemsSucceeded counts items that succeeded. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricReplayItemsSucceeded(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.ReplayItemsSucceeded, opts)
}

// MetricReplayItemsFailed counts items that failed, those of dry runs included. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricReplayItemsFailed(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.ReplayItemsFailed, opts)
}

// MetricReplayItemsSkipped counts items that a guard, a cancel or a halt kept from starting, those of dry runs included.
// Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricReplayItemsSkipped(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.ReplayItemsSkipped, opts)
}

// MetricReplayItemsPlanned counts items of dry runs that would have run. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricReplayItemsPlanned(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.ReplayItemsPlanned, opts)
}

// MetricReplaysHalted counts replays that stopped by themselves: too many items failed, or their resources could not be
// found out. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricReplaysHalted(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.ReplaysHalted, opts)
}

// MetricRepublished counts messages that were sent again without an execution. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricRepublished(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Republished, opts)
}

// MetricReplaysStuck is for how long ReplayListenerFunction has failed to handle a message of the replay queue, of the
// one that it has tried for longest. What the pace of a replay holds back does not count. Seconds; Maximum. opts may be nil.
func (r *ReplayableIngestion) MetricReplaysStuck(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.ReplaysStuck, opts)
}

// MetricAutoReplayRuns counts runs of the schedule that came to their end, also while automatic replays are off: the
// heartbeat. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricAutoReplayRuns(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.AutoReplayRuns, opts)
}

// MetricAutoReplaySeconds is how long a run of the schedule took. Seconds; Maximum. opts may be nil.
func (r *ReplayableIngestion) MetricAutoReplaySeconds(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.AutoReplaySeconds, opts)
}

// MetricErrors counts log lines of level ERROR of all functions: what needs a person. What passes by itself is a WARN, and
// what an event does to itself is in quarantine. Count; Sum. opts may be nil.
func (r *ReplayableIngestion) MetricErrors(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.Errors, opts)
}
