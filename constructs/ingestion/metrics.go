package ingestion

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// MetricName names a metric that the functions write. They count changes of the ledger, each by the function that made
// it, so repeated deliveries count once. A function that dies between a change and its log line leaves one out.
//
// Metrics that services write themselves are those of their resources, such as StateMachine.MetricFailed and
// DeadLetterQueue.MetricApproximateAgeOfOldestMessage. The age of a queue leaves out messages that were received three
// times (Amazon SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"): those are in
// MetricDeadLettersLeft, MetricOutcomesStuck and MetricReplaysStuck.
type MetricName string

// The metrics of the functions, each with its unit and its statistic if the options have none.
const (
	// MetricRecorded counts events that entered the log, replays excluded. Count; Sum.
	MetricRecorded MetricName = "Recorded"
	// MetricPublished counts outputs that executions sent to the topic, those of replays included. Count; Sum.
	MetricPublished MetricName = "Published"
	// MetricPublishSuppressed counts outputs that were not sent because their replay asked for that. Count; Sum.
	MetricPublishSuppressed MetricName = "PublishSuppressed"
	// MetricPublishSuperseded counts outputs of automatic replays that were not sent because a newer version had been
	// published. Count; Sum.
	MetricPublishSuperseded MetricName = "PublishSuperseded"
	// MetricFailureRate is the share of live executions that failed or timed out, of those that ended, replays
	// excluded. Percent; Average, and SampleCount is how many ended.
	MetricFailureRate MetricName = "FailureRate"
	// MetricFailures counts failed runs as they are written to the ledger, at the runs of the schedule. It includes
	// failed replays and messages that no function could handle. Each of them heals, fails again, is superseded,
	// quarantined or closed in the end; one in quarantine may heal later. Count; Sum.
	MetricFailures MetricName = "Failures"
	// MetricAutoReplayed counts failures of which an automatic replay was sent. Count; Sum.
	MetricAutoReplayed MetricName = "AutoReplayed"
	// MetricHealed counts failures that a replay brought to success, also from quarantine. Count; Sum.
	MetricHealed MetricName = "Healed"
	// MetricFailedAgain counts failures whose replay or redrive failed as well, and is a failure of its own. Count;
	// Sum.
	MetricFailedAgain MetricName = "FailedAgain"
	// MetricSuperseded counts failures that were left to a newer event of the resource. Count; Sum.
	MetricSuperseded MetricName = "Superseded"
	// MetricQuarantined counts failures as they are quarantined. Count; Sum.
	MetricQuarantined MetricName = "Quarantined"
	// MetricClosed counts failures about which there was nothing to do: redriven with success, stopped by an operator,
	// or of a replay that was only a try. Count; Sum.
	MetricClosed MetricName = "Closed"
	// MetricTimeToHeal is the time from the first failure of an event to the end of the replay that healed it. Seconds;
	// p90.
	MetricTimeToHeal MetricName = "TimeToHeal"
	// MetricInQuarantine is how many failures are in quarantine at each run of the schedule, 10,000 at most. Count;
	// Maximum.
	MetricInQuarantine MetricName = "InQuarantine"
	// MetricReplaysPaused is 1 while all replays are paused, by a person or by PauseAlarm, and otherwise 0, at each run
	// of the schedule. Count; Maximum.
	MetricReplaysPaused MetricName = "ReplaysPaused"
	// MetricAutoReplayPaused is 1 while no automatic replay starts: they are paused by a person or by PauseAlarm, or
	// AutoReplay is false. Otherwise it is 0, at each run of the schedule. Count; Maximum.
	MetricAutoReplayPaused MetricName = "AutoReplayPaused"
	// MetricDeadLettersLeft is how many dead letters a run of the schedule could not ingest and had to leave in the
	// queue. It is 0 unless something is wrong. Count; Maximum.
	MetricDeadLettersLeft MetricName = "DeadLettersLeft"
	// MetricOutcomesStuck is for how long TrackerFunction has failed to record the outcome of an execution, of the one
	// that it has tried for longest. Seconds; Maximum.
	MetricOutcomesStuck MetricName = "OutcomesStuck"
	// MetricUnaccounted is the number of recorded events whose outcome has been unknown for UnaccountedAfter,
	// at each run of the schedule. It is 0 unless something is wrong. Count; Maximum.
	MetricUnaccounted MetricName = "UnaccountedVersions"
	// MetricReplayItemsStarted counts items of API replays that were started, or published again. Count; Sum.
	MetricReplayItemsStarted MetricName = "ReplayItemsStarted"
	// MetricReplayItemsSucceeded counts items that succeeded. Count; Sum.
	MetricReplayItemsSucceeded MetricName = "ReplayItemsSucceeded"
	// MetricReplayItemsFailed counts items that failed, those of dry runs included. Count; Sum.
	MetricReplayItemsFailed MetricName = "ReplayItemsFailed"
	// MetricReplayItemsSkipped counts items that a guard, a cancel or a halt kept from starting, those of dry runs
	// included. Count; Sum.
	MetricReplayItemsSkipped MetricName = "ReplayItemsSkipped"
	// MetricReplayItemsPlanned counts items of dry runs that would have run. Count; Sum.
	MetricReplayItemsPlanned MetricName = "ReplayItemsPlanned"
	// MetricReplaysHalted counts replays that stopped by themselves: too many items failed, or their resources could
	// not be found out. Count; Sum.
	MetricReplaysHalted MetricName = "ReplaysHalted"
	// MetricRepublished counts messages that were sent again without an execution. Count; Sum.
	MetricRepublished MetricName = "Republished"
	// MetricReplaysStuck is for how long ReplayListenerFunction has failed to handle a message of the replay queue, of
	// the one that it has tried for longest. What the pace of a replay holds back does not count. Seconds; Maximum.
	MetricReplaysStuck MetricName = "ReplaysStuck"
	// MetricAutoReplayRuns counts runs of the schedule that came to their end, also while automatic replays are off:
	// the heartbeat. Count; Sum.
	MetricAutoReplayRuns MetricName = "AutoReplayRuns"
	// MetricAutoReplaySeconds is how long a run of the schedule took. Seconds; Maximum.
	MetricAutoReplaySeconds MetricName = "AutoReplaySeconds"
	// MetricErrors counts log lines of level ERROR of all functions: what needs a person. What passes by itself is a
	// WARN, and what an event does to itself is in quarantine. Count; Sum.
	MetricErrors MetricName = "Errors"
)

// Metric returns a metric of this ingestion. Its default period is 5 minutes; its statistic is that of the name.
// Nil options change neither. It panics if there is no metric of that name.
func (r *ReplayableIngestion) Metric(name MetricName, options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	about, ok := schema.MetricNamed(string(name))
	if !ok {
		panic(fmt.Sprintf("Metric: there is no metric %q; use a constant such as ingestion.MetricHealed", name))
	}
	props := awscloudwatch.MetricProps{
		Namespace:     jsii.String(schema.MetricNamespace),
		MetricName:    jsii.String(about.Name),
		DimensionsMap: &map[string]*string{schema.MetricDimension: r.uniqueName()},
		Statistic:     jsii.String(about.Statistic),
	}
	var rest awscloudwatch.MetricOptions
	if options != nil {
		rest = *options
		if rest.Statistic != nil {
			props.Statistic, rest.Statistic = rest.Statistic, nil
		}
		props.Label, rest.Label = rest.Label, nil
	}
	m := awscloudwatch.NewMetric(&props)
	if rest == (awscloudwatch.MetricOptions{}) { // a call less, for each of the dashboard
		return m
	}
	return m.With(&rest)
}

// metricStartsThrottled counts calls of StartExecution that were refused, whoever made them in this account and Region:
// Step Functions does not tell whose they were ("Monitoring Step Functions metrics using Amazon CloudWatch", Step
// Functions Developer Guide).
func metricStartsThrottled(options *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/States"), MetricName: jsii.String("ThrottledEvents"), Statistic: jsii.String("Sum"),
		DimensionsMap: &map[string]*string{"APIName": jsii.String("StartExecution")},
	}).With(options)
}
