// Command record is the function of a workflow's Record state.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/record"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadRecord)
	recorder, err := record.New(cfg, dynamodb.NewFromConfig(awsConfig), s3.NewFromConfig(awsConfig), telemetry)
	boot.Check(telemetry, err)
	boot.Run(telemetry, recorder.Handle)
}
