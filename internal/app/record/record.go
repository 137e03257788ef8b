// Package record wires the function of a workflow's Record state.
//
// Each function has a package of its own below internal/app, since a program links the clients of all packages that it
// imports: one package for all functions would make Record's program 6 % larger.
package record

import (
	"fmt"

	"github.com/ce873799/replayable-ingestion/internal/boot"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/eventlog"
	"github.com/ce873799/replayable-ingestion/internal/ledger"
	"github.com/ce873799/replayable-ingestion/internal/record"
)

// New returns the function's handler. The error says what is wrong with the configuration.
func New(cfg config.Record, table ledger.Client, bucket eventlog.API, tell boot.Telemetry) (*record.Recorder, error) {
	reader, err := record.NewReader(cfg.ResourceIDPath, cfg.OwnerIDPath, cfg.MaxEventBytes)
	if err != nil {
		return nil, fmt.Errorf("wire Record: %w", err)
	}
	book := ledger.New(table, cfg.LedgerTable).Metered(tell.Meter)
	return record.New(
		eventlog.New(bucket, cfg.EventLogBucket).Logging(tell.Log), book.Executions, book.Owners, reader, tell.Log, tell.Meter), nil
}
