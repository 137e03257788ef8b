// Command replayhandler answers the replay API.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/replayhandler"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/queue"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadReplayHandler)
	queues := sqs.NewFromConfig(aws)
	handler := replayhandler.New(cfg, dynamodb.NewFromConfig(aws), s3.NewFromConfig(aws), queues, tell)
	handler.Region, handler.DeadLetters = aws.Region, queue.NewDepth(queues, cfg.DeadLetterQueueURL)
	boot.Run(tell, handler.Handle)
}
