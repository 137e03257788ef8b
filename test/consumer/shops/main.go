// Command shops is the CDK app of a foreign module: three ingestions in two stacks, two of them in one, with the same ids
// in different scopes, and one that uses a bucket and a topic of a third stack.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)

	shared := awscdk.NewStack(app, jsii.String("Shared"), nil)
	bucket := awss3.NewBucket(shared, jsii.String("Events"), &awss3.BucketProps{Versioned: jsii.Bool(true)})
	topic := awssns.NewTopic(shared, jsii.String("News"), nil)
	awscdk.NewCfnOutput(shared, jsii.String("Bucket"), &awscdk.CfnOutputProps{Value: bucket.BucketName()})

	eu := awscdk.NewStack(app, jsii.String("Shops-EU"), nil)
	outlet := constructs.NewConstruct(eu, jsii.String("Outlet"))
	subscribe(eu,
		newOrders(app, eu, &ingestion.ReplayableIngestionProps{}),
		newOrders(app, outlet, &ingestion.ReplayableIngestionProps{}),
	)

	us := awscdk.NewStack(app, jsii.String("Shops-US"), nil)
	subscribe(us, newOrders(app, us, &ingestion.ReplayableIngestionProps{EventLog: bucket, Topic: topic}))
	app.Synth(nil)
}

func newOrders(app awscdk.App, scope constructs.Construct, props *ingestion.ReplayableIngestionProps) *ingestion.ReplayableIngestion {
	if app.Node().TryGetContext(jsii.String("architecture")) == "x86_64" {
		props.Architecture = awslambda.Architecture_X86_64()
	}
	props.Workflow = ingestion.FromChainable(awsstepfunctions.NewPass(scope, jsii.String("Accept"), &awsstepfunctions.PassProps{
		Result:     awsstepfunctions.Result_FromString(scope.Node().Path()),
		ResultPath: jsii.String("$.acceptedBy"),
	}))
	props.ResourceIdPath = jsii.String("$.order.id")
	return ingestion.NewReplayableIngestion(scope, jsii.String("Orders"), props)
}

// subscribe creates a queue of what the ingestions publish, and outputs where to send events.
func subscribe(stack awscdk.Stack, all ...*ingestion.ReplayableIngestion) {
	queue := awssqs.NewQueue(stack, jsii.String("Downstream"), nil)
	awscdk.NewCfnOutput(stack, jsii.String("Queue"), &awscdk.CfnOutputProps{Value: queue.QueueUrl()})
	for _, orders := range all {
		orders.Topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(queue, &awssnssubscriptions.SqsSubscriptionProps{
			RawMessageDelivery: jsii.Bool(true),
		}))
		awscdk.NewCfnOutput(orders, jsii.String("Machine"), &awscdk.CfnOutputProps{Value: orders.StateMachine.StateMachineArn()})
	}
}
