// Command publish is the function of a workflow's Publish state.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/publish"
	"github.com/ce873799/replayable-ingestion/internal/supersede"
	"github.com/ce873799/replayable-ingestion/internal/topic"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadPublish)
	events := eventlog.New(s3.NewFromConfig(aws), cfg.EventLogBucket).Logging(tell.Log)
	book := ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable).Metered(tell.Meter)
	publisher := publish.New(topic.New(sns.NewFromConfig(aws), cfg.TopicARN), events, book.Executions, supersede.NewGate(book.Publications, tell.Log),
		publish.Options{StoreOutputs: cfg.StoreOutputs, SupersedeOlder: cfg.SupersedeOlder}, tell.Log, tell.Meter)
	boot.Run(tell, func(ctx context.Context, in workflow.PublishInput) (any, error) {
		return nil, publisher.Handle(ctx, in)
	})
}
