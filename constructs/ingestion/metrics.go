package ingestion

import "github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"

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
