package ingestion

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctionstasks"
	"github.com/aws/jsii-runtime-go"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// variable is what Record assigns. A workflow that assigned it as well would hide what is known about the event, and
// Step Functions refuses it in a Map or Parallel.
const variable = "ingestion"

// record is on the way of an event. It has the memory at which a cold start's TLS handshakes stop dominating, and times
// out before a person would wait for it, so that its state's Retry gets its turn.
var record = functionSpec{
	id: "Record", dir: "lambdas/record", memoryMB: 512, timeoutSeconds: 30,
	description: "Keeps the event in the log before the workflow sees it",
	code:        func(c *FunctionCode) *awslambda.Code { return &c.Record },
	field:       func(r *ReplayableIngestion) *awslambda.Function { return &r.RecordFunction },
	reserved:    func(s *settings) *float64 { return s.recordReserved },
	environment: func(r *ReplayableIngestion, s *settings) map[string]string {
		return config.Record{
			EventLogBucket: *r.bucketName(),
			LedgerTable:    *r.tableName(),
			ResourceIDPath: s.resourceIDPath,
			OwnerIDPath:    s.ownerIDPath,
			MaxEventBytes:  s.workflow.maxEventBytes(),
		}.Env()
	},
	needs: slices.Concat(
		readEvents(theNewest, byID),
		objects(schema.EventsPrefix, "s3:PutObject"),
		objects(schema.DerivedPrefix, "s3:GetObject"),
		rows("GetItem", "PutItem", "UpdateItem"),
	),
}

// recordTask hands the workflow exactly the event, and $ingestion as a variable beside it.
func (r *ReplayableIngestion) recordTask() awsstepfunctions.TaskStateBase {
	task := awsstepfunctionstasks.NewLambdaInvoke(r, jsii.String(schema.RecordState), &awsstepfunctionstasks.LambdaInvokeProps{
		LambdaFunction:           r.RecordFunction,
		Payload:                  payload("input"),
		PayloadResponseOnly:      jsii.Bool(true),
		OutputPath:               jsii.String("$.event"),
		Assign:                   &map[string]any{variable: awsstepfunctions.JsonPath_ObjectAt(jsii.String("$.ingestion"))},
		QueryLanguage:            awsstepfunctions.QueryLanguage_JSON_PATH, // numbers keep every digit
		RetryOnServiceExceptions: jsii.Bool(false),                         // retry adds its own
	})
	return retry(task)
}
