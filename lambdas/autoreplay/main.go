// Command autoreplay is the scheduled job that keeps failures from being lost.
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/oklog/ulid/v2"

	app "github.com/ce873799/replayable-ingestion/internal/app/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, awsConfig, telemetry := boot.Start(config.LoadAutoReplay)
	job, err := app.New(cfg, app.Services{
		Table: dynamodb.NewFromConfig(awsConfig), Bucket: s3.NewFromConfig(awsConfig), Queues: sqs.NewFromConfig(awsConfig),
		States: sfn.NewFromConfig(awsConfig), Alarms: cloudwatch.NewFromConfig(awsConfig),
	}, telemetry)
	boot.Check(telemetry, err)
	boot.Run(telemetry, func(ctx context.Context, request autoreplay.Request) (autoreplay.Summary, error) {
		// Not the request id: Lambda repeats a failed asynchronous call under the same one.
		return job.Run(ctx, ulid.Make().String(), request)
	})
}
