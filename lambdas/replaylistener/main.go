// Command replaylistener works off the Replay queue.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
)

func main() {
	cfg, aws, log := boot.Start(config.LoadReplayListener)
	book := ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable)
	events := eventlog.New(s3.NewFromConfig(aws), cfg.EventLogBucket)
	deps := listener.Deps{
		Book: book, Log: events, Machine: states.New(sfn.NewFromConfig(aws), cfg.StateMachineARN),
		Queue: queue.New(sqs.NewFromConfig(aws), cfg.ReplayQueueURL), Board: progress.New(book), Logger: log,
	}
	if cfg.SupersedeOlder {
		deps.Judge = supersede.New(events, book)
	}
	lambda.Start(listener.New(deps).Handle)
}
