// Command publish is the function of a workflow's Publish state.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/app/publish"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/protocol"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadPublish)
	publisher := publish.New(cfg, publish.Services{
		Table: dynamodb.NewFromConfig(awsConfig), Bucket: s3.NewFromConfig(awsConfig), Topics: sns.NewFromConfig(awsConfig),
	}, telemetry)
	boot.Run(telemetry, func(ctx context.Context, in protocol.PublishInput) (any, error) {
		return nil, publisher.Handle(ctx, in)
	})
}
