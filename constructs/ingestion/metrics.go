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

// MetricDeadLetterAge is the age of the oldest dead letter, in seconds. It exceeds the interval of the schedule only
// if AutoReplayFunction does not keep up. opts may be nil.
func (r *ReplayableIngestion) MetricDeadLetterAge(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.DeadLetterQueue.MetricApproximateAgeOfOldestMessage(opts)
}

// MetricReplaysWaiting is the number of messages in the replay queue. opts may be nil.
func (r *ReplayableIngestion) MetricReplaysWaiting(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.ReplayQueue.MetricApproximateNumberOfMessagesVisible(opts)
}

// MetricUnaccounted is the number of recorded events of which nobody has known for UnaccountedAfter what became of them,
// at each run of the schedule. It is 0 unless something is wrong. opts may be nil.
func (r *ReplayableIngestion) MetricUnaccounted(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.MetricUnaccounted, "Maximum", opts)
}

// MetricAutoReplayed counts automatic replays as they are sent. opts may be nil.
func (r *ReplayableIngestion) MetricAutoReplayed(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.MetricAutoReplayed, "Sum", opts)
}

// MetricSuperseded counts failures that were closed because a newer event of the resource had arrived. opts may be nil.
func (r *ReplayableIngestion) MetricSuperseded(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.MetricSuperseded, "Sum", opts)
}

// MetricQuarantined counts failures as they are quarantined by the schedule. opts may be nil.
func (r *ReplayableIngestion) MetricQuarantined(opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return r.metric(schema.MetricQuarantined, "Sum", opts)
}

// metric is one that the functions write as log lines in the embedded metric format.
func (r *ReplayableIngestion) metric(name, statistic string, opts *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	m := awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace:     jsii.String(schema.MetricNamespace),
		MetricName:    jsii.String(name),
		DimensionsMap: &map[string]*string{schema.MetricDimension: jsii.String(r.metricDimension())},
		Statistic:     jsii.String(statistic),
	})
	if opts == nil {
		return m
	}
	return m.With(opts)
}

// metricDimension tells this ingestion from others of the account. It follows from the construct's path, which names
// the stack.
func (r *ReplayableIngestion) metricDimension() string {
	return *r.uniqueName()
}

// An event must be unaccounted for in 2 of 3 periods: a service that does not answer for a minute leaves one so for one
// run, and a period may have no run.
const (
	unaccountedPeriods    = 3
	unaccountedDatapoints = 2
)

func (r *ReplayableIngestion) addAlarms(s *settings) {
	r.UnaccountedAlarm = awscloudwatch.NewAlarm(r, jsii.String("UnaccountedAlarm"), &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String("Nobody knows what became of an event: the log of the auto-replay function of " +
			r.path() + " names it (\"nobody knows what became of an event\")"),
		Metric:             r.MetricUnaccounted(&awscloudwatch.MetricOptions{Period: s.auto.interval}),
		Threshold:          jsii.Number(1),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		EvaluationPeriods:  jsii.Number(unaccountedPeriods),
		DatapointsToAlarm:  jsii.Number(unaccountedDatapoints),
		TreatMissingData:   awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
}
