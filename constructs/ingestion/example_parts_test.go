package ingestion_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// Events are kept in a bucket that exists, and results go to a topic that exists. The bucket must be versioned, and of
// this ingestion alone.
func ExampleNewReplayableIngestion_existingResources() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath: jsii.String("$.order.id"),
		EventLog:       awss3.Bucket_FromBucketName(stack, jsii.String("Events"), jsii.String("acme-order-events")),
		Topic: awssns.Topic_FromTopicArn(stack, jsii.String("News"),
			jsii.String("arn:aws:sns:eu-west-1:123456789012:orders")),
	})
}

// A FIFO topic delivers the results of a resource in the order of their publication: the message group is a hash of the
// resource's id.
func ExampleNewReplayableIngestion_fifoTopic() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath: jsii.String("$.order.id"),
		Topic:          awssns.NewTopic(stack, jsii.String("News"), &awssns.TopicProps{Fifo: jsii.Bool(true)}),
	})
}

// Events are deltas, each of which counts; a partner's errors pass within hours; and while live traffic is in trouble,
// nothing is replayed.
func ExampleReplayableIngestionProps() {
	stack := awscdk.NewStack(nil, jsii.String("Stock"), nil)
	ingestion.NewReplayableIngestion(stack, jsii.String("Stock"), &ingestion.ReplayableIngestionProps{
		Workflow:           ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath:     jsii.String("$.article.id"),
		SupersedeOlder:     jsii.Bool(false),
		AutoReplayInterval: awscdk.Duration_Minutes(jsii.Number(15)),
		RetryOn:            jsii.Strings("Partner*"),
		DoNotRetryOn:       jsii.Strings("PartnerRefused"),
		MaxAttempts:        jsii.Number(8),
		MaxBackoff:         awscdk.Duration_Hours(jsii.Number(6)),
		MaxReplayShare:     jsii.Number(0.1),
	})
}

// Producers may send events; operators may replay the past and read it.
func ExampleReplayableIngestion_GrantReplay() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	orders := ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath: jsii.String("$.order.id"),
	})
	shop := awsiam.NewRole(stack, jsii.String("Shop"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("ecs-tasks.amazonaws.com"), nil),
	})
	orders.GrantIngest(shop)
	operators := awsiam.NewRole(stack, jsii.String("Operators"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewAccountRootPrincipal(),
	})
	orders.GrantReplay(operators)
	orders.GrantReadHistory(operators)
}

// A subscriber takes what is new, and replays that are meant for it.
func ExampleReplayableIngestion_subscribe() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	orders := ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath: jsii.String("$.order.id"),
	})
	all := awssqs.NewQueue(stack, jsii.String("Everything"), nil)
	orders.Topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(all, nil))

	live := awssqs.NewQueue(stack, jsii.String("NoReplays"), nil)
	orders.Topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(live, &awssnssubscriptions.SqsSubscriptionProps{
		FilterPolicy: &map[string]awssns.SubscriptionFilter{
			"isReplay": awssns.SubscriptionFilter_StringFilter(&awssns.StringConditions{Allowlist: jsii.Strings("false")}),
		},
	}))
}

// A function corrects events on their way through a replay that names it.
func ExampleReplayableIngestionProps_transforms() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	fixPrices := awslambda.NewFunction(stack, jsii.String("FixPrices"), &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_PYTHON_3_12(),
		Handler: jsii.String("index.handler"),
		Code: awslambda.Code_FromInline(jsii.String(`
def handler(call, context):
    event = call["event"]
    event["order"]["currency"] = call["parameters"]["currency"]
    return event
`)),
	})
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath: jsii.String("$.order.id"),
		Transforms:     &map[string]awslambda.IFunction{"fix-prices": fixPrices},
	})
}

// The same in a state that speaks JSONata.
func ExampleIsReplay_jsonata() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	notify := awsstepfunctions.NewPass(stack, jsii.String("Notify"), nil)
	done := awsstepfunctions.NewPass(stack, jsii.String("Done"), nil)
	first := awsstepfunctions.Choice_Jsonata(stack, jsii.String("IsFirst"), nil).
		When(awsstepfunctions.Condition_Jsonata(jsii.String("{% $not("+ingestion.IsReplayExpression+") %}")), notify.Next(done), nil).
		Otherwise(done)
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(first),
		ResourceIdPath: jsii.String("$.order.id"),
	})
}
