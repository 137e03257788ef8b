// Command orders is the CDK app of a foreign module: an ingestion whose workflow calls a function in Python. It does not know
// that it may be run on an emulator.
package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Orders"), nil)
	score := awslambda.NewFunction(stack, jsii.String("ScoreFunction"), &awslambda.FunctionProps{
		Runtime: awslambda.Runtime_PYTHON_3_12(), Handler: jsii.String("score.handler"),
		Code: awslambda.Code_FromAsset(jsii.String("functions"), nil),
	})
	work := awsstepfunctionstasks.NewLambdaInvoke(stack, jsii.String("Score"), &awsstepfunctionstasks.LambdaInvokeProps{
		LambdaFunction: score, OutputPath: jsii.String("$.Payload"),
	})
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(work),
		ResourceIdPath: jsii.String("$.order.id"),
		OwnerIdPath:    jsii.String("$.order.customerId"),
	})
	app.Synth(nil)
}
