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
	"github.com/ce873799/replayable-ingestion/internal/autoreplay"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadAutoReplay)
	job, err := app.New(cfg, app.Services{
		Table: dynamodb.NewFromConfig(aws), Bucket: s3.NewFromConfig(aws), Queues: sqs.NewFromConfig(aws),
		States: sfn.NewFromConfig(aws), Alarms: cloudwatch.NewFromConfig(aws),
	}, tell)
	boot.Check(tell, err)
	boot.Run(tell, func(ctx context.Context, ask autoreplay.Request) (autoreplay.Summary, error) {
		// Not the request id: Lambda repeats a failed asynchronous call under the same one.
		return job.Run(ctx, ulid.Make().String(), ask)
	})
}
