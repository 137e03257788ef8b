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

// addRules sends the ends of executions to the queues: failures to the dead-letter queue, every end to the outcomes
// queue. ABORTED is an operator's choice, and no failure. What a series leaves when it ends gets its outcome, too.
//
// Each queue has a rule for events with an error, and one for events without. Between them they take every event once.
func (r *ReplayableIngestion) addRules() {
	ingestion, series := r.machineARN(), r.seriesARN()
	failed := ends{queue: r.DeadLetterQueue, machines: []*string{ingestion}, statuses: []string{"FAILED", "TIMED_OUT"}}
	ended := ends{
		queue: r.OutcomesQueue, machines: []*string{ingestion, series},
		statuses: []string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"},
	}
	r.rules = map[string]awsevents.Rule{
		"Failure": r.statusRule("Failure", failed, true), "FailureWithoutError": r.statusRule("FailureWithoutError", failed, false),
		"Outcome": r.statusRule("Outcome", ended, true), "OutcomeWithoutError": r.statusRule("OutcomeWithoutError", ended, false),
	}
}

// ends are ends of executions, and the queue they are sent to.
type ends struct {
	queue    awssqs.Queue
	machines []*string
	statuses []string
}

// errorIs is a condition on the error of a status event. Every string has the empty prefix, and nothing else has one.
func errorIs(there bool) *[]*string {
	if there {
		return awsevents.Match_Prefix(jsii.String(""))
	}
	return awsevents.Match_AnyOf(awsevents.Match_NullValue(), awsevents.Match_DoesNotExist())
}

// statusRule has no dead-letter queue for its target. EventBridge would put the event itself there, with the input
// and output that the pointer leaves out; and a lost event of an execution that has a row costs nothing but time,
// because the schedule reconciles.
func (r *ReplayableIngestion) statusRule(name string, of ends, withError bool) awsevents.Rule {
	id := name + "Rule"
	// As a target of its own, the queue would be opened by CDK: if it is encrypted, to every rule of the account, and
	// its key with it. By its ARN alone, CDK leaves both alone.
	target := awssqs.Queue_FromQueueArn(r, jsii.String(id+"Target"), of.queue.QueueArn())
	rule := awsevents.NewRule(r, jsii.String(id), &awsevents.RuleProps{
		EventPattern: &awsevents.EventPattern{
			Source:     jsii.Strings("aws.states"),
			DetailType: jsii.Strings("Step Functions Execution Status Change"),
			Detail: &map[string]any{
				"stateMachineArn": of.machines,
				"status":          of.statuses,
				"error":           errorIs(withError),
			},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewSqsQueue(target, &awseventstargets.SqsQueueProps{
			Message:       awsevents.RuleTargetInput_FromObject(pointer(withError)),
			RetryAttempts: jsii.Number(deliveryAttempts),
			MaxEventAge:   awscdk.Duration_Hours(jsii.Number(deliveryHours)),
		})},
	})
	of.queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sqs:SendMessage"),
		Resources:  &[]*string{of.queue.QueueArn()},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.RuleArn()}},
	}))
	return rule
}

// pointer says which execution ended and how. A status event carries up to 248 KB of input and output, which are
// other people's data and no business of a queue's readers.
//
// How EventBridge writes a field that is null is not documented, so the pointer has none that may be.
func pointer(withError bool) *map[string]any {
	fields := []string{"executionArn", "name", "stateMachineArn", "status", "startDate", "stopDate", "redriveCount"}
	if withError {
		fields = append(fields, "error")
	}
	p := map[string]any{"v": 1, "kind": "status"}
	for _, field := range fields {
		p[field] = awsevents.EventField_FromPath(jsii.String("$.detail." + field))
	}
	return &p
}
