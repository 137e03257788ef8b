// Command record is the function of a workflow's Record state.
package main

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/app/record"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadRecord)
	recorder, err := record.New(cfg, dynamodb.NewFromConfig(aws), s3.NewFromConfig(aws), tell)
	boot.Check(tell, err)
	boot.Run(tell, recorder.Handle)
}
