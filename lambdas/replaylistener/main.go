// Command replaylistener works off the Replay queue.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/replaylistener"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadReplayListener)
	handler, err := replaylistener.New(cfg, replaylistener.Services{
		Table: dynamodb.NewFromConfig(awsConfig), Bucket: s3.NewFromConfig(awsConfig), Queues: sqs.NewFromConfig(awsConfig),
		States: sfn.NewFromConfig(awsConfig), Topics: sns.NewFromConfig(awsConfig),
		Functions: lambda.NewFromConfig(awsConfig),
	}, telemetry)
	boot.Check(telemetry, err)
	boot.Run(telemetry, handler.Handle)
}
