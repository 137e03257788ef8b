package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// EventBridge's own limits, written out: it tries for a day.
const (
	deliveryAttempts = 185
	deliveryHours    = 24
)

// addRules sends the ends of executions to the queues: failures to the dead-letter queue, every end to the
// outcomes queue. ABORTED is an operator's choice, and no failure. What a series leaves when it ends gets its outcome, too.
func (r *ReplayableIngestion) addRules() {
	ingestion, series := r.machineARN(), r.seriesARN()
	r.failureRule = r.statusRule("FailureRule", r.DeadLetterQueue, []*string{ingestion}, "FAILED", "TIMED_OUT")
	r.outcomeRule = r.statusRule("OutcomeRule", r.OutcomesQueue, []*string{ingestion, series}, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
}

// statusRule has no dead-letter queue for its target. EventBridge would put the event itself there, with the input
// and output that the pointer leaves out; and a lost event of an execution that has a row costs nothing but time,
// because the schedule reconciles.
func (r *ReplayableIngestion) statusRule(id string, queue awssqs.Queue, machines []*string, statuses ...string) awsevents.Rule {
	// As a target of its own, the queue would be opened by CDK: if it is encrypted, to every rule of the account, and its
	// key with it. By its ARN alone, CDK leaves both alone.
	target := awssqs.Queue_FromQueueArn(r, jsii.String(id+"Target"), queue.QueueArn())
	rule := awsevents.NewRule(r, jsii.String(id), &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("aws.states"),
			DetailType: jsii.Strings("Step Functions Execution Status Change"),
			Detail: &map[string]any{
				"stateMachineArn": machines,
				"status":          statuses,
			},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewSqsQueue(target, &awseventstargets.SqsQueueProps{
			Message:       awsevents.RuleTargetInput_FromObject(pointer()),
			RetryAttempts: jsii.Number(deliveryAttempts),
			MaxEventAge:   awscdk.Duration_Hours(jsii.Number(deliveryHours)),
		})},
	})
	queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{queue.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.RuleArn()}},
	}))
	return rule
}

// pointer says which execution ended and how. A status event carries up to 248 KB of input and output, which are
// other people's data and no business of a queue's readers.
func pointer() *map[string]any {
	p := map[string]any{"v": 1, "kind": "status"}
	for _, field := range []string{
		"executionArn", "name", "stateMachineArn", "status", "error", "startDate", "stopDate", "redriveCount",
	} {
		p[field] = awsevents.EventField_FromPath(jsii.String("$.detail." + field))
	}
	return &p
}
