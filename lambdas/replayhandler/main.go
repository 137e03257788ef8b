// Command replayhandler answers the replay API.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/replayhandler"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadReplayHandler)
	queues := awssqs.NewFromConfig(awsConfig)
	handler, err := replayhandler.New(cfg, dynamodb.NewFromConfig(awsConfig), s3.NewFromConfig(awsConfig), queues, telemetry)
	boot.Check(telemetry, err)
	handler.DeadLetters = sqs.NewDepth(queues, cfg.DeadLetterQueueURL)
	boot.Run(telemetry, handler.Handle)
}
