// Command replayhandler answers the replay API.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/api"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/queue"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadReplayHandler)
	handler := api.New(
		ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable).Metered(tell.Meter),
		eventlog.New(s3.NewFromConfig(aws), cfg.EventLogBucket).Logging(tell.Log),
		queue.New(sqs.NewFromConfig(aws), cfg.ReplayQueueURL), tell.Log)
	boot.Run(tell, handler.Handle)
}
