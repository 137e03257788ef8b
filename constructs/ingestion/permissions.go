package ingestion

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// The statements are written by hand because CDK's grants are wider: bucket.GrantPut allows s3:PutObjectLegalHold and
// others, table.GrantReadWriteData allows Scan and the table's stream. They follow the functions' code: who adds a
// call to a function adds it here. test/synth holds the result as a table.

// permitWorkflow lets Record and Publish do their work.
func (r *ReplayableIngestion) permitWorkflow() {
	r.permitReadEvents(r.RecordFunction)
	r.permitObjects(r.RecordFunction, schema.EventsPrefix, "s3:PutObject")
	r.permitObjects(r.RecordFunction, schema.DerivedPrefix, "s3:GetObject")
	r.permitLedger(r.RecordFunction, "GetItem", "PutItem", "UpdateItem")

	r.permitReadEvents(r.PublishFunction)
	r.permitObjects(r.PublishFunction, schema.OutputsPrefix, "s3:PutObject")
	r.permitLedger(r.PublishFunction, "GetItem", "UpdateItem")
	allow(r.PublishFunction, r.topicARN(), "sns:Publish")
}

// permitReplay lets the functions around the state machine do theirs.
func (r *ReplayableIngestion) permitReplay(s *settings) {
	r.permitLedger(r.TrackerFunction, "GetItem", "BatchGetItem", "UpdateItem")
	r.permitIndexes(r.TrackerFunction, schema.ByResource)
	allow(r.TrackerFunction, r.replayQueueARN(), "sqs:SendMessage")

	r.permitReadEvents(r.AutoReplayFunction)
	r.permitObjects(r.AutoReplayFunction, schema.UnrecordedPrefix, "s3:PutObject")
	r.permitObjects(r.AutoReplayFunction, schema.OutputsPrefix, "s3:GetObject") // whether it is there, nothing else
	// It deletes its lease, and nothing else.
	r.permitLedger(r.AutoReplayFunction, "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem")
	r.permitIndexes(r.AutoReplayFunction, schema.ByResource, schema.ByTime, schema.ByGroup)
	r.permitExecutions(r.AutoReplayFunction, r.StateMachine, "states:DescribeExecution", "states:GetExecutionHistory")
	allow(r.AutoReplayFunction, r.machineARN(), "states:ListExecutions")
	if alarm := s.auto.pauseAlarm; alarm != nil {
		allow(r.AutoReplayFunction, alarm.AlarmArn(), "cloudwatch:DescribeAlarms")
	}
	r.permitExecutions(r.AutoReplayFunction, r.SeriesMachine, "states:DescribeExecution")
	allow(r.AutoReplayFunction, r.DeadLetterQueue.QueueArn(), "sqs:ReceiveMessage", "sqs:DeleteMessage")
	allow(r.AutoReplayFunction, r.replayQueueARN(), "sqs:SendMessage")

	r.permitReadEvents(r.ReplayHandlerFunction)
	r.permitObjects(r.ReplayHandlerFunction, schema.ReplaysPrefix, "s3:GetObject", "s3:PutObject")
	r.permitLedger(r.ReplayHandlerFunction, "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem")
	r.permitIndexes(r.ReplayHandlerFunction, schema.ByResource, schema.ByGroup)
	allow(r.ReplayHandlerFunction, r.replayQueueARN(), "sqs:SendMessage")

	r.permitStart(r.ReplayListenerFunction)
	r.permitObjects(r.ReplayListenerFunction, schema.UnrecordedPrefix, "s3:GetObject")
	r.permitIndexes(r.ReplayListenerFunction, schema.ByGroup)
	allow(r.ReplayListenerFunction, r.machineARN(), "states:StartExecution")
	allow(r.ReplayListenerFunction, r.seriesARN(), "states:StartExecution")
	r.permitExecutions(r.ReplayListenerFunction, r.StateMachine, "states:DescribeExecution")

	r.permitStart(r.SeriesFunction)
}

// permitStart is what it takes to bind a version of a replay and to prepare its start, or to publish it again.
func (r *ReplayableIngestion) permitStart(fn awslambda.Function) {
	r.permitReadEvents(fn)
	r.permitObjects(fn, schema.DerivedPrefix, "s3:PutObject")
	r.permitObjects(fn, schema.ReplaysPrefix, "s3:GetObject")
	r.permitObjects(fn, schema.OutputsPrefix, "s3:GetObject")
	r.permitLedger(fn, "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem")
	r.permitIndexes(fn, schema.ByResource)
	allow(fn, r.topicARN(), "sns:Publish")
	allow(fn, r.replayQueueARN(), "sqs:SendMessage")
}

// permitReadEvents allows to read any version of an event and to list the versions.
func (r *ReplayableIngestion) permitReadEvents(fn awslambda.Function) {
	r.permitObjects(fn, schema.EventsPrefix, "s3:GetObject", "s3:GetObjectVersion")
	// Without it S3 answers 403 instead of 404 for an object that is not there (GetObject, "Permissions"). It cannot be
	// narrowed to a prefix: a request for an object has none.
	allow(fn, r.bucketARN(), "s3:ListBucket")
	fn.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions:   jsii.Strings("s3:ListBucketVersions"),
		Resources: &[]*string{r.bucketARN()},
		Conditions: &map[string]any{
			"StringLike": map[string]any{"s3:prefix": schema.EventsPrefix + "*"},
		},
	}))
}

func (r *ReplayableIngestion) permitObjects(fn awslambda.Function, prefix string, actions ...string) {
	allow(fn, r.objectsARN(prefix), actions...)
}

// permitLedger names the item operations on the table. A transaction needs those that it is made of.
func (r *ReplayableIngestion) permitLedger(fn awslambda.Function, operations ...string) {
	actions := make([]string, len(operations))
	for i, op := range operations {
		actions[i] = "dynamodb:" + op
	}
	allow(fn, r.tableARN(), actions...)
}

func (r *ReplayableIngestion) permitIndexes(fn awslambda.Function, indexes ...schema.Index) {
	for _, index := range indexes {
		allow(fn, jsii.String(*r.tableARN()+"/index/"+index.Name), "dynamodb:Query")
	}
}

// permitExecutions covers every execution of one state machine and of no other.
func (r *ReplayableIngestion) permitExecutions(fn awslambda.Function, machine awsstepfunctions.StateMachine, actions ...string) {
	allow(fn, executionsOf(r, machine), actions...)
}

func allow(fn awslambda.Function, resource *string, actions ...string) {
	fn.AddToRolePolicy(statement(resource, actions...))
}
