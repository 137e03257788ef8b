package ingestion

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"

	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/schema"
)

// replayListener works off the replay queue. What it sends there comes back to it.
var replayListener = functionSpec{
	id: "ReplayListener", dir: "lambdas/replaylistener", memoryMB: 512, timeoutSeconds: 120, recursive: true,
	description: "Expands replays and starts their executions",
	code:        func(c *FunctionCode) *awslambda.Code { return &c.ReplayListener },
	field:       func(r *ReplayableIngestion) *awslambda.Function { return &r.ReplayListenerFunction },
	source:      func(r *ReplayableIngestion) awssqs.Queue { return r.ReplayQueue },
	concurrency: func(s *settings) *float64 { return s.maximumConcurrency },
	environment: func(r *ReplayableIngestion, s *settings) map[string]string {
		return config.ReplayListener{
			ReplaySeries:     seriesConfig(r, s),
			SeriesMachineARN: *r.seriesARN(),
			SupersedeOlder:   s.auto.supersedeOlder,
		}.Env()
	},
	needs: slices.Concat(
		bindVersions(),
		readsTransformed(),
		objects(schema.UnrecordedPrefix, "s3:GetObject"),
		objects(schema.ReplaysPrefix, "s3:PutObject"), // the evidence
		queries(schema.ByTime, schema.ByGroup),
		onMachine((*ReplayableIngestion).machineARN, "states:StartExecution"),
		onMachine((*ReplayableIngestion).seriesARN, "states:StartExecution"),
		executions(ingestionMachine, "states:DescribeExecution"),
		redrives(),
	),
}
