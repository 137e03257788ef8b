// Package record wires the function of a workflow's Record state.
//
// Each function has a package of its own below internal/app, since a program links the clients of all packages that it
// imports: one package for all functions would make Record's program 6 % larger.
package record

import (
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/ingest"
	"github.com/ce873799/replayable-ingestion/internal/store/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// New returns the function's handler. The error says what is wrong with the configuration.
func New(cfg config.Record, table ledger.Client, bucket eventlog.API, telemetry boot.Telemetry) (*ingest.EventRecorder, error) {
	reader, err := ingest.NewReader(cfg.ResourceIDPath, cfg.OwnerIDPath, cfg.MaxEventBytes)
	if err != nil {
		return nil, fmt.Errorf("wire Record: %w", err)
	}
	book := ledger.New(table, cfg.LedgerTable).Metered(telemetry.Meter)
	return ingest.NewEventRecorder(
		eventlog.New(bucket, cfg.EventLogBucket).Logging(telemetry.Log), book.Executions, book.Owners, reader, telemetry.Log, telemetry.Meter), nil
}
