// Command tracker settles executions in the ledger as they end.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/tracker"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadTracker)
	boot.Run(tell, tracker.New(cfg, dynamodb.NewFromConfig(aws), sqs.NewFromConfig(aws), tell).Handle)
}
