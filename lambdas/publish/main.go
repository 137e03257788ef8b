// Command publish is the function of a workflow's Publish state.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
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
)

func main() {
	cfg, aws, log := boot.Start(config.LoadPublish)
	events := eventlog.New(s3.NewFromConfig(aws), cfg.EventLogBucket)
	book := ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable)
	publisher := publish.New(topic.New(sns.NewFromConfig(aws), cfg.TopicARN), events, book, supersede.New(events, book), publish.Options{
		StoreOutputs: cfg.StoreOutputs, SupersedeOlder: cfg.SupersedeOlder,
	}, log)
	lambda.Start(publisher.Handle)
}
