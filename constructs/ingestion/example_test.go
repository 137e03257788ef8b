package ingestion_test

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/constructs/ingestion"
)

// The examples are compiled and not run: CDK needs Node.

func ExampleNewReplayableIngestion() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Orders"), nil)

	work := awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)
	orders := ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(work),
		ResourceIdPath: jsii.String("$.order.id"),
		OwnerIdPath:    jsii.String("$.order.customerId"),
	})

	shop := awsiam.NewUser(stack, jsii.String("Shop"), nil)
	orders.GrantIngest(shop)
	app.Synth(nil)
}

func ExampleFromStateMachine() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	existing := awsstepfunctions.StateMachine_FromStateMachineName(stack, jsii.String("Existing"), jsii.String("orders"))
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromStateMachine(existing, nil),
		ResourceIdPath: jsii.String("$.order.id"),
	})
}

// The state machine of an EXPRESS workflow that another stack deployed: its type cannot be seen, so it is told.
func ExampleFromStateMachine_express() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	existing := awsstepfunctions.StateMachine_FromStateMachineName(stack, jsii.String("Existing"), jsii.String("orders"))
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow: ingestion.FromStateMachine(existing, &ingestion.StateMachineOptions{
			StateMachineType: awsstepfunctions.StateMachineType_EXPRESS,
		}),
		ResourceIdPath: jsii.String("$.order.id"),
	})
}

// A definition names what its tasks call by ${name}, and cannot give them permission: that goes beside it.
func ExampleFromDefinitionFile() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	stock := awsdynamodb.NewTable(stack, jsii.String("Stock"), &awsdynamodb.TableProps{
		PartitionKey: &awsdynamodb.Attribute{Name: jsii.String("article"), Type: awsdynamodb.AttributeType_STRING},
	})
	orders := ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow: ingestion.FromDefinitionFile(jsii.String("orders.asl.json"), &ingestion.DefinitionOptions{
			Substitutions: &map[string]*string{"stock": stock.TableName()},
		}),
		ResourceIdPath: jsii.String("$.order.id"),
	})
	stock.GrantReadData(orders.StateMachine)
}

// The same from a text, with the permission as a statement.
func ExampleFromDefinition() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	packing := awssqs.NewQueue(stack, jsii.String("Packing"), nil)
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow: ingestion.FromDefinition(jsii.String(`{
			"QueryLanguage": "JSONata",
			"StartAt": "Pack",
			"States": {"Pack": {
				"Type": "Task",
				"Resource": "arn:aws:states:::sqs:sendMessage",
				"Arguments": {"QueueUrl": "${packing}", "MessageBody": "{% $states.input.order %}"},
				"Output": "{% $states.input %}",
				"End": true
			}}
		}`), &ingestion.DefinitionOptions{
			Substitutions: &map[string]*string{"packing": packing.QueueUrl()},
			Policies: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("sqs:SendMessage"),
				Resources: &[]*string{packing.QueueArn()},
			})},
		}),
		ResourceIdPath: jsii.String("$.order.id"),
	})
}

// A side effect that a replay must not repeat stands behind a Choice.
func ExampleIsReplay() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	notify := awsstepfunctions.NewPass(stack, jsii.String("Notify"), nil)
	first := awsstepfunctions.NewChoice(stack, jsii.String("IsFirst"), nil).
		When(awsstepfunctions.Condition_Not(ingestion.IsReplay()), notify, nil).
		Afterwards(&awsstepfunctions.AfterwardsOptions{IncludeOtherwise: jsii.Bool(true)})
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(first),
		ResourceIdPath: jsii.String("$.order.id"),
	})
}

// Where the go command is missing at synth time, functions can be compiled before.
func ExampleFunctionCode() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	ready := func(function string) awslambda.Code {
		return awslambda.Code_FromAsset(jsii.String("build/"+function+".zip"), &awss3assets.AssetOptions{})
	}
	ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)),
		ResourceIdPath: jsii.String("$.order.id"),
		Code: &ingestion.FunctionCode{
			Record:         ready("record"),
			Publish:        ready("publish"),
			Tracker:        ready("tracker"),
			AutoReplay:     ready("autoreplay"),
			ReplayHandler:  ready("replayhandler"),
			ReplayListener: ready("replaylistener"),
			Series:         ready("replayseries"),
		},
	})
}

// The critical alarms wake a person up, the others send a mail.
func ExampleReplayableIngestion_CriticalAlarms() {
	stack := awscdk.NewStack(nil, jsii.String("Orders"), nil)
	work := awsstepfunctions.NewPass(stack, jsii.String("Work"), nil)
	topic := func(id string) awscloudwatch.IAlarmAction {
		return awscloudwatchactions.NewSnsAction(awssns.NewTopic(stack, jsii.String(id), nil))
	}
	orders := ingestion.NewReplayableIngestion(stack, jsii.String("Orders"), &ingestion.ReplayableIngestionProps{
		Workflow:       ingestion.FromChainable(work),
		ResourceIdPath: jsii.String("$.order.id"),
		AlarmActions:   &[]awscloudwatch.IAlarmAction{topic("Mail")},
	})
	pager := topic("Pager")
	for _, alarm := range orders.CriticalAlarms() {
		alarm.AddAlarmAction(pager)
		alarm.AddOkAction(pager)
	}
}
