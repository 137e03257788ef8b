// Package tracker wires the function that records in the ledger how executions end.
package tracker

import (
	"github.com/ce873799/replayable-ingestion/internal/app/boot"
	"github.com/ce873799/replayable-ingestion/internal/aws/sqs"
	"github.com/ce873799/replayable-ingestion/internal/config"
	"github.com/ce873799/replayable-ingestion/internal/outcome"
	"github.com/ce873799/replayable-ingestion/internal/progress"
	"github.com/ce873799/replayable-ingestion/internal/store/ledger"
)

// New returns the function's handler.
func New(cfg config.Tracker, table ledger.Client, queues sqs.API, telemetry boot.Telemetry) *outcome.Tracker {
	book := ledger.New(table, cfg.LedgerTable).Metered(telemetry.Meter)
	replays := sqs.New(queues, cfg.ReplayQueueURL)
	replayProgress := progress.New(book.Items, book.Replays, replays)
	outcomes := outcome.NewEndRecorder(book.Executions, book.Ends, book.Failures, replayProgress, telemetry.Log).ForTracker(telemetry.Meter)
	return outcome.NewTracker(outcomes, replays, cfg.StateMachineARN, cfg.SeriesMachineARN, telemetry.Log).Metered(telemetry.Meter)
}
