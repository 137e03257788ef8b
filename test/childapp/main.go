// Command childapp is a CDK app for the end-to-end tests: a ReplayableIngestion around a state machine that existed
// before it.
package main

import (
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	sfn "github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

func main() {
	os.Exit(run())
}

func run() int {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("orders"), nil)
	arch := awslambda.Architecture_ARM_64()
	if app.Node().TryGetContext(jsii.String("architecture")) == "x86_64" {
		arch = awslambda.Architecture_X86_64()
	}
	transform := surcharge(stack, arch)
	awscdk.NewCfnOutput(stack, jsii.String("TransformArn"), &awscdk.CfnOutputProps{Value: transform.FunctionArn()})
	orders := ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromStateMachine(existing(stack), nil),
		ResourceIdPath: jsii.String("$.order.id"),
		OwnerIdPath:    jsii.String("$.order.customerId"),
		Architecture:   arch,
		RemovalPolicy:  awscdk.RemovalPolicy_DESTROY,
		BackoffBase:    awscdk.Duration_Seconds(jsii.Number(1)),
		MaxAttempts:    jsii.Number(1),
		Transforms:     &map[string]awslambda.IFunction{"surcharge": transform},
	})
	all, live := subscribers(stack, orders.Topic)
	addOutputs(stack, orders, all, live)
	app.Synth(nil)
	return 0
}

// existing is a machine that knows nothing of the ingestion. What an order's "do" says is what becomes of it.
func existing(stack awscdk.Stack) sfn.IStateMachine {
	ship := sfn.NewPass(stack, jsii.String("Ship"), &sfn.PassProps{
		Result:     sfn.Result_FromObject(&map[string]any{"carrier": "post"}),
		ResultPath: jsii.String("$.shipped"),
	})
	refuse := sfn.NewFail(stack, jsii.String("Refuse"), &sfn.FailProps{
		Error: jsii.String("OrderRefused"), Cause: jsii.String("no such article"),
	})
	broken := sfn.NewFail(stack, jsii.String("Break"), &sfn.FailProps{
		Error: jsii.String("StockServiceUnavailable"), Cause: jsii.String("the stock is being counted"),
	})
	decide := sfn.NewChoice(stack, jsii.String("Decide"), nil).
		When(does("refuse"), refuse, nil).
		When(does("break"), broken, nil).
		Otherwise(ship)
	return sfn.NewStateMachine(stack, jsii.String("Existing"), &sfn.StateMachineProps{
		DefinitionBody: sfn.DefinitionBody_FromChainable(decide),
	})
}

// surcharge adds a member to an order, or fails, as its parameters say.
func surcharge(stack awscdk.Stack, arch awslambda.Architecture) awslambda.IFunction {
	fn := awslambda.NewFunction(stack, jsii.String("Surcharge"), &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_PYTHON_3_12(), Architecture: arch, Handler: jsii.String("index.handler"),
		Code: awslambda.Code_FromInline(jsii.String(`
def handler(call, context):
    parameters = call["parameters"]
    if "fail" in parameters:
        raise ValueError("no rate for " + parameters["fail"])
    call["event"]["order"]["surcharge"] = parameters["percent"]
    call["event"]["order"]["of"] = call["versionId"]
    return call["event"]
`)),
	})
	return fn.AddAlias(jsii.String("live"), nil)
}

// does matches the beginning: the rest of what is to be done makes the event longer.
func does(what string) sfn.Condition {
	return sfn.Condition_StringMatches(jsii.String("$.order.do"), jsii.String(what+"*"))
}

// subscribers are a queue of everything that is published, and one that filters replays out.
func subscribers(stack awscdk.Stack, topic awssns.ITopic) (all, live awssqs.Queue) {
	all = awssqs.NewQueue(stack, jsii.String("Downstream"), nil)
	live = awssqs.NewQueue(stack, jsii.String("DownstreamLive"), nil)
	topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(all, &awssnssubscriptions.SqsSubscriptionProps{
		RawMessageDelivery: jsii.Bool(true),
	}))
	topic.AddSubscription(awssnssubscriptions.NewSqsSubscription(live, &awssnssubscriptions.SqsSubscriptionProps{
		RawMessageDelivery: jsii.Bool(true),
		FilterPolicy: &map[string]awssns.SubscriptionFilter{
			"isReplay": awssns.SubscriptionFilter_StringFilter(&awssns.StringConditions{Allowlist: jsii.Strings("false")}),
		},
	}))
	return all, live
}

// addOutputs names the parts as the local runner looks for them.
func addOutputs(stack awscdk.Stack, orders *ingestion.ReplayableIngestion, all, live awssqs.Queue) {
	for _, output := range []struct {
		id    string
		value *string
	}{
		{"StateMachineArn", orders.StateMachine.StateMachineArn()},
		{"EventLogBucket", orders.EventLog.BucketName()},
		{"DeadLetterQueueUrl", orders.DeadLetterQueue.QueueUrl()},
		{"ReplayQueueUrl", orders.ReplayQueue.QueueUrl()},
		{"OutcomesQueueUrl", orders.OutcomesQueue.QueueUrl()},
		{"TopicArn", orders.Topic.TopicArn()},
		{"LedgerTable", orders.Ledger.TableName()},
		{"ApiUrl", orders.Api.Url()},
		{"DownstreamQueueUrl", all.QueueUrl()},
		{"DownstreamLiveQueueUrl", live.QueueUrl()},
	} {
		awscdk.NewCfnOutput(stack, jsii.String(output.id), &awscdk.CfnOutputProps{Value: output.value})
	}
}
