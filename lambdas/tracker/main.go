// Command tracker settles executions in the ledger as they end.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/settle"
	"github.com/ce873799/replayable-ingestion/internal/tracker"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadTracker)
	book := ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable).Metered(tell.Meter)
	replays := queue.New(sqs.NewFromConfig(aws), cfg.ReplayQueueURL)
	settler := settle.New(book.Executions, book.Failures, progress.New(book.Items, book.Replays, replays), tell.Log).Metered(tell.Meter)
	boot.Run(tell, tracker.New(settler, replays, cfg.StateMachineARN, cfg.SeriesMachineARN, tell.Log).Metered(tell.Meter).Handle)
}
