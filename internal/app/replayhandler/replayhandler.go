// Package replayhandler wires the function behind the replay API.
package replayhandler

import (
	"github.com/ce873799/replayable-ingestion/internal/api"
	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// New returns the function's handler.
func New(
	cfg config.ReplayHandler, table ledger.Client, bucket eventlog.API, queues sqs.API, telemetry boot.Telemetry,
) (*api.API, error) {
	reader, err := ingest.NewReader(cfg.ResourceIDPath, cfg.OwnerIDPath, cfg.MaxEventBytes)
	if err != nil {
		return nil, err
	}
	handler := api.New(
		ledger.New(table, cfg.LedgerTable).Metered(telemetry.Meter),
		eventlog.New(bucket, cfg.EventLogBucket).Logging(telemetry.Log),
		sqs.New(queues, cfg.ReplayQueueURL), reader, telemetry.Log)
	handler.Pace = api.Pace{StartsPerSecond: cfg.StartsPerSecond, RequestedStartsPerSecond: cfg.RequestedStartsPerSecond}
	handler.Redrivable = cfg.Redrivable
	handler.Transforms = cfg.Transforms
	return handler, nil
}
