package ingestion

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// tracker records the outcomes that the outcomes queue tells of.
var tracker = functionSpec{
	id: "Tracker", dir: "lambdas/tracker", memoryMB: 256, timeoutSeconds: 30,
	description: "Records the outcomes of executions in the ledger",
	code:        func(c *FunctionCode) *awslambda.Code { return &c.Tracker },
	field:       func(r *ReplayableIngestion) *awslambda.Function { return &r.TrackerFunction },
	source:      func(r *ReplayableIngestion) awssqs.Queue { return r.OutcomesQueue },
	concurrency: func(s *settings) *float64 { return s.outcomesConcurrency },
	environment: func(r *ReplayableIngestion, _ *settings) map[string]string {
		return config.Tracker{
			LedgerTable:      *r.tableName(),
			StateMachineARN:  *r.machineARN(),
			SeriesMachineARN: *r.seriesARN(),
			ReplayQueueURL:   *r.replayQueueURL(),
		}.Env()
	},
	needs: slices.Concat(
		rows("GetItem", "BatchGetItem", "Query", "UpdateItem"),
		queries(schema.ByResource),
		sendsReplays(),
	),
}
