// Command replayhandler answers the replay API.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/replayhandler"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadReplayHandler)
	boot.Run(tell, replayhandler.New(cfg, replayhandler.Services{
		Table: dynamodb.NewFromConfig(aws), Bucket: s3.NewFromConfig(aws), Queues: sqs.NewFromConfig(aws),
	}, tell).Handle)
}
