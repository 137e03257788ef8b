package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// MetricStarted counts executions that started, replays included. opts may be nil.
func (r *ReplayableIngestion) MetricStarted(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.StateMachine.MetricStarted(opts)
}

// MetricSucceeded counts executions that succeeded, replays included. opts may be nil.
func (r *ReplayableIngestion) MetricSucceeded(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.StateMachine.MetricSucceeded(opts)
}

// MetricFailed counts executions that failed, replays included. Those that timed out count apart. opts may be nil.
func (r *ReplayableIngestion) MetricFailed(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.StateMachine.MetricFailed(opts)
}

// MetricTimedOut counts executions that timed out, replays included. opts may be nil.
func (r *ReplayableIngestion) MetricTimedOut(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.StateMachine.MetricTimedOut(opts)
}

// MetricThrottled counts states of executions, and retries, that Step Functions held back because the account's quota of
// state transitions was used up. opts may be nil.
func (r *ReplayableIngestion) MetricThrottled(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.StateMachine.MetricThrottled(opts)
}

// metricStartsThrottled counts calls of StartExecution that were refused, by whomever they were made in this account and
// Region: Step Functions does not tell whose they were ("Monitoring Step Functions metrics using Amazon CloudWatch", Step
// Functions Developer Guide).
func metricStartsThrottled(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/States"), MetricName: jsii.String("ThrottledEvents"), Statistic: jsii.String("Sum"),
		DimensionsMap: &map[string]*string{"APIName": jsii.String("StartExecution")},
	}).With(opts)
}

// The ages below are SQS's. A message that was received three times and is still there does not count in them (Amazon SQS
// Developer Guide, "Available CloudWatch metrics for Amazon SQS"), so they show queues that are not read, or not fast
// enough. What is tried again and again is in MetricDeadLettersLeft, MetricOutcomesStuck and MetricReplaysStuck.

// MetricDeadLetterAge is the age of the oldest dead letter that was received less than three times, in seconds. It exceeds
// the interval of the schedule only if AutoReplayFunction does not run, or does not keep up. opts may be nil.
func (r *ReplayableIngestion) MetricDeadLetterAge(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.DeadLetterQueue.MetricApproximateAgeOfOldestMessage(opts)
}

// MetricOutcomesAge is the age of the oldest message in the outcomes queue that was received less than three times, in
// seconds: how far TrackerFunction is behind. opts may be nil.
func (r *ReplayableIngestion) MetricOutcomesAge(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.OutcomesQueue.MetricApproximateAgeOfOldestMessage(opts)
}

// MetricReplayAge is the age of the oldest message in the replay queue that was received less than three times, in seconds:
// how far ReplayListenerFunction is behind. opts may be nil.
func (r *ReplayableIngestion) MetricReplayAge(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.ReplayQueue.MetricApproximateAgeOfOldestMessage(opts)
}

// MetricReplaysWaiting is the number of messages in the replay queue. opts may be nil.
func (r *ReplayableIngestion) MetricReplaysWaiting(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.ReplayQueue.MetricApproximateNumberOfMessagesVisible(opts)
}

// metric is one that the functions write as log lines in the embedded metric format.
func (r *ReplayableIngestion) metric(about schema.Metric, opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	props := awscloudwatch.MetricProps{
		Namespace:     jsii.String(schema.MetricNamespace),
		MetricName:    jsii.String(about.Name),
		DimensionsMap: &map[string]*string{schema.MetricDimension: jsii.String(r.metricDimension())},
		Statistic:     jsii.String(about.Statistic),
	}
	var rest awscloudwatch.MetricOptions
	if opts != nil {
		rest = *opts
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

// metricDimension tells this ingestion from others of the account. It follows from the construct's path, which names
// the stack.
func (r *ReplayableIngestion) metricDimension() string {
	return *r.uniqueName()
}
