// Command replaylistener works off the Replay queue.
package main

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/listener"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/queue"
	"github.com/ce873799/replayable-ingestion/internal/record"
	"github.com/ce873799/replayable-ingestion/internal/states"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
	"github.com/ce873799/replayable-ingestion/internal/topic"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadReplayListener)
	book := ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable).Metered(tell.Meter)
	events := eventlog.New(s3.NewFromConfig(aws), cfg.EventLogBucket).Logging(tell.Log)
	reader, err := record.NewReader(cfg.ResourceIDPath, "", cfg.MaxEventBytes)
	if err != nil {
		tell.Log.Error("invalid configuration", "error", err)
		os.Exit(1)
	}
	machines := sfn.NewFromConfig(aws)
	replays := queue.New(sqs.NewFromConfig(aws), cfg.ReplayQueueURL)
	handler := listener.New(listener.Deps{
		Book: book, Log: events, Machine: states.New(machines, cfg.StateMachineARN),
		Series: states.New(machines, cfg.SeriesMachineARN),
		Queue:  replays, Board: progress.New(book.Items, book.Replays, replays), Judge: supersede.New(events, book.Executions), Gate: supersede.NewGate(book.Publications, tell.Log),
		Topic: topic.New(sns.NewFromConfig(aws), cfg.TopicARN), Reader: reader, Logger: tell.Log, Meter: tell.Meter,
		SupersedeOlder: cfg.SupersedeOlder,
	})
	boot.Run(tell, handler.Handle)
}
