// Command tracker records in the ledger how executions end.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/tracker"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadTracker)
	boot.Run(telemetry, tracker.New(cfg, dynamodb.NewFromConfig(awsConfig), sqs.NewFromConfig(awsConfig), telemetry).Handle)
}
