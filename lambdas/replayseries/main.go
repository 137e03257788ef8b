// Command replayseries binds and checks each version of a series.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/ce873799/replayable-ingestion/internal/app/replaylistener"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadReplaySeries)
	handler, err := replaylistener.NewSeries(cfg, replaylistener.Services{
		Table: dynamodb.NewFromConfig(aws), Bucket: s3.NewFromConfig(aws), Queues: sqs.NewFromConfig(aws),
		States: sfn.NewFromConfig(aws), Topics: sns.NewFromConfig(aws),
	}, tell)
	boot.Check(tell, err)
	boot.Run(tell, handler.BindVersion)
}
