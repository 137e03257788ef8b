// Command app is the CDK app of the workflow tests: an ingestion for each case, and the bare workflow beside it.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/golambda"
	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
	"github.com/ce873799/replayable-ingestion/test/workflows"
)

func main() {
	os.Exit(run())
}

func run() int {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	arch := awslambda.Architecture_ARM_64()
	if app.Node().TryGetContext(jsii.String("architecture")) == "x86_64" {
		arch = awslambda.Architecture_X86_64()
	}
	newShared(app, arch)
	cases := workflows.Cases()
	for i := 0; i*workflows.PerStack < len(cases); i++ {
		first := i * workflows.PerStack
		newStack(app, workflows.StackName(i), arch, cases[first:min(first+workflows.PerStack, len(cases))])
	}
	app.Synth(nil)
	return 0
}

// newShared makes what the workflows' tasks use.
func newShared(app awscdk.App, arch awslambda.Architecture) {
	stack := awscdk.NewStack(app, jsii.String(workflows.SharedStack), nil)
	awslambda.NewFunction(stack, jsii.String("Worker"), &awslambda.FunctionProps{
		FunctionName: jsii.String(workflows.WorkerName),
		Code:         golambda.Code(golambda.ThisModule()+"/test", "workflows/worker", arch),
		Handler:      jsii.String(golambda.Bootstrap),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: arch,
		Timeout:      awscdk.Duration_Seconds(jsii.Number(20)),
	})
	awsdynamodb.NewTable(stack, jsii.String("Table"), &awsdynamodb.TableProps{
		TableName:    jsii.String(workflows.TableName),
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("id"), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:  awsdynamodb.BillingMode_PAY_PER_REQUEST,
	})
	awssqs.NewQueue(stack, jsii.String("Queue"), &awssqs.QueueProps{QueueName: jsii.String(workflows.QueueName)})
	awss3.NewBucket(stack, jsii.String("Names"), &awss3.BucketProps{BucketName: jsii.String(workflows.BucketName)})
}

// newStack makes a few ingestions that publish to one topic, and an inbox for it.
func newStack(app awscdk.App, name string, arch awslambda.Architecture, cases []workflows.Case) {
	stack := awscdk.NewStack(app, jsii.String(name), nil)
	topic := awssns.NewTopic(stack, jsii.String("Topic"), nil)
	inbox := awssqs.NewQueue(stack, jsii.String(workflows.InboxOutput), nil)
	topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(inbox, &awssnssubscriptions.SqsSubscriptionProps{
		RawMessageDelivery: jsii.Bool(true),
	}))
	awscdk.NewCfnOutput(stack, jsii.String("Url"), &awscdk.CfnOutputProps{
		Key: jsii.String(workflows.InboxOutput), Value: inbox.QueueUrl(),
	})
	bareTopic := awssns.NewTopic(stack, jsii.String("BareTopic"), nil)
	for _, c := range cases {
		ingestion.NewReplayableIngestion(stack, jsii.String(c.Name), &ingestion.ReplayableIngestionProps{
			Workflow:           workflow(stack, c),
			ResourceIdPath:     jsii.String("$.id"),
			Topic:              topic,
			Architecture:       arch,
			RemovalPolicy:      awscdk.RemovalPolicy_DESTROY,
			ApiCloudWatchRole:  jsii.Bool(false),
			AutoReplayInterval: awscdk.Duration_Minutes(jsii.Number(60)), // the tests run it
			BackoffBase:        awscdk.Duration_Seconds(jsii.Number(1)),
			MaxBackoff:         awscdk.Duration_Seconds(jsii.Number(1)),
			SettleAfter:        awscdk.Duration_Minutes(jsii.Number(1)),
		})
		if c.File != "" && c.Like == "" {
			machine := newBare(stack, c, bareTopic)
			awscdk.NewCfnOutput(stack, jsii.String(workflows.BareOutput(c.Name)), &awscdk.CfnOutputProps{Value: machine.StateMachineArn()})
		}
	}
}

// workflow makes a case's workflow.
func workflow(stack awscdk.Stack, c workflows.Case) ingestion.Workflow {
	switch {
	case c.Name == "Large":
		return ingestion.FromDefinition(jsii.String(large()), options(stack, large()))
	case c.File != "":
		path := "test/workflows/testdata/" + c.File + ".asl.json"
		return ingestion.FromDefinitionFile(jsii.String(path), options(stack, definition(c)))
	case c.Name == "Standard":
		return ingestion.FromStateMachine(newStandard(stack), nil)
	case c.Name == "Express":
		return ingestion.FromStateMachine(newExpress(stack), nil)
	}
	make, ok := chains[c.Name]
	if !ok {
		panic(fmt.Sprintf("there is no way to make the workflow %s", c.Name))
	}
	return ingestion.FromChainable(make(stack))
}
