// Package replayhandler wires the function behind the replay API.
package replayhandler

import (
	"github.com/ce873799/replayable-ingestion/internal/api"
	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/queue"
)

// Services are what the function calls.
type Services struct {
	Table  ledger.Client
	Bucket eventlog.API
	Queues queue.API
}

// New returns the function's handler.
func New(cfg config.ReplayHandler, aws Services, tell boot.Telemetry) *api.API {
	return api.New(
		ledger.New(aws.Table, cfg.LedgerTable).Metered(tell.Meter),
		eventlog.New(aws.Bucket, cfg.EventLogBucket).Logging(tell.Log),
		queue.New(aws.Queues, cfg.ReplayQueueURL), tell.Log)
}
