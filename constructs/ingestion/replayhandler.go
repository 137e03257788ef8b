package ingestion

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// replayHandler answers the API. API Gateway waits 29 seconds.
var replayHandler = functionSpec{
	id: "ReplayHandler", dir: "lambdas/replayhandler", memoryMB: 512, timeoutSeconds: 29,
	description: "Answers the replay API",
	code:        func(c *FunctionCode) *awslambda.Code { return &c.ReplayHandler },
	field:       func(r *ReplayableIngestion) *awslambda.Function { return &r.ReplayHandlerFunction },
	environment: func(r *ReplayableIngestion, s *settings) map[string]string {
		return config.ReplayHandler{
			EventLogBucket:     *r.bucketName(),
			LedgerTable:        *r.tableName(),
			ReplayQueueURL:     *r.replayQueueURL(),
			DeadLetterQueueURL: *r.DeadLetterQueue.QueueUrl(),
			ResourceIDPath:     s.resourceIDPath,
			OwnerIDPath:        s.ownerIDPath,
			MaxEventBytes:      s.workflow.maxEventBytes(),
			Redrivable:         redrivable(s.workflow),
			StartsPerSecond:    s.pace.startsPerSecond,

			RequestedStartsPerSecond: s.pace.requestedStartsPerSecond,
			Transforms:               s.transforms.names(),
		}.Env()
	},
	needs: slices.Concat(
		readEvents(byID),
		objects(schema.ReplaysPrefix, "s3:GetObject", "s3:PutObject"),
		rows("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem"),
		queries(schema.ByResource, schema.ByTime, schema.ByGroup),
		sendsReplays(),
		[]need{{resource: deadLetterQueueARN, actions: []string{"sqs:GetQueueAttributes"}, via: "sqs"}},
	),
}
