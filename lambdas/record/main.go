// Command record is the function of a workflow's Record state.
package main

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/record"
)

func main() {
	cfg, aws, tell := boot.Start(config.LoadRecord)
	reader, err := record.NewReader(cfg.ResourceIDPath, cfg.OwnerIDPath, cfg.MaxEventBytes)
	if err != nil {
		tell.Log.Error("invalid configuration", "error", err)
		os.Exit(1)
	}
	book := ledger.New(dynamodb.NewFromConfig(aws), cfg.LedgerTable).Metered(tell.Meter)
	recorder := record.New(
		eventlog.New(s3.NewFromConfig(aws), cfg.EventLogBucket).Logging(tell.Log),
		book.Executions, book.Owners, reader, tell.Log, tell.Meter)
	boot.Run(tell, recorder.Handle)
}
