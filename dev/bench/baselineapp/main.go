// Command baselineapp is the example's dev stage with a second state machine: the same workflow without the construct.
// Its last state publishes the output.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	sfn "github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	tasks "github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/example/listings"
)

func main() {
	os.Exit(run())
}

func run() int {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	c, err := listings.ReadContext(app.Node())
	if err != nil {
		fmt.Fprintf(os.Stderr, "invalid configuration, see cdk.json:\n%v\n", err)
		return 1
	}
	for _, stage := range c.Stages {
		if stage.Name == "dev" {
			addBaseline(listings.NewStack(app, jsii.String("listings-dev"), &listings.StackProps{
				Service: c.Service, Stage: stage, Architecture: c.Architecture,
			}))
		}
	}
	app.Synth(nil)
	return 0
}

func addBaseline(stack *listings.Stack) {
	scope := constructs.NewConstruct(stack, jsii.String("Baseline"))
	enrich := tasks.NewLambdaInvoke(scope, jsii.String("Enrich"), &tasks.LambdaInvokeProps{
		LambdaFunction: stack.EnrichFunction, PayloadResponseOnly: jsii.Bool(true),
		RetryOnServiceExceptions: jsii.Bool(false),
	})
	offer := tasks.NewSqsSendMessage(scope, jsii.String("OfferToSales"), &tasks.SqsSendMessageProps{
		Queue: stack.Premium, ResultPath: sfn.JsonPath_DISCARD(),
		MessageBody: sfn.TaskInput_FromJsonPathAt(sfn.JsonPath_EntirePayload()),
	})
	publish := tasks.NewSnsPublish(scope, jsii.String("PublishIt"), &tasks.SnsPublishProps{
		Topic: awssns.NewTopic(scope, jsii.String("Topic"), nil), ResultPath: sfn.JsonPath_DISCARD(),
		Message: sfn.TaskInput_FromJsonPathAt(sfn.JsonPath_EntirePayload()),
	})
	premium := sfn.Condition_BooleanEquals(jsii.String("$.enrichment.premium"), jsii.Bool(true))
	work := enrich.Next(sfn.NewChoice(scope, jsii.String("IsPremium"), nil).
		When(premium, offer.Next(publish), nil).
		Otherwise(publish))
	machine := sfn.NewStateMachine(scope, jsii.String("Machine"), &sfn.StateMachineProps{
		DefinitionBody: sfn.DefinitionBody_FromChainable(work),
	})
	awscdk.NewCfnOutput(stack, jsii.String("BaselineMachineArn"), &awscdk.CfnOutputProps{Value: machine.StateMachineArn()})
}
