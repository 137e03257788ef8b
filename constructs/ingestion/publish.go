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

// publish is on the way of an event, like record.
var publish = functionSpec{
	id: "Publish", dir: "lambdas/publish", memoryMB: 512, timeoutSeconds: 30,
	description: "Publishes the output of the workflow",
	code:        func(c *FunctionCode) *awslambda.Code { return &c.Publish },
	field:       func(r *ReplayableIngestion) *awslambda.Function { return &r.PublishFunction },
	environment: func(r *ReplayableIngestion, s *settings) map[string]string {
		return config.Publish{
			EventLogBucket: *r.bucketName(),
			LedgerTable:    *r.tableName(),
			TopicARN:       *r.topicARN(),
			StoreOutputs:   s.storeOutputs,
			SupersedeOlder: s.auto.supersedeOlder,
		}.Env()
	},
	needs: slices.Concat(
		readEvents(theNewest),
		onlyIf(func(s *settings) bool { return s.storeOutputs }, objects(schema.OutputsPrefix, "s3:PutObject")),
		rows("GetItem", "UpdateItem"),
		publishes(),
	),
}

// publishTask leaves the workflow's output as it is.
func (r *ReplayableIngestion) publishTask() awsstepfunctions.TaskStateBase {
	task := awsstepfunctionstasks.NewLambdaInvoke(r, jsii.String(schema.PublishState), &awsstepfunctionstasks.LambdaInvokeProps{
		LambdaFunction:           r.PublishFunction,
		Payload:                  payload("output"),
		PayloadResponseOnly:      jsii.Bool(true),
		ResultPath:               awsstepfunctions.JsonPath_DISCARD(),
		QueryLanguage:            awsstepfunctions.QueryLanguage_JSON_PATH,
		RetryOnServiceExceptions: jsii.Bool(false),
	})
	return retry(task)
}
