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

// New returns the function's handler.
func New(
	cfg config.ReplayHandler, table ledger.Client, bucket eventlog.API, queues queue.API, tell boot.Telemetry,
) *api.API {
	return api.New(
		ledger.New(table, cfg.LedgerTable).Metered(tell.Meter),
		eventlog.New(bucket, cfg.EventLogBucket).Logging(tell.Log),
		queue.New(queues, cfg.ReplayQueueURL), tell.Log)
}
