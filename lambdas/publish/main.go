// Command publish is the function of a workflow's Publish state.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/internal/app/publish"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/workflow"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadPublish)
	publisher := publish.New(cfg, publish.Services{
		Table: dynamodb.NewFromConfig(aws), Bucket: s3.NewFromConfig(aws), Topics: sns.NewFromConfig(aws),
	}, tell)
	boot.Run(tell, func(ctx context.Context, in workflow.PublishInput) (any, error) {
		return nil, publisher.Handle(ctx, in)
	})
}
